/**
 * Baseline: first in, first out. One line of all tasks; while its first task fits nowhere, nothing
 * starts (head-of-line blocking). What a queue in front of workers does when it is nothing more than a queue.
 */

import { Bookkeeping, headOf, type Queue } from "./bookkeeping.js";

export class Fifo extends Bookkeeping {
  protected plan(): void {
    const waiting = this.waiting();
    for (;;) {
      const first = earliest(waiting);
      if (first === undefined || !this.start(first)) return;
    }
  }
}

/** The queue whose first task came first; undefined: all are empty. */
export function earliest(queues: Iterable<Queue>): Queue | undefined {
  let first: Queue | undefined;
  let order = Number.POSITIVE_INFINITY;
  for (const queue of queues) {
    const its = headOf(queue);
    if (its >= order) continue;
    first = queue;
    order = its;
  }
  return first;
}
