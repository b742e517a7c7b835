/**
 * Keeps the durable copy of the scheduler's state: turns each event, and what came of it, into changes
 * of records. One record for a message, never one for a task; a task has one of its own only when it
 * has come back from a worker.
 *
 * Pure: no disk, no clock. Not its job: when changes are written (journal.ts), reading them (recover.ts).
 */

import type { Assign, Effect } from "../core/effect.js";
import type { HeadEvent, Submitted } from "../core/event.js";
import { type Changes, Entry } from "./changes.js";
import { type Codec, type HeadRecord, pack, type ResultRecord, type WorkerRecord } from "./codec.js";
import { keyOf } from "./record.js";
import { SessionLedger } from "./session-ledger.js";
import { Submission } from "./submission.js";

/** What the ledger looks up when it writes what has been learnt. */
export interface Learning {
  readonly groups: ReadonlyMap<
    string,
    { readonly runs: number; readonly meanMs: number; readonly squaresMs: number }
  >;
  estimates(
    session: number,
  ): Iterable<{ readonly spec: number; readonly runs: number; readonly meanUs: number }>;
}

/** The records of a head. */
export class Ledger<Source, Result, Failure> {
  readonly sessions = new Map<number, SessionLedger>();
  readonly workers = new Map<number, { readonly record: WorkerRecord; readonly entry: Entry }>();
  readonly codec: Codec<Source, Result, Failure>;
  readonly changes: Changes;
  /** The highest id of a shared record so far. */
  lastId = 0;
  readonly groups = new Map<string, { readonly entry: Entry; runs: number }>();
  readonly #learning: Learning;
  readonly #taught = new Set<number>();
  #head: HeadRecord;
  readonly #headEntry: Entry;

  constructor(changes: Changes, codec: Codec<Source, Result, Failure>, learning: Learning, head: HeadRecord) {
    this.changes = changes;
    this.codec = codec;
    this.#learning = learning;
    this.#head = head;
    this.#headEntry = new Entry(keyOf("head"), () => pack(this.#head), { fixed: false });
    changes.put(this.#headEntry);
  }

  /** Takes note of an event and of what the scheduler ordered because of it. */
  record(
    event: HeadEvent<Source, Result, Failure>,
    effects: readonly Effect<Source, Result, Failure>[],
  ): void {
    this.#happened(event);
    for (const effect of effects) this.#ordered(effect);
    if (event.type === "finished") this.#taughtBy(event.session);
  }

  /** A client has these results. */
  acknowledged(session: number, tasks: readonly number[]): void {
    const ledger = this.sessions.get(session);
    if (ledger === undefined) return;
    ledger.acknowledged(tasks);
    this.changes.put(ledger.entry);
  }

  /** Adds what has been learnt of run times since the last call. */
  noteEstimates(): void {
    for (const session of this.#taught) {
      const ledger = this.sessions.get(session);
      if (ledger === undefined) continue;
      for (const { spec, runs, meanUs } of this.#learning.estimates(session)) {
        const known = ledger.estimates.get(spec);
        if (known?.runs === runs) continue;
        const entry =
          known?.entry ??
          new Entry(keyOf("estimate", session, spec), () => new Uint8Array(0), { fixed: false });
        entry.encode = () => pack({ runs, meanUs });
        ledger.estimates.set(spec, { entry, runs });
        this.changes.put(entry);
      }
    }
    this.#taught.clear();
  }

  /** Messages of a client have been taken. */
  heard(session: number): void {
    const ledger = this.sessions.get(session);
    if (ledger !== undefined) this.changes.put(ledger.entry);
  }

  /** A worker joins, or is about to. */
  joins(worker: number): void {
    if (this.workers.has(worker)) return;
    this.#worker(worker, { ...this.codec.worker(worker), leaving: false });
    this.#numbered({ lastWorker: worker });
  }

  #worker(worker: number, record: WorkerRecord): void {
    const entry = new Entry(keyOf("worker", worker), () => pack(record));
    entry.stored = this.workers.get(worker)?.entry.stored ?? false;
    this.workers.set(worker, { record, entry });
    this.changes.put(entry);
  }

  /** The record of a session; its bytes are those of the time at which it is written. */
  sessionEntry(session: number): Entry {
    return new Entry(keyOf("session", session), () => pack(this.codec.session(session)), { fixed: false });
  }

