/**
 * The placement policy: which of the workers that have room gets a task.
 *
 * Spread: the worker that keeps the largest part of what the task asks for free
 * afterwards, so that independent tasks share machines as little as possible and an
 * idle machine is used before a busy one is filled. Among equals the earlier one.
 */

import type { Kinds, Shape } from "./shape.js";
import { amountOn, fits, type Worker } from "./worker.js";

/** The best worker that has room now; undefined: none has. */
export function chooseWorker(
  workers: Iterable<Worker>,
  shape: Shape,
  kinds: Kinds,
  nowMs: number,
): Worker | undefined {
  let best: Worker | undefined;
  let bestScore = -1;
  for (const worker of workers) {
    if (!fits(worker, shape, kinds, nowMs)) continue;
    const score = leftAfter(worker, shape, kinds);
    if (score > bestScore) {
      best = worker;
      bestScore = score;
    }
  }
  return best;
}

/** The least part, over the kinds asked for, of the worker that stays free; 0 to 1. */
function leftAfter(worker: Worker, shape: Shape, kinds: Kinds): number {
  let left = 1;
  for (const kind of shape.kinds) {
    const total = worker.total[kind] ?? 0;
    if (total > 0) left = Math.min(left, (worker.free[kind]! - amountOn(worker, shape, kinds, kind)) / total);
  }
  return shape.allCores ? 0 : left;
}
