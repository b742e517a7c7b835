/** When a worker will have room for a shape, as far as the run times of its tasks are known. */

import type { Shape } from "./shape.js";
import { type State, shapeOf } from "./state.js";
import type { Task } from "./task.js";
import { limitsOf } from "./walltime.js";
import { adjust, amountOn, type Worker } from "./worker.js";

/** When there will be room. */
export interface Availability {
  /** Infinity: not known. */
  readonly atMs: number;
  /** By kind: what will be free then beside what the shape takes. */
  readonly spare: number[];
}

/** When the task will have ended at the latest: by its hard walltime, else by the mean of its class. Infinity: not known. */
export function expectedEnd(state: Readonly<State>, task: Task): number {
  const { hardMs } = limitsOf(state, shapeOf(task));
  if (hardMs > 0) return task.grantedMs + hardMs;
  const { runs, meanUs } = task.class.estimate;
  return runs === 0 ? Number.POSITIVE_INFINITY : Math.max(task.grantedMs + meanUs / 1000, state.nowMs);
}

/** When the worker will have room for the shape, if nothing new is placed on it. */
export function availability(state: Readonly<State>, worker: Worker, shape: Shape): Availability {
  const holder = worker.heldBy;
  const tasks = holder === undefined ? [...worker.granted] : [holder];
  const ends = tasks
    .map((task) => ({ task, endMs: expectedEnd(state, task) }))
    .sort((a, b) => a.endMs - b.endMs);
  const free = [...worker.free];
  let atMs = state.nowMs;
  let left = ends.length;
  for (const { task, endMs } of ends) {
    if (hasEnough(state, worker, shape, free, left)) break;
    adjust(free, worker, shapeOf(task), state.kinds, 1);
    left -= 1;
    atMs = Math.max(atMs, endMs);
  }
  const spare = free.map((amount, kind) => amount - amountOn(worker, shape, state.kinds, kind));
  return { atMs: hasEnough(state, worker, shape, free, left) ? atMs : Number.POSITIVE_INFINITY, spare };
}

function hasEnough(
  state: Readonly<State>,
  worker: Worker,
  shape: Shape,
  free: readonly number[],
  tasksLeft: number,
): boolean {
  if (shape.nodes > 0 && tasksLeft > 0) return false;
  for (let kind = 0; kind < free.length; kind += 1) {
    if (free[kind]! < amountOn(worker, shape, state.kinds, kind)) return false;
  }
  return true;
}

/** How much, over all kinds, must still become free; in parts of the worker. */
export function deficit(state: Readonly<State>, worker: Worker, shape: Shape): number {
  let missing = 0;
  for (let kind = 0; kind < worker.total.length; kind += 1) {
    const total = worker.total[kind]!;
    const needed = amountOn(worker, shape, state.kinds, kind) - (worker.free[kind] ?? 0);
    if (total > 0 && needed > 0) missing += needed / total;
  }
  return missing;
}
