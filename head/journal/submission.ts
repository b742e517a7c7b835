/** Which tasks of one submitted message have ended and been acknowledged, and which records the others are in. */

import type { Entry } from "./changes.js";

/** Tasks of one record of what has been acknowledged. */
export const CHUNK_TASKS = 4_096;

/** A record that lasts as long as tasks are in it: a placement, or results. */
export interface Shared {
  readonly id: number;
  readonly type: "placed" | "result";
  readonly entry: Entry;
  /** Tasks that are in it. */
  left: number;
}

/** What a message of tasks brings. */
export interface Weight {
  readonly blobs: readonly string[];
  readonly byteLength: number;
}

/** Messages that are joined in one record weigh together at most this… */
const MOST_BYTES = 1024 * 1024;
/** …and so much if it has been written already: what is added then is written together with it again. */
const MOST_REWRITTEN_TASKS = 64;
const MOST_REWRITTEN_BYTES = 16 * 1024;

/** One submitted message, or several of one function that followed each other. */
export class Submission {
  readonly spec: number;
  readonly first: number;
  count = 0;
  entry!: Entry;
  /** Tasks that have not been acknowledged. */
  left = 0;
  /** By chunk; undefined: none of it has been acknowledged. */
  readonly chunks: (Entry | undefined)[] = [];
  /** Large values that it refers to. */
  readonly blobs: string[] = [];
  /** What its messages carried; undefined: no more is added. */
  sources: unknown[] | undefined = [];
  #byteLength = 0;
  readonly #bits: (Uint8Array | undefined)[] = [];
  /** By task: the id of the shared record that it is in; 0: none. */
  #shared: Uint32Array | undefined;

  constructor(spec: number, first: number) {
    this.spec = spec;
    this.first = first;
  }

  /** One that an earlier life of the head has written. */
  static stored(spec: number, first: number, count: number, entry: Entry): Submission {
    const submission = new Submission(spec, first);
    submission.count = count;
    submission.left = count;
    submission.entry = entry;
    submission.seal();
    return submission;
  }

  /** Whether these tasks can be added. */
  goesOnWith(spec: number, first: number, count: number, byteLength: number): boolean {
    const total = this.count + count;
    const weight = this.#byteLength + byteLength;
    if (this.sources === undefined || spec !== this.spec || first !== this.first + this.count) return false;
    if (total > CHUNK_TASKS || weight > MOST_BYTES) return false;
    return !this.entry.stored || (total <= MOST_REWRITTEN_TASKS && weight <= MOST_REWRITTEN_BYTES);
  }

  /** Adds tasks. The record is to be written again. */
  extend(count: number, source: unknown, { blobs, byteLength }: Weight): void {
    this.count += count;
    this.left += count;
    this.sources!.push(source);
    this.blobs.push(...blobs);
    this.#byteLength += byteLength;
  }

  /** No more is added. */
  seal(): void {
    this.sources = undefined;
  }

  sharedOf(task: number): number {
    return this.#shared?.[task - this.first] ?? 0;
  }

  share(task: number, id: number): void {
    const at = task - this.first;
    if (this.#shared === undefined || at >= this.#shared.length) {
      const before = this.#shared ?? [];
      this.#shared = new Uint32Array(this.count);
      this.#shared.set(before);
    }
    this.#shared[at] = id;
  }

  isAcknowledged(task: number): boolean {
    const at = task - this.first;
    const bits = this.#bits[Math.floor(at / CHUNK_TASKS)];
    return bits !== undefined && ((bits[(at % CHUNK_TASKS) >> 3] ?? 0) & (1 << (at & 7))) !== 0;
  }

  /** @returns its chunk; -1: it was acknowledged before */
  acknowledge(task: number): number {
    if (this.isAcknowledged(task)) return -1;
    const at = task - this.first;
    const chunk = Math.floor(at / CHUNK_TASKS);
    const bytes = Math.ceil(Math.min(CHUNK_TASKS, this.count - chunk * CHUNK_TASKS) / 8);
    let bits = this.#bits[chunk];
    if (bits === undefined || bits.length < bytes) {
      const before = bits ?? [];
      bits = new Uint8Array(bytes);
      bits.set(before);
      this.#bits[chunk] = bits;
    }
    bits[(at % CHUNK_TASKS) >> 3]! |= 1 << (at & 7);
    this.left -= 1;
    return chunk;
  }

  /** What has been acknowledged of a chunk, a bit for each task. */
  bitsOf(chunk: number): Uint8Array {
    return this.#bits[chunk]!;
  }

  /** Takes over what an earlier life of the head has written of a chunk. */
  restore(chunk: number, bits: Uint8Array): void {
    const from = this.first + chunk * CHUNK_TASKS;
    const end = Math.min(from + CHUNK_TASKS, this.first + this.count);
    for (let task = from; task < end; task += 1) {
      const at = task - from;
      if ((bits[at >> 3] ?? 0) & (1 << (at & 7))) this.acknowledge(task);
    }
  }
}

/** Submissions in rising order of number. */
export class SubmissionTable {
  #all: Submission[] = [];
  /** The one that was found last: neighbours are asked for one after the other. */
  #last: Submission | undefined;

  /** The one with the highest numbers, unless it is over. */
  get last(): Submission | undefined {
    const last = this.#all.at(-1);
    return last !== undefined && last.left > 0 ? last : undefined;
  }

  add(submission: Submission): void {
    this.#all.push(submission);
  }

  of(task: number): Submission | undefined {
    const last = this.#last;
    if (last !== undefined && task >= last.first && task < last.first + last.count) return last;
    let from = 0;
    let to = this.#all.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#all[middle]!.first <= task) from = middle + 1;
      else to = middle;
    }
    const found = this.#all[from - 1];
    if (found === undefined || task >= found.first + found.count) return undefined;
    this.#last = found;
    return found;
  }

  delete(submission: Submission): void {
    if (this.#last === submission) this.#last = undefined;
    submission.left = 0;
    this.#gone += 1;
    // Tidied only when half is gone, at a constant cost per submission.
    if (this.#gone < 64 || this.#gone * 2 < this.#all.length) return;
    this.#all = this.#all.filter(({ left }) => left > 0);
    this.#gone = 0;
  }
  #gone = 0;

  *[Symbol.iterator](): Generator<Submission> {
    for (const submission of this.#all) if (submission.left > 0) yield submission;
  }
}
