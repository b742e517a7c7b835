/**
 * Baseline: greedy by scarcity, after what is public of HyperQueue's scheduler: by priority; within
 * one priority first the class that asks for the scarcest resource; each task to the most loaded
 * worker that still has room, so that empty workers stay empty for as long as possible.
 *
 * How scarce a resource is: the inverse of how many workers have any of it, then the part of
 * the cluster's amount that a task takes. Nothing is reserved and clients are not told apart.
 */

import type { Use } from "../use.js";
import { Bookkeeping, headOf, type Member, type Queue } from "./bookkeeping.js";

export class Greedy extends Bookkeeping {
  protected plan(): void {
    const ranked = this.waiting().map((queue) => ({ queue, scarcity: this.#scarcity(queue) }));
    ranked.sort(
      (a, b) =>
        b.queue.priority - a.queue.priority || b.scarcity - a.scarcity || headOf(a.queue) - headOf(b.queue),
    );
    for (const { queue } of ranked)
      while (headOf(queue) < Number.POSITIVE_INFINITY && this.start(queue, load));
  }

  #scarcity({ uses }: Queue): number {
    return Math.max(...uses.map((use) => this.#scarcityOf(use)));
  }

  #scarcityOf(use: Use): number {
    let scarcity = 0;
    for (const [i, kind] of use.kinds.entries()) {
      let owners = 0;
      let amount = 0;
      for (const { total } of this.workers.values()) {
        amount += total[kind] ?? 0;
        if ((total[kind] ?? 0) > 0) owners += 1;
      }
      if (owners > 0) scarcity = Math.max(scarcity, 1 / owners + use.amounts[i]! / amount);
    }
    return scarcity;
  }
}

/** The part of a worker that is in use, of the kind of which most is. */
function load({ free, total }: Member): number {
  let most = 0;
  for (let kind = 0; kind < total.length; kind += 1) {
    if (total[kind]! > 0) most = Math.max(most, 1 - free[kind]! / total[kind]!);
  }
  return most;
}
