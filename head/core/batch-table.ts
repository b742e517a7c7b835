/** A session's batches by number: those of whose tasks some still wait and none has been looked at. */

import { type Batch, isEmpty, waitsIn } from "./task-queue.js";

/** Tidied only when at least so many have been added. */
const LEAST_TIDY = 64;

/** Batches in rising order of number. */
export class BatchTable {
  #batches: Batch[] = [];
  /** The number after the last that was ever added. */
  #end = 0;
  #sinceTidy = 0;

  /** No number from here on has ever been added. */
  get end(): number {
    return this.#end;
  }

  add(batch: Batch): void {
    if (batch.first >= this.#end) this.#batches.push(batch);
    else this.#batches.splice(this.#firstFrom(batch.first), 0, batch);
    this.#end = Math.max(this.#end, batch.end);
    this.#sinceTidy += 1;
    if (this.#sinceTidy < LEAST_TIDY || this.#sinceTidy * 2 < this.#batches.length) return;
    this.#batches = this.#batches.filter((other) => !isEmpty(other));
    this.#sinceTidy = 0;
  }

  /** The batch in which this number waits. */
  of(number: number): Batch | undefined {
    // Batches do not overlap, so only the last that begins at or before the number can have it.
    const batch = this.#batches[this.#firstFrom(number + 1) - 1];
    return batch !== undefined && waitsIn(batch, number) ? batch : undefined;
  }

  /** Where the first batch that begins at this number or later is. */
  #firstFrom(number: number): number {
    let from = 0;
    let to = this.#batches.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#batches[middle]!.first < number) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}
