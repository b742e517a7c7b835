/** Two results side by side: what changed, and whether more than the runs differ among themselves. */

import { showFigure } from "./report.js";
import type { BenchResult, LineResult } from "./result.js";

/** How a line changed. */
export type Change = "better" | "worse" | "noise";

/** Beyond noise when the runs' ranges do not even touch; a single run says nothing. */
export function changeOf(before: LineResult, after: LineResult): Change {
  if (before.values.length < 2 || after.values.length < 2) return "noise";
  const above = Math.min(...after.values) > Math.max(...before.values);
  const below = Math.max(...after.values) < Math.min(...before.values);
  if (!above && !below) return "noise";
  return above === after.moreIsBetter ? "better" : "worse";
}

/** One line for each figure that both have. */
export function showComparison(before: BenchResult, after: BenchResult): string {
  let text = `Against ${before.date} (${before.machine.commit}); marked: all runs beyond all runs of before\n`;
  if (before.machine.cpu !== after.machine.cpu || before.machine.node !== after.machine.node)
    text += `  Another machine or Node: ${before.machine.cpu}, ${before.machine.node}\n`;
  for (const line of after.lines) {
    const old = before.lines.find(({ name }) => name === line.name);
    if (old !== undefined) text += showChange(old, line);
  }
  return text;
}

function showChange(old: LineResult, line: LineResult): string {
  const percent = 100 * (line.median / old.median - 1);
  const change = changeOf(old, line);
  const figures = `${showFigure(old.median, line.digits).padStart(10)} → ${showFigure(line.median, line.digits).padStart(10)} ${line.unit.padEnd(11)}`;
  const mark = change === "noise" ? "" : `  ${change}`;
  return `  ${line.title.padEnd(58)} ${figures} ${percent >= 0 ? "+" : ""}${percent.toFixed(1)} %${mark}\n`;
}
