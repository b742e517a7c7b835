/** What a `Delayed` looks like when printed: `Delayed<energy#12 pending>`. */

import type { Completion } from "../completion.js";
import { SOURCE } from "./evaluate.js";
import { DelayedNode, FULFILLED, REJECTED, STARTED } from "./node.js";

/** How many operands deep an expression is written out. */
const DEPTH = 5;
const TEXT_LIMIT = 24;

/** Writes a node and its state. Looking does not start anything. */
export function describe(node: DelayedNode): string {
  return `Delayed<${textOf(node, DEPTH)} ${stateOf(node.versions?.latest ?? node)}>`;
}

function stateOf(node: DelayedNode): "pending" | "fulfilled" | "rejected" {
  if (node.phase === FULFILLED) return "fulfilled";
  if (node.phase === REJECTED) return "rejected";
  if (node.kind === SOURCE && node.left !== undefined) return (node.left as Completion).state.type;
  return node.kind.isReady === true ? "fulfilled" : "pending";
}

function textOf(node: DelayedNode, depth: number): string {
  const { kind } = node;
  const show = (operand: unknown) => textOfOperand(operand, depth - 1);
  const isStripped = node.phase > STARTED;
  if (kind.text !== undefined && (kind.keepsRight === true || !isStripped)) return kind.text(node, show);
  if (isStripped) return `${kind.label}(…)`;
  const rest = Array.isArray(node.rest) ? (node.rest as unknown[]) : [];
  const operands = [node.left, node.right, ...rest.slice(0, DEPTH)].filter(
    (operand) => operand !== undefined,
  );
  return `${kind.label}(${operands.map(show).join(", ")})`;
}

function textOfOperand(operand: unknown, depth: number): string {
  if (operand instanceof DelayedNode) return depth <= 0 ? "…" : textOf(operand, depth);
  switch (typeof operand) {
    case "number":
    case "boolean":
      return String(operand);
    case "bigint":
      return `${operand}n`;
    case "string":
      return operand.length > TEXT_LIMIT
        ? `${JSON.stringify(operand.slice(0, TEXT_LIMIT))}…`
        : JSON.stringify(operand);
    default:
      return "…";
  }
}