  #happened(event: HeadEvent<Source, Result, Failure>): void {
    switch (event.type) {
      case "sessionOpened": {
        const { session } = event;
        const ledger = new SessionLedger(session, this.sessionEntry(session), this.changes);
        this.sessions.set(session, ledger);
        this.changes.put(ledger.entry);
        this.#numbered({ lastSession: session });
        return;
      }
      case "specDefined": {
        const ledger = this.sessions.get(event.session);
        if (ledger === undefined) return;
        const { blobs, encode } = this.codec.spec(event.session, event.spec);
        const entry = new Entry(keyOf("spec", event.session, event.spec), encode, { blobs });
        ledger.specs.set(event.spec, entry);
        this.changes.put(entry);
        this.changes.put(ledger.entry);
        return;
      }
      case "submitted":
        return this.#submitted(event);
      case "cancelRequested": {
        const ledger = this.sessions.get(event.session);
        ledger?.cancelled(event.tasks);
        if (ledger !== undefined) this.changes.put(ledger.entry);
        return;
      }
      case "sessionClosed":
        // What still runs of it is nobody's any more: after a crash its workers are told so when they come back.
        this.sessions.get(event.session)?.removeAll();
        this.sessions.delete(event.session);
        return;
      case "workerJoined": {
        this.joins(event.worker);
        return;
      }
      case "workerLeaving": {
        const known = this.workers.get(event.worker);
        if (known !== undefined) this.#worker(event.worker, { ...known.record, leaving: true });
        return;
      }
      case "workerLost": {
        const known = this.workers.get(event.worker);
        if (known !== undefined) this.changes.remove(known.entry);
        this.workers.delete(event.worker);
        return;
      }
      default:
        return;
    }
  }

  #submitted({ session, spec, first, count, source }: Submitted<Source>): void {
    const ledger = this.sessions.get(session);
    if (ledger === undefined) return;
    const weight = this.codec.weigh(source);
    const last = ledger.submissions.last;
    let submission = last;
    // Many small messages become one record: reading one takes as long as reading a large one.
    if (last?.goesOnWith(spec, first, count, weight.byteLength) === true) this.changes.remove(last.entry);
    else {
      last?.seal();
      submission = new Submission(spec, first);
      ledger.submissions.add(submission);
    }
    submission!.extend(count, source, weight);
    submission!.entry = this.#submitEntry(session, submission!);
    this.changes.put(submission!.entry);
    this.changes.put(ledger.entry);
  }

  #submitEntry(session: number, { spec, first, count, sources, blobs }: Submission): Entry {
    const encode = () => this.codec.submission(spec, first, sources as Source[]);
    return new Entry(keyOf("submit", session, first, count), encode, { blobs });
  }

  #ordered(effect: Effect<Source, Result, Failure>): void {
    if (!("session" in effect)) return;
    const ledger = this.sessions.get(effect.session);
    if (ledger === undefined) return;
    switch (effect.type) {
      case "assign":
        return this.#assigned(ledger, effect);
      case "deliver": {
        const { blobs, encode } = this.codec.results(effect);
        const { tasks } = effect;
        return this.#ended(ledger, tasks, blobs, () => ({ type: "results", tasks, bytes: encode() }));
      }
      case "reject": {
        const { blobs, encode } = this.codec.failure(effect.failure);
        const tasks = [effect.task];
        return this.#ended(ledger, tasks, blobs, () => ({ type: "failure", tasks, bytes: encode() }));
      }
      case "conclude": {
        const { tasks, verdict } = effect;
        return this.#ended(ledger, tasks, [], () => ({ type: "concluded", tasks, verdict }));
      }
      case "remember": {
        const { task, attempt, failures, memoryFailures, lostWorkers, again, queued, delayMs } = effect;
        const change = { attempt, failures, memoryFailures, lostWorkers, again, delayMs };
        if (queued) return ledger.remember(task, { ...change, stopping: undefined, at: this.nextId() }, true);
        return ledger.remember(task, { ...change, stopping: "again" }, false);
      }
      default:
        return;
    }
  }

  #assigned(ledger: SessionLedger, effect: Assign<Source>): void {
    const { worker, session, alternative, granted, tasks, gangs } = effect;
    ledger.placed(this.nextId(), { worker, session, alternative, granted, tasks, gangs });
  }

  #ended(
    ledger: SessionLedger,
    tasks: readonly number[],
    blobs: readonly string[],
    record: () => ResultRecord,
  ): void {
    ledger.ended(this.nextId(), tasks, { blobs, encode: () => pack(record()) });
  }

  /** Tasks of a damaged record have ended like this. */
  endedAs(ledger: SessionLedger, id: number, record: ResultRecord): void {
    ledger.ended(id, record.tasks, { blobs: [], encode: () => pack(record) });
  }

  /** A number for a record that is shared by tasks; later ones are higher. */
  nextId(): number {
    this.lastId += 1;
    return this.lastId;
  }

  #numbered(change: Partial<HeadRecord>): void {
    this.#head = { ...this.#head, ...change };
    this.changes.put(this.#headEntry);
  }

  #taughtBy(session: number): void {
    this.#taught.add(session);
    for (const [name, group] of this.#learning.groups) {
      let known = this.groups.get(name);
      if (known?.runs === group.runs) continue;
      known ??= { entry: new Entry(keyOf("group", name), () => pack(group), { fixed: false }), runs: 0 };
      known.entry.encode = () => pack(group);
      known.runs = group.runs;
      this.groups.set(name, known);
      this.changes.put(known.entry);
    }
  }
}
