/**
 * What no schedule can beat: a lower bound of the makespan.
 *
 * - Volume: of each kind of resource, the work divided by what all workers have.
 * - The longest task.
 * - Packing: tasks that ask for at least `a` of a kind fit floor(total / a) times on a worker at once,
 *   however the rest of them is arranged; tasks that need more than half of every worker run one at a time on each.
 *
 * What is submitted late counts from then on. Tasks with alternatives count with the least that any of them
 * takes. So the bound is safe, not tight. Workers that leave are counted as if they stayed.
 */

import type { Demand } from "../../proto/resource/demand.js";
import type { PoolSpec } from "./pool-spec.js";
import { KindNumbers, Use } from "./use.js";
import type { TaskKind, WorkloadTask } from "./workload.js";

/** Distinct amounts looked at for one kind of resource. */
const MOST_AMOUNTS = 256;

/** A lower bound, and where it comes from. */
export interface Bound {
  readonly makespanMs: number;
  /** For people, e.g. "work / capacity of cores". */
  readonly because: string;
}

/** The least time in which these workers could run these tasks, from the first submission on. */
export function lowerBound(workers: readonly PoolSpec[], tasks: readonly WorkloadTask[]): Bound {
  const numbers = new KindNumbers();
  const totals = workers.flatMap(({ pool, count }) =>
    Array.from({ length: count }, () => numbers.vectorOf(pool)),
  );
  const least = new Map<TaskKind, readonly number[]>();
  const firstMs = tasks.reduce((first, { submitMs }) => Math.min(first, submitMs), Number.POSITIVE_INFINITY);
  const demands = new Map<TaskKind, { runMs: number; amounts: readonly number[] }>();
  let bound: Bound = { makespanMs: 0, because: "nothing to do" };
  for (const { kind, runMs, submitMs } of tasks) {
    let amounts = least.get(kind);
    if (amounts === undefined) {
      amounts = leastOf(kind, numbers, totals);
      least.set(kind, amounts);
      demands.set(kind, { runMs: 0, amounts });
    }
    demands.get(kind)!.runMs += runMs;
    bound = longer(bound, submitMs + runMs - firstMs, "the longest task");
  }
  const byTime = [...tasks].sort((a, b) => b.submitMs - a.submitMs);
  for (const [kind, name] of numbers.names.entries()) {
    const capacity = totals.reduce((sum, total) => sum + (total[kind] ?? 0), 0);
    if (capacity === 0) continue;
    bound = ofVolume(bound, capacity, name, firstMs, byTime, (task) => least.get(task.kind)?.[kind] ?? 0);
    bound = ofPacking(bound, kind, name, totals, [...demands.values()]);
  }
  return bound;
}

/** Whatever was submitted before, the work submitted from some moment on takes so long from then. */
function ofVolume(
  bound: Bound,
  capacity: number,
  name: string,
  firstMs: number,
  byTime: readonly WorkloadTask[],
  amountOf: (task: WorkloadTask) => number,
): Bound {
  let volume = 0;
  for (const task of byTime) {
    volume += task.runMs * amountOf(task);
    bound = longer(bound, task.submitMs - firstMs + volume / capacity, `the work in ${name}`);
  }
  return bound;
}

interface Work {
  runMs: number;
  readonly amounts: readonly number[];
}

function ofPacking(
  bound: Bound,
  kind: number,
  name: string,
  totals: readonly (readonly number[])[],
  work: readonly Work[],
): Bound {
  const asking = work.filter(({ amounts }) => (amounts[kind] ?? 0) > 0);
  const steps = [...new Set(asking.map(({ amounts }) => amounts[kind]!))].sort((a, b) => b - a);
  for (const amount of steps.slice(0, MOST_AMOUNTS)) {
    const places = totals.reduce((sum, total) => sum + Math.floor((total[kind] ?? 0) / amount), 0);
    if (places === 0) continue;
    const runMs = asking.reduce((sum, each) => sum + (each.amounts[kind]! >= amount ? each.runMs : 0), 0);
    bound = longer(bound, runMs / places, `how tasks with much ${name} fit`);
  }
  return bound;
}

function longer(bound: Bound, makespanMs: number, because: string): Bound {
  return makespanMs > bound.makespanMs ? { makespanMs, because } : bound;
}

/** By kind, the least that any alternative takes, on the workers it takes least of. */
function leastOf(
  { request }: TaskKind,
  numbers: KindNumbers,
  totals: readonly (readonly number[])[],
): number[] {
  const all = request.alternatives.map((demand) => leastOfDemand(demand, numbers, totals));
  return numbers.names.map((_, kind) => Math.min(...all.map((amounts) => amounts[kind] ?? 0)));
}

function leastOfDemand(
  demand: Demand,
  numbers: KindNumbers,
  totals: readonly (readonly number[])[],
): number[] {
  const use = new Use(demand, numbers);
  // A gang has several workers; what it takes of each kind is what the smallest have.
  const nodes = Math.max(1, demand.nodes);
  const possible = totals.filter((total) =>
    use.kinds.every((kind, i) => (total[kind] ?? 0) >= use.amounts[i]!),
  );
  const taken = possible.map((total) => {
    const amounts = numbers.names.map(() => 0);
    use.add(amounts, total, 1);
    return amounts;
  });
  return numbers.names.map((_, kind) => {
    const sorted = taken.map((amounts) => amounts[kind] ?? 0).sort((a, b) => a - b);
    return sorted.slice(0, nodes).reduce((sum, amount) => sum + amount, 0);
  });
}
