/**
 * Workers that have more room than at the last complete plan, in the order in which they got it.
 *
 * Each shape that was full everywhere remembers up to where it has been compared, so that a
 * worker is compared with it once for each time it was freed, however many steps a plan takes.
 */

import type { Worker } from "./worker.js";

/** The log is tidied when it is so many times longer than needed. */
const MOST_REPEATS = 8;
const LEAST_TIDY = 1_024;

export class Freed {
  /** When each was freed last. */
  readonly #last = new Map<Worker, number>();
  /** In rising order of time; what has been freed again since is there twice. */
  #log: { readonly worker: Worker; readonly at: number }[] = [];
  #now = 0;

  /** What is freed from now on is found by `since` this. Never goes back. */
  get now(): number {
    return this.#now;
  }

  get size(): number {
    return this.#last.size;
  }

  has(worker: Worker): boolean {
    return this.#last.has(worker);
  }

  [Symbol.iterator](): Iterator<Worker> {
    return this.#last.keys();
  }

  add(worker: Worker): void {
    this.#last.set(worker, this.#now);
    this.#log.push({ worker, at: this.#now });
    this.#now += 1;
    if (this.#log.length < LEAST_TIDY + MOST_REPEATS * this.#last.size) return;
    this.#log = this.#log.filter((entry) => this.#last.get(entry.worker) === entry.at);
  }

  /** The worker is gone. */
  delete(worker: Worker): void {
    this.#last.delete(worker);
  }

  /** Those freed since then, each once. */
  since(mark: number): Worker[] {
    const workers: Worker[] = [];
    for (let i = this.#log.length - 1; i >= 0 && this.#log[i]!.at >= mark; i -= 1) {
      const { worker, at } = this.#log[i]!;
      if (this.#last.get(worker) === at) workers.push(worker);
    }
    return workers;
  }

  /** A plan has looked at all of them. */
  clear(): void {
    if (this.#log.length === 0) return;
    this.#last.clear();
    this.#log = [];
  }
}
