/** Results as text. */

import type { LineResult } from "./result.js";
import type { Bound } from "./row.js";

const TITLE_WIDTH = 58;

/** A figure with its digits. */
export function showFigure(value: number, digits: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

function showBound(bound: Bound, digits: number): string {
  return "least" in bound
    ? `at least ${bound.least.toLocaleString("en-US")}`
    : `at most ${bound.most.toLocaleString("en-US", { maximumFractionDigits: Math.max(digits, 2) })}`;
}

/** One line with its spread, its target and, below, the baseline of the same runs. */
export function showLine(line: LineResult): string {
  const { title, unit, digits, values, ratio, bound, verdict, absolute } = line;
  const spread = `${showFigure(Math.min(...values), digits)} to ${showFigure(Math.max(...values), digits)}`;
  const figure = `${showFigure(line.median, digits).padStart(10)} ${unit.padEnd(11)} (${spread})`;
  const own = ratio === undefined ? verdict : absolute;
  const target = bound === undefined ? "" : `  ${own}: ${showBound(bound, digits)}`;
  const first = `${(verdict ?? "").padEnd(4)}  ${title.padEnd(TITLE_WIDTH)} ${figure}${target}\n`;
  if (ratio === undefined) return first;
  const ratioSpread = `${showFigure(Math.min(...ratio.values), 2)} to ${showFigure(Math.max(...ratio.values), 2)}`;
  const times = `${showFigure(ratio.median, 2).padStart(10)} ${"x".padEnd(11)} (${ratioSpread})`;
  return `${first}${" ".repeat(6)}${`  of ${ratio.of}`.padEnd(TITLE_WIDTH)} ${times}  ${verdict}: ${showBound(ratio.bound, 2)}\n`;
}

/** How many targets are met. */
export function showSummary(lines: readonly LineResult[]): string {
  const held = lines.filter(({ verdict }) => verdict !== undefined);
  const missed = held.filter(({ verdict }) => verdict === "FAIL");
  if (missed.length === 0) return `All ${held.length} targets are met.\n`;
  return `${missed.length} of ${held.length} targets are missed: ${missed.map(({ name }) => name).join(", ")}.\n`;
}
