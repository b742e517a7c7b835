/** The costs of deciding, over several runs, and what they are held to. */

import { bytesPerTask, type Cost, costOfAll, decisionUs } from "./cost.js";
import { median } from "./statistics.js";
import type { Target } from "./target.js";

const TASKS = 1_000_000;
const CLASSES = [1, 10, 1_000];
const WORKERS = [1, 100, 1_000];
const FEW_QUEUED = 10_000;
const MANY_QUEUED = [100_000, TASKS];
/** Where the targets are measured. */
const TARGET_CLASSES = 10;
const TARGET_WORKERS = 100;

/** Medians. */
export interface Costs {
  readonly rows: readonly Cost[];
  /** One decision while so many are queued; the ratio is to the first row, the median of the runs'. */
  readonly decisions: readonly { readonly queued: number; readonly us: number; readonly ratio: number }[];
  readonly bytesPerTask: number;
}

/** Measures everything so many times. */
export function measureCosts(runs: number): Costs {
  const times = Array.from({ length: runs });
  // Code that has not been optimised yet is not what a head runs.
  for (const classes of CLASSES) costOfAll(50_000, classes, TARGET_WORKERS, 2);
  const rows = CLASSES.flatMap((classes) =>
    WORKERS.map((workers) => costOfAll(TASKS, classes, workers, runs)),
  );
  const sizes = [FEW_QUEUED, ...MANY_QUEUED];
  const measured = times.map(() => sizes.map((queued) => decisionUs(queued, TARGET_CLASSES, TARGET_WORKERS)));
  const decisions = sizes.map((queued, at) => ({
    queued,
    us: median(measured.map((all) => all[at]!)),
    ratio: median(measured.map((all) => all[at]! / all[0]!)),
  }));
  return {
    rows,
    decisions,
    bytesPerTask: median(times.map(() => bytesPerTask(TASKS, TARGET_CLASSES))),
  };
}

/** What is demanded. */
export function costTargets({ rows, decisions, bytesPerTask: bytes }: Costs): Target[] {
  const row = rows.find(({ classes, workers }) => classes === TARGET_CLASSES && workers === TARGET_WORKERS)!;
  return [
    { name: "a task, at 10 classes and 100 workers", is: row.usPerTask, most: 3, unit: "µs" },
    {
      name: "a decision at 1,000,000 queued, against 10,000",
      is: decisions.at(-1)!.ratio,
      most: 1.3,
      unit: "times",
    },
    { name: "heap for each queued task", is: bytes, most: 400, unit: "bytes" },
    ...rows.map(({ classes, workers, longestStepMs }) => ({
      name: `longest step, ${classes} classes, ${workers} workers`,
      is: longestStepMs,
      most: 10,
      unit: "ms",
    })),
  ];
}

/** The measured table, for people. */
export function showCosts({ rows, decisions, bytesPerTask: bytes }: Costs): string {
  const lines = [
    "  1,000,000 tasks submitted at once, then planned and ended",
    `  ${["classes", "workers", "µs a task", "of it submit", "longest step"].map((head) => head.padStart(14)).join("")}`,
  ];
  for (const { classes, workers, usPerTask, submitUsPerTask, longestStepMs, longestEvent } of rows) {
    const columns = [
      String(classes),
      String(workers),
      usPerTask.toFixed(2),
      submitUsPerTask.toFixed(2),
      `${longestStepMs.toFixed(1)} ms`,
    ];
    lines.push(`  ${columns.map((column) => column.padStart(14)).join("")} (longest: ${longestEvent})`);
  }
  lines.push(
    ...decisions.map(
      ({ queued, us, ratio }) =>
        `  a decision with ${queued.toLocaleString("en-US")} queued takes ${us.toFixed(2)} µs (${ratio.toFixed(2)} x)`,
    ),
    `  a queued task takes ${bytes.toFixed(0)} bytes`,
  );
  return `${lines.join("\n")}\n`;
}
