/** The arguments of one session's tasks: kept until all tasks of a submission have ended. */

import type { Kept } from "./keeper.js";

interface Submission {
  readonly first: number;
  /** Its last task's number and one. */
  readonly end: number;
  readonly kept: Kept;
  /** Tasks that have not ended. */
  left: number;
}

/** So many that are over are carried along before they are cut off. */
const SLACK = 1_024;

/** The submissions of one session whose tasks have not all ended. */
export class KeptArguments {
  /** By first task, upwards. */
  #submissions: Submission[] = [];
  #over = 0;
  /** Where the last task was found: neighbours end together. */
  #at = 0;

  /** Tasks from `first` were submitted, later than all before. @param left how many of them have not ended */
  submitted(first: number, count: number, kept: Kept, left: number = count): void {
    if (kept.byteLength > 0) this.#submissions.push({ first, end: first + count, kept, left });
  }

  /** Tasks have ended and will not run again. */
  ended(tasks: readonly number[]): void {
    if (this.#submissions.length === 0) return;
    for (const task of tasks) this.#ended(task);
    if (this.#over > SLACK && this.#over * 2 > this.#submissions.length) this.#cut();
  }

  /** The session has ended. */
  releaseAll(): void {
    for (const { kept, left } of this.#submissions) if (left > 0) kept.release();
    this.#submissions = [];
    this.#over = 0;
    this.#at = 0;
  }

  #ended(task: number): void {
    const submission = this.#find(task);
    if (submission === undefined || task >= submission.end || submission.left === 0) return;
    submission.left -= 1;
    if (submission.left > 0) return;
    submission.kept.release();
    this.#over += 1;
  }

  /** The last one that begins at this task or before. */
  #find(task: number): Submission | undefined {
    const all = this.#submissions;
    const begins = (at: number) => all[at]?.first ?? Number.POSITIVE_INFINITY;
    if (begins(this.#at) <= task && task < begins(this.#at + 1)) return all[this.#at];
    let low = 0;
    for (let high = all.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if (begins(middle) <= task) low = middle + 1;
      else high = middle;
    }
    this.#at = Math.max(0, low - 1);
    return all[low - 1];
  }

  #cut(): void {
    this.#submissions = this.#submissions.filter(({ left }) => left > 0);
    this.#over = 0;
    this.#at = 0;
  }
}
