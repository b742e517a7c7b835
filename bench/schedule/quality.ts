/** How good schedules are: makespan against its lower bound, waits, use, fairness. */

import { type Bound, lowerBound } from "../../head/simulation/bound.js";
import { SIMULATED_POLICIES, type SimulatedPolicy } from "../../head/simulation/scheduler.js";
import { type SimulationResult, simulate } from "../../head/simulation/simulate.js";
import type { Target } from "./target.js";
import { type Workload, workloads } from "./workloads.js";

/** One policy on one workload. */
export interface Quality {
  readonly workload: string;
  readonly about: string;
  readonly rocks: boolean;
  readonly fair: boolean;
  readonly policy: SimulatedPolicy;
  /** Times the lower bound. */
  readonly makespan: number;
  readonly bound: Bound;
  /** The longest run. */
  readonly longestMs: number;
  readonly result: SimulationResult;
}

/** So much is to be in use: of what the bound allows, and while anything waits that is small. */
const LEAST_USE = 0.95;
/** Ours may be so much slower than the best baseline, which sees the same workload from another side. */
const MOST_BEHIND = 1.02;
const LEAST_FAIRNESS = 0.95;
/** A worker is kept free after 30 s, and drained within 5 s; another rock may be in the way. */
const MOST_WAIT_S = 60;

/** Our policies are held to the targets; baselines are there to compare. */
const OURS: readonly SimulatedPolicy[] = ["fit", "spread"];

function judge(workload: Workload): Quality[] {
  const { workers, tasks } = workload;
  const bound = lowerBound(workers, tasks);
  const longestMs = tasks.reduce((longest, { runMs }) => Math.max(longest, runMs), 0);
  return SIMULATED_POLICIES.map((policy) => {
    const result = simulate({ workers, tasks, policy });
    const makespan = result.makespanMs / bound.makespanMs;
    const { name, about, rocks = false, fair = false } = workload;
    return { workload: name, about, rocks, fair, policy, makespan, bound, longestMs, result };
  });
}

/** Every workload with every policy. */
export function measureQuality(): Quality[] {
  return workloads().flatMap(judge);
}

/** What is demanded. */
export function qualityTargets(measured: readonly Quality[]): Target[] {
  return measured.filter(({ policy }) => OURS.includes(policy)).flatMap((row) => targetsOf(row, measured));
}

function targetsOf(row: Quality, measured: readonly Quality[]): Target[] {
  const { workload, rocks, policy, makespan, bound, longestMs, result } = row;
  const name = `${workload}, ${policy}`;
  const { unfinished, failed } = result;
  const targets: Target[] = [
    { name: `${name}: tasks that did not end`, is: unfinished + failed, most: 0, unit: "" },
  ];
  const others = measured.filter((other) => other.workload === workload && !OURS.includes(other.policy));
  const best = Math.min(...others.map((other) => other.makespan));
  targets.push(
    // Who does not know run times cannot help starting the longest task last.
    {
      name: `${name}: makespan less the longest task, of the bound`,
      is: makespan - longestMs / bound.makespanMs,
      most: 1 / LEAST_USE,
      unit: "x",
    },
    { name: `${name}: makespan, of the best baseline's`, is: makespan / best, most: MOST_BEHIND, unit: "x" },
  );
  if (workload === "rocks in a stream")
    targets.push({
      name: `${name}: longest wait`,
      is: result.waitMs.longest / 1_000,
      most: MOST_WAIT_S,
      unit: "s",
    });
  // Of what is free only crumbs may be left, too small for what waits: then waiting is nobody's fault.
  if (!rocks)
    targets.push({
      name: `${name}: in use while tasks wait`,
      is: result.utilisation.dominantWhileWaiting,
      least: LEAST_USE,
      unit: "",
    });
  if (row.fair)
    targets.push({
      name: `${name}: Jain's index`,
      is: result.fairness ?? 0,
      least: LEAST_FAIRNESS,
      unit: "",
    });
  return targets;
}

/** The measured table, for people. */
export function showQuality(measured: readonly Quality[]): string {
  const lines: string[] = [];
  let workload = "";
  for (const row of measured) {
    if (row.workload !== workload) {
      workload = row.workload;
      const bound = (row.bound.makespanMs / 1_000).toFixed(1);
      lines.push(`\n${workload}: ${row.about}`, `  lower bound ${bound} s: ${row.bound.because}`);
      lines.push(
        `  ${"".padEnd(10)} ${["makespan", "mean wait", "p99 wait", "longest wait", "in use", "while waiting", "Jain"].map((head) => head.padStart(14)).join("")}`,
      );
    }
    const { waitMs, utilisation, fairness } = row.result;
    const columns = [
      `${row.makespan.toFixed(3)} x`,
      `${(waitMs.mean / 1_000).toFixed(2)} s`,
      `${(waitMs.p99 / 1_000).toFixed(2)} s`,
      `${(waitMs.longest / 1_000).toFixed(2)} s`,
      `${(utilisation.dominant * 100).toFixed(1)} %`,
      `${(utilisation.dominantWhileWaiting * 100).toFixed(1)} %`,
      fairness === undefined ? "-" : fairness.toFixed(3),
    ];
    lines.push(`  ${row.policy.padEnd(10)} ${columns.map((column) => column.padStart(14)).join("")}`);
  }
  return `${lines.join("\n")}\n`;
}
