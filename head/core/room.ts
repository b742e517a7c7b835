/**
 * The most that any of some workers has free, by kind: what asks for more fits on none of them.
 *
 * So a thousand shapes that were full everywhere are passed over without being compared with
 * each worker that has been freed. An upper bound: placements make it too large until `tighten`.
 */

import type { Shape } from "./shape.js";
import type { Worker } from "./worker.js";

/** An upper bound of what is free on any of some workers. */
export class Room {
  #most: number[] = [];
  /** How many workers it was taken from; it can only be too small when there are more of them now. */
  #of = -1;
  #stale = false;

  /** @param workers to which none is added while one is taken away */
  constructor(private readonly workers: ReadonlySet<Worker> | ReadonlyMap<Worker, unknown>) {}

  /** Something was placed. */
  placed(): void {
    this.#stale = true;
  }

  /** A shape that could have fitted by the bound does not: worth taking it anew. */
  tighten(): void {
    if (this.#stale) this.#of = -1;
  }

  /** False: the shape, not of a gang, fits on none of them. */
  mayFit(shape: Shape): boolean {
    if (this.#of !== this.workers.size) this.#take();
    if (this.#of === 0) return false;
    for (let i = 0; i < shape.kinds.length; i += 1) {
      if ((this.#most[shape.kinds[i]!] ?? 0) < shape.amounts[i]!) return false;
    }
    return true;
  }

  #take(): void {
    const most: number[] = [];
    for (const { free } of this.workers.keys()) {
      for (let kind = 0; kind < free.length; kind += 1) {
        if (free[kind]! > (most[kind] ?? 0)) most[kind] = free[kind]!;
      }
    }
    this.#most = most;
    this.#of = this.workers.size;
    this.#stale = false;
  }
}
