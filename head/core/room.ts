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
  #version = -1;
  #empty = true;
  #stale = false;

  /** @param versionOf another number when a worker has been added, or has more room */
  constructor(
    private readonly workers: () => Iterable<Worker>,
    private readonly versionOf: () => number,
  ) {}

  /** Something was placed. */
  placed(): void {
    this.#stale = true;
  }

  /** A shape that could have fitted by the bound does not: worth taking it anew. */
  tighten(): void {
    if (this.#stale) this.#version = -1;
  }

  /** False: the shape, not of a gang, fits on none of them. */
  mayFit(shape: Shape): boolean {
    if (this.#version !== this.versionOf()) this.#take();
    if (this.#empty) return false;
    for (let i = 0; i < shape.kinds.length; i += 1) {
      if ((this.#most[shape.kinds[i]!] ?? 0) < shape.amounts[i]!) return false;
    }
    return true;
  }

  #take(): void {
    const most: number[] = [];
    this.#empty = true;
    for (const { free } of this.workers()) {
      this.#empty = false;
      for (let kind = 0; kind < free.length; kind += 1) {
        if (free[kind]! > (most[kind] ?? 0)) most[kind] = free[kind]!;
      }
    }
    this.#most = most;
    this.#version = this.versionOf();
    this.#stale = false;
  }
}
