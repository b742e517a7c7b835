/** The records of one session, and how they change when its tasks move. */

import { type Changes, Entry } from "./changes.js";
import { type Encodable, type PlacedRecord, pack, type TaskRecord } from "./codec.js";
import { keyOf } from "./record.js";
import { type Shared, type Submission, SubmissionTable } from "./submission.js";

/** Something about a single task. */
export interface Noted {
  record: TaskRecord;
  readonly entry: Entry;
}

const PLAIN: TaskRecord = {
  attempt: 1,
  failures: 0,
  memoryFailures: 0,
  lostWorkers: [],
  again: false,
  delayMs: 0,
  stopping: undefined,
  at: 0,
};

/** One session's records. */
export class SessionLedger {
  readonly number: number;
  readonly entry: Entry;
  readonly specs = new Map<number, Entry>();
  readonly submissions = new SubmissionTable();
  readonly shared = new Map<number, Shared>();
  readonly tasks = new Map<number, Noted>();
  readonly estimates = new Map<number, { readonly entry: Entry; runs: number }>();
  readonly #changes: Changes;

  constructor(number: number, entry: Entry, changes: Changes) {
    this.number = number;
    this.entry = entry;
    this.#changes = changes;
  }

  /** Tasks were sent to a worker. */
  placed(id: number, record: PlacedRecord): void {
    const entry = new Entry(keyOf("placed", id), () => pack(record));
    const shared = this.#into({ id, type: "placed", entry, left: 0 }, record.tasks);
    // What is plain again needs no record of its own.
    if (shared > 0 && this.tasks.size > 0) {
      for (const task of record.tasks) if (isPlain(this.tasks.get(task)?.record)) this.#forget(task);
    }
  }

  /** Tasks have ended, like this. */
  ended(id: number, tasks: readonly number[], { blobs, encode }: Encodable): void {
    const entry = new Entry(keyOf("result", this.number, id), encode, { blobs });
    this.#into({ id, type: "result", entry, left: 0 }, tasks);
    if (this.tasks.size > 0) for (const task of tasks) this.#forget(task);
  }

  /** The client has these results. */
  acknowledged(tasks: readonly number[]): void {
    for (const task of tasks) {
      const submission = this.submissions.of(task);
      if (submission === undefined) continue;
      const shared = this.shared.get(submission.sharedOf(task));
      if (shared?.type !== "result") continue;
      const chunk = submission.acknowledge(task);
      if (chunk === -1) continue;
      this.#leave(shared);
      if (submission.left === 0) this.#over(submission);
      else this.#changes.put(this.chunk(submission, chunk));
    }
  }

  /** A task is back in its queue, or is being stopped where it is. */
  remember(task: number, change: Partial<TaskRecord>, queued: boolean): void {
    const submission = this.submissions.of(task);
    if (submission === undefined) return;
    const shared = this.shared.get(submission.sharedOf(task));
    if (shared?.type === "result") return;
    if (queued && shared !== undefined) {
      submission.share(task, 0);
      this.#leave(shared);
    }
    const before = this.tasks.get(task);
    const record = { ...(before?.record ?? PLAIN), ...change };
    if (before !== undefined) before.record = record;
    this.#changes.put((before ?? this.note(task, record)).entry);
  }

  /** Those of these tasks that are with a worker are being stopped, for good. */
  cancelled(tasks: readonly number[]): void {
    for (const task of tasks) {
      const id = this.submissions.of(task)?.sharedOf(task) ?? 0;
      if (this.shared.get(id)?.type === "placed") this.remember(task, { stopping: "over" }, false);
    }
  }

  /** The session is over: nothing of it is kept. */
  removeAll(): void {
    const entries = [
      this.entry,
      ...this.specs.values(),
      ...[...this.submissions].flatMap((submission) => [submission.entry, ...submission.chunks]),
      ...[...this.shared.values(), ...this.tasks.values(), ...this.estimates.values()].map(
        ({ entry }) => entry,
      ),
    ];
    for (const entry of entries) if (entry !== undefined) this.#changes.remove(entry);
  }

  /** Begins to keep a record of a task's own. */
  note(task: number, record: TaskRecord): Noted {
    const noted: Noted = {
      record,
      entry: new Entry(keyOf("task", this.number, task), () => pack(noted.record), { fixed: false }),
    };
    this.tasks.set(task, noted);
    return noted;
  }

  /** The record of what has been acknowledged of a chunk. */
  chunk(submission: Submission, chunk: number): Entry {
    const key = keyOf("acked", this.number, submission.first, chunk);
    submission.chunks[chunk] ??= new Entry(key, () => submission.bitsOf(chunk), { fixed: false });
    return submission.chunks[chunk];
  }

  /** @returns how many tasks are in it */
  #into(shared: Shared, tasks: readonly number[]): number {
    let before: Shared | undefined;
    for (const task of tasks) {
      const submission = this.submissions.of(task);
      if (submission === undefined) continue;
      const id = submission.sharedOf(task);
      if (id !== 0) {
        if (before?.id !== id) before = this.shared.get(id);
        if (before !== undefined) this.#leave(before);
      }
      submission.share(task, shared.id);
      shared.left += 1;
    }
    if (shared.left === 0) return 0;
    this.shared.set(shared.id, shared);
    this.#changes.put(shared.entry);
    return shared.left;
  }

  #leave(shared: Shared): void {
    shared.left -= 1;
    if (shared.left > 0) return;
    this.shared.delete(shared.id);
    this.#changes.remove(shared.entry);
  }

  #over(submission: Submission): void {
    this.submissions.delete(submission);
    this.#changes.remove(submission.entry);
    for (const chunk of submission.chunks) if (chunk !== undefined) this.#changes.remove(chunk);
  }

  #forget(task: number): void {
    const noted = this.tasks.get(task);
    if (noted === undefined) return;
    this.tasks.delete(task);
    this.#changes.remove(noted.entry);
  }
}

function isPlain(record: TaskRecord | undefined): boolean {
  return (
    record?.attempt === 1 &&
    record.failures === 0 &&
    record.memoryFailures === 0 &&
    record.lostWorkers.length === 0 &&
    record.stopping === undefined
  );
}
