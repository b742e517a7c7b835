/**
 * Members, items, calls and item assignment: how each comes to its value.
 *
 * How users write them is surface's.
 */

import { assignItem, copyForAssignment, readItem, unpackItem } from "./item.js";
import { type DelayedNode, IN_PLACE, type Kind, operandValue } from "./node.js";
import { fill } from "./plan.js";

/** `r.foo` and `r[1]`: `left` the receiver, `right` the key. */
export const MEMBER: Kind = {
  label: "member",
  keepsRight: true,
  compute(node) {
    const receiver = operandValue(node.left);
    const key = node.right as string;
    if (receiver === undefined || receiver === null)
      throw new TypeError(`cannot read ${JSON.stringify(key)} of a Delayed that evaluated to ${receiver}.`);
    return (receiver as Record<string, unknown>)[key];
  },
  text: (node, show) => show(node.left) + memberText(node.right as string),
};

/** One of the values that unpacking gives: `left` the receiver, `right` the index, `rest` how many there are to be. */
export const ITEM: Kind = {
  label: "item",
  keepsRight: true,
  compute: (node) => unpackItem(operandValue(node.left), node.right as number, node.rest as number),
  text: (node, show) => `${show(node.left)}[${String(node.right)}]`,
};

/** `op.getItem`: `left` the receiver, `right` the key. */
export const GET_ITEM: Kind = {
  label: "getItem",
  compute: (node) => readItem(operandValue(node.left), operandValue(node.right)),
};

/** What is called with what. */
export interface CallPlan {
  /** The method's name; undefined: `left` itself is called. */
  readonly key: string | undefined;
  /** Planned, see plan. */
  readonly args: readonly unknown[];
}

/** A call of a member or of the value: `left` the receiver, `right` a CallPlan, `rest` the arguments' nodes. */
export const CALL: Kind = {
  label: "call",
  compute(node) {
    const { key, args } = node.right as CallPlan;
    const operands = node.rest as DelayedNode[] | undefined;
    const receiver = operandValue(node.left);
    const values = operands === undefined ? args : fillAll(args, operands);
    if (key === undefined) {
      if (typeof receiver !== "function")
        throw new TypeError(`cannot call a Delayed that evaluated to ${nameType(receiver)}.`);
      return Reflect.apply(receiver, undefined, values);
    }
    if (receiver === undefined || receiver === null)
      throw new TypeError(`cannot call ${JSON.stringify(key)} of a Delayed that evaluated to ${receiver}.`);
    const method = (receiver as Record<string, unknown>)[key];
    if (typeof method !== "function")
      throw new TypeError(
        `cannot call ${JSON.stringify(key)} of a Delayed that evaluated to ${nameType(receiver)}: it is no method.`,
      );
    return Reflect.apply(method, receiver, values);
  },
  text(node, show) {
    const { key } = node.right as CallPlan;
    return `${show(node.left)}${key === undefined ? "" : memberText(key)}(…)`;
  },
};

/** One planned assignment, with the nodes that its key and value need. */
export interface Assignment {
  readonly key: unknown;
  readonly value: unknown;
  readonly operands: readonly DelayedNode[];
}

/** Item assignments: `left` the version before, `right` the assignments in order, `rest` all their operands. */
export const ASSIGN: Kind = {
  label: "assigned",
  compute(node) {
    const before = operandValue(node.left);
    const value = (node.flags & IN_PLACE) !== 0 ? before : copyForAssignment(before);
    for (const assignment of node.right as Assignment[]) {
      const values = assignment.operands.map(operandValue);
      assignItem(value, fill(assignment.key, values), fill(assignment.value, values));
    }
    return value;
  },
  text: (node, show) => show(node.left),
};

/** Fills the arguments of a call in. */
export function fillAll(args: readonly unknown[], operands: readonly DelayedNode[]): unknown[] {
  const values = operands.map(operandValue);
  return args.map((arg) => fill(arg, values));
}

/** A value's type, for messages. */
export function nameType(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "undefined") return "undefined";
  if (typeof value === "object") return `an object (${(value as object).constructor?.name ?? "Object"})`;
  return `a ${typeof value}`;
}

function memberText(key: string): string {
  if (/^(?:0|[1-9]\d*)$/.test(key)) return `[${key}]`;
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
