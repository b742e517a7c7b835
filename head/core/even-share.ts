/**
 * The end of a queue: when it is too short to give every slot what is sent ahead, the rest is shared so that
 * all slots end together. Else those that report first are given all of it, and run it when the others idle
 * (guided self-scheduling: Polychronopoulos and Kuck, IEEE Trans. Computers 1987).
 */

import { unheardUs } from "./pace.js";
import type { Shape } from "./shape.js";
import type { State } from "./state.js";
import { fits, type Worker } from "./worker.js";

/** Whether at least so many tasks of the shape are queued. */
export function hasQueued(shape: Shape, least: number): boolean {
  let queued = 0;
  for (const { queue } of shape.waiting) {
    queued += queue.size;
    if (queued >= least) return true;
  }
  return queued >= least;
}

/** At most so many tasks of the shape can run at a time, whatever else does. */
export function slotsAtMost(state: Readonly<State>, shape: Shape): number {
  if (shape.allCores) return state.workers.size;
  let slots = Number.POSITIVE_INFINITY;
  for (let i = 0; i < shape.kinds.length; i += 1)
    slots = Math.min(slots, Math.floor((state.clusterTotal[shape.kinds[i]!] ?? 0) / shape.amounts[i]!));
  return slots;
}

/** How many more tasks of the shape fit now. */
export function freeSlots(state: Readonly<State>, shape: Shape): number {
  let slots = 0;
  for (const worker of state.workers.values()) {
    if (!fits(state, worker, shape)) continue;
    let room = shape.allCores || worker.pressed ? 1 : Number.POSITIVE_INFINITY;
    for (let i = 0; i < shape.kinds.length; i += 1)
      room = Math.min(room, Math.floor(worker.free[shape.kinds[i]!]! / shape.amounts[i]!));
    slots += room;
  }
  return slots;
}

/**
 * How many unstarted tasks of a shape each of its slots should have, if all are to end together.
 *
 * @param meanUs of a run
 */
export function evenShare(state: Readonly<State>, shape: Shape, meanUs: number): number {
  let slots = 0;
  let left = 0;
  for (const worker of state.workers.values()) {
    const own = worker.slots.get(shape) ?? 0;
    slots += own;
    if (own > 0) left += leftOn(state, worker, own, meanUs);
  }
  for (const { queue } of shape.waiting) left += queue.size;
  return slots === 0 ? Number.POSITIVE_INFINITY : left / slots;
}

/** How many unstarted tasks are likely to be left on a worker. */
function leftOn(state: Readonly<State>, worker: Worker, slots: number, meanUs: number): number {
  if (worker.aheadCount === 0) return 0;
  return Math.max(0, worker.aheadCount - (slots * unheardUs(state, worker)) / Math.max(meanUs, 1));
}
