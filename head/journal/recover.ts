/**
 * Reads the records of an earlier life of the head: into the events that bring the scheduler back to
 * where it was, and into a ledger that goes on from there. Pure.
 *
 * Placements come back as they were, on workers that are cut off: whoever comes back says what it has
 * and goes on with it, and when its time is over it is lost like any worker.
 */

import type { HeadEvent, Recovered, RecoveredPlacement, RecoveredTask } from "../core/event.js";
import { Entry } from "./changes.js";
import {
  type PlacedRecord,
  type ResultRecord,
  type SessionRecord,
  type TaskRecord,
  unpack,
  type WorkerRecord,
} from "./codec.js";
import type { Ledger } from "./ledger.js";
import { partsOf } from "./record.js";
import { SessionLedger } from "./session-ledger.js";
import { type Shared, Submission } from "./submission.js";

/** A record as it was read; undefined bytes: its checksum is wrong. */
export type StoredRecord = readonly [key: string, bytes: Uint8Array | undefined];

/** A session that goes on. */
export interface RecoveredSession {
  readonly number: number;
  readonly record: SessionRecord;
  readonly specs: ReadonlyMap<number, Uint8Array>;
  /** How tasks ended of which the client has not acknowledged that, in order; of each only those tasks. */
  readonly results: readonly { readonly record: ResultRecord; readonly tasks: readonly number[] }[];
}

/** What was found. */
export interface Recovery<Source, Result, Failure> {
  readonly events: readonly HeadEvent<Source, Result, Failure>[];
  readonly sessions: readonly RecoveredSession[];
  /** By number: as they joined. */
  readonly workers: ReadonlyMap<number, WorkerRecord>;
  /** What is wrong with the journal and what follows from it, for people. */
  readonly damages: readonly string[];
}

/**
 * Reads all records.
 *
 * @param ledger an empty one; it holds the records afterwards
 * @param records every record that there is, in the order of their keys
 */
export function recover<Source, Result, Failure>(
  ledger: Ledger<Source, Result, Failure>,
  records: Iterable<StoredRecord>,
): Recovery<Source, Result, Failure> {
  return new Reading(ledger, records).finish();
}

const CONSEQUENCES: Readonly<Record<string, string>> = {
  head: "the numbers of sessions begin after those that are known",
  session: "that session and all of its tasks are lost",
  spec: "the tasks that were submitted for it fail",
  submit: "the tasks that were submitted with it fail",
  acked: "tasks that had ended may run again",
  result: "the tasks that had ended with it run again",
  task: "that task counts as never tried",
  placed: "those tasks start again without waiting for their worker",
  worker: "its tasks start again without waiting for it",
  group: "what was learnt of that walltime is forgotten",
  estimate: "what was learnt of those run times is forgotten",
};

class Reading<Source, Result, Failure> {
  readonly #ledger: Ledger<Source, Result, Failure>;
  readonly #byKind = new Map<string, (readonly [key: string, parts: string[], bytes: Uint8Array])[]>();
  readonly #damagedSubmits: (readonly [key: string, parts: string[]])[] = [];
  readonly #damages: string[] = [];
  readonly #sessions = new Map<number, RecoveredSession & { readonly specs: Map<number, Uint8Array> }>();
  readonly #results = new Map<Shared, ResultRecord>();
  readonly #placed = new Map<number, PlacedRecord>();

  constructor(ledger: Ledger<Source, Result, Failure>, records: Iterable<StoredRecord>) {
    this.#ledger = ledger;
    for (const [key, bytes] of records) {
      const kind = key.slice(0, key.indexOf("/") === -1 ? undefined : key.indexOf("/"));
      const parts = partsOf(key);
      if (bytes === undefined) {
        this.#damages.push(`the record ${key} is damaged: ${CONSEQUENCES[kind] ?? "it is not used"}`);
        if (kind === "submit") this.#damagedSubmits.push([key, parts]);
        else this.#drop(key);
        continue;
      }
      const known = this.#byKind.get(kind);
      if (known === undefined) this.#byKind.set(kind, [[key, parts, bytes]]);
      else known.push([key, parts, bytes]);
    }
  }

  finish(): Recovery<Source, Result, Failure> {
    const events: HeadEvent<Source, Result, Failure>[] = [];
    const workers = this.#workers(events);
    this.#openSessions(events);
    this.#submissions();
    this.#ends();
    this.#placements();
    for (const ledger of this.#ledger.sessions.values()) this.#tasksOf(ledger, events);
    events.push(this.#learnt());
    const sessions = [...this.#sessions.values()].map((session) => ({
      ...session,
      results: this.#unacknowledged(session.number),
    }));
    return { events, sessions, workers, damages: this.#damages };
  }

  #of(kind: string): readonly (readonly [key: string, parts: string[], bytes: Uint8Array])[] {
    return this.#byKind.get(kind) ?? [];
  }

  /** Deletes a record that nothing can be made of. */
  #drop(key: string): void {
    this.#ledger.changes.remove(stored(key));
  }

  #workers(events: HeadEvent<Source, Result, Failure>[]): Map<number, WorkerRecord> {
    const workers = new Map<number, WorkerRecord>();
    for (const [key, [number], bytes] of this.#of("worker")) {
      const worker = Number(number);
      const record = unpack<WorkerRecord>(bytes);
      workers.set(worker, record);
      this.#ledger.workers.set(worker, { record, entry: stored(key) });
      events.push({ ...this.#ledger.codec.joinedFrom(worker, record), returning: true });
      if (record.leaving) events.push({ type: "workerLeaving", worker });
    }
    return workers;
  }

  #openSessions(events: HeadEvent<Source, Result, Failure>[]): void {
    const { codec, changes, sessions } = this.#ledger;
    for (const [, [part], bytes] of this.#of("session")) {
      const number = Number(part);
      const record = unpack<SessionRecord>(bytes);
      const entry = this.#ledger.sessionEntry(number);
      entry.stored = true;
      sessions.set(number, new SessionLedger(number, entry, changes));
      this.#sessions.set(number, { number, record, specs: new Map(), results: [] });
      events.push(codec.openedFrom(number, record.wire));
    }
    for (const [key, parts, bytes] of this.#of("spec")) {
      const [session, spec] = parts.map(Number) as [number, number];
      const ledger = sessions.get(session);
      if (ledger === undefined) {
        this.#drop(key);
        continue;
      }
      ledger.specs.set(spec, stored(key));
      this.#sessions.get(session)!.specs.set(spec, bytes);
      events.push(codec.definedFrom(session, spec, bytes));
    }
  }

  #submissions(): void {
    const { codec, sessions } = this.#ledger;
    const damaged = this.#damagedSubmits.map(([key, parts]) => [key, parts, undefined] as const);
    const all = [...this.#of("submit"), ...damaged].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [key, parts, bytes] of all) {
      const [session, first, count] = parts.map(Number) as [number, number, number];
      const ledger = sessions.get(session);
      if (ledger === undefined) {
        this.#drop(key);
        continue;
      }
      const found = bytes === undefined ? undefined : codec.sourceFrom(bytes);
      const usable = found !== undefined && ledger.specs.has(found.spec);
      const submission = Submission.stored(found?.spec ?? 0, first, count, stored(key));
      ledger.submissions.add(submission);
      if (usable) this.#sources.set(submission, found.source);
      else this.#lost.push([ledger, submission]);
    }
    for (const [key, parts, bytes] of this.#of("acked")) {
      const [session, first, chunk] = parts.map(Number) as [number, number, number];
      const ledger = sessions.get(session);
      const submission = ledger?.submissions.of(first);
      if (ledger === undefined || submission === undefined) this.#drop(key);
      else {
        submission.restore(chunk, bytes);
        ledger.chunk(submission, chunk).stored = true;
      }
    }
  }
  readonly #sources = new Map<Submission, Source>();
  readonly #lost: (readonly [SessionLedger, Submission])[] = [];

  #ends(): void {
    for (const [key, parts, bytes] of this.#of("result")) {
      const [session, id] = parts.map(Number) as [number, number];
      const ledger = this.#ledger.sessions.get(session);
      const record = unpack<ResultRecord>(bytes);
      const shared: Shared = { id, type: "result", entry: stored(key), left: 0 };
      this.#share(ledger, shared, record.tasks);
      if (shared.left > 0) this.#results.set(shared, record);
    }
    for (const [ledger, submission] of this.#lost) {
      const tasks = range(submission.first, submission.count).filter(
        (task) => !submission.isAcknowledged(task) && submission.sharedOf(task) === 0,
      );
      if (tasks.length === 0) continue;
      const record: ResultRecord = { type: "lost", tasks };
      const id = this.#ledger.nextId();
      this.#ledger.endedAs(ledger, id, record);
      this.#results.set(ledger.shared.get(id)!, record);
    }
  }

  #placements(): void {
    for (const [key, parts, bytes] of this.#of("task")) {
      const [session, task] = parts.map(Number) as [number, number];
      const ledger = this.#ledger.sessions.get(session);
      if (this.#isOver(ledger, task)) this.#drop(key);
      else ledger!.note(task, unpack<TaskRecord>(bytes)).entry.stored = true;
    }
    for (const [key, [part], bytes] of this.#of("placed")) {
      const id = Number(part);
      const record = unpack<PlacedRecord>(bytes);
      const ledger = this.#ledger.sessions.get(record.session);
      const shared: Shared = { id, type: "placed", entry: stored(key), left: 0 };
      const there = record.tasks.filter(
        (task) => !this.#isOver(ledger, task) && (ledger?.tasks.get(task)?.record.at ?? 0) < id,
      );
      this.#share(ledger, shared, there);
      if (shared.left > 0) this.#placed.set(id, record);
    }
  }

  #isOver(ledger: SessionLedger | undefined, task: number): boolean {
    const submission = ledger?.submissions.of(task);
    if (ledger === undefined || submission === undefined || submission.isAcknowledged(task)) return true;
    return ledger.shared.get(submission.sharedOf(task))?.type === "result";
  }

  /** These tasks are in this record, and in no earlier one any more. */
  #share(ledger: SessionLedger | undefined, shared: Shared, tasks: readonly number[]): void {
    this.#ledger.lastId = Math.max(this.#ledger.lastId, shared.id);
    for (const task of tasks) {
      const submission = ledger?.submissions.of(task);
      if (ledger === undefined || submission === undefined || submission.isAcknowledged(task)) continue;
      const before = ledger.shared.get(submission.sharedOf(task));
      if (before !== undefined) {
        before.left -= 1;
        if (before.left === 0) {
          ledger.shared.delete(before.id);
          this.#ledger.changes.remove(before.entry);
        }
      }
      submission.share(task, shared.id);
      shared.left += 1;
      if (shared.left === 1) ledger.shared.set(shared.id, shared);
    }
    if (shared.left === 0) this.#ledger.changes.remove(shared.entry);
  }

  #tasksOf(ledger: SessionLedger, events: HeadEvent<Source, Result, Failure>[]): void {
    for (const submission of ledger.submissions) {
      if (!this.#sources.has(submission)) continue;
      events.push(this.#liveOf(ledger, submission, this.#sources.get(submission)!));
    }
  }

  #liveOf(ledger: SessionLedger, submission: Submission, source: Source): Recovered<Source> {
    const { spec, first, count } = submission;
    const waiting: [number, number][] = [];
    const putBack: RecoveredTask[] = [];
    const placed: RecoveredPlacement[] = [];
    let run: [number, number] | undefined;
    for (let task = first; task < first + count; task += 1) {
      if (submission.isAcknowledged(task)) continue;
      const shared = ledger.shared.get(submission.sharedOf(task));
      if (shared?.type === "result") continue;
      const noted = ledger.tasks.get(task)?.record;
      if (shared !== undefined) placed.push(this.#placementOf(task, noted, this.#placed.get(shared.id)!));
      else if (noted !== undefined) putBack.push(revived(task, noted));
      else if (run?.[1] === task) run[1] = task + 1;
      else {
        run = [task, task + 1];
        waiting.push(run);
      }
    }
    return { type: "recovered", session: ledger.number, spec, source, base: first, waiting, putBack, placed };
  }

  #placementOf(task: number, noted: TaskRecord | undefined, record: PlacedRecord): RecoveredPlacement {
    const { worker, alternative, granted, gangs } = record;
    const gang = gangs?.[record.tasks.indexOf(task)];
    return { ...revived(task, noted), worker, alternative, granted, gang, stopping: noted?.stopping };
  }

  #learnt(): HeadEvent<Source, Result, Failure> {
    const { sessions, groups } = this.#ledger;
    return {
      type: "learnt",
      groups: this.#of("group").map(([key, [name], bytes]) => {
        const group = unpack<{ runs: number; meanMs: number; squaresMs: number }>(bytes);
        groups.set(name!, { entry: stored(key, false), runs: -1 });
        return { name: name!, ...group };
      }),
      estimates: this.#of("estimate").flatMap(([key, parts, bytes]) => {
        const [session, spec] = parts.map(Number) as [number, number];
        const estimate = unpack<{ runs: number; meanUs: number }>(bytes);
        const ledger = sessions.get(session);
        if (ledger === undefined) {
          this.#drop(key);
          return [];
        }
        ledger.estimates.set(spec, { entry: stored(key, false), runs: estimate.runs });
        return [{ session, spec, ...estimate }];
      }),
    };
  }

  #unacknowledged(session: number): RecoveredSession["results"] {
    const ledger = this.#ledger.sessions.get(session)!;
    return [...ledger.shared.values()]
      .filter(({ type }) => type === "result")
      .sort((a, b) => a.id - b.id)
      .map((shared) => {
        const record = this.#results.get(shared)!;
        const tasks = record.tasks.filter(
          (task) => ledger.submissions.of(task)?.sharedOf(task) === shared.id,
        );
        return {
          record,
          tasks: tasks.filter((task) => ledger.submissions.of(task)?.isAcknowledged(task) === false),
        };
      });
  }
}

function revived(task: number, noted: TaskRecord | undefined): RecoveredTask {
  return {
    task,
    attempt: noted?.attempt ?? 1,
    failures: noted?.failures ?? 0,
    memoryFailures: noted?.memoryFailures ?? 0,
    lostWorkers: noted?.lostWorkers ?? [],
    again: noted?.again ?? false,
    delayMs: noted?.delayMs ?? 0,
  };
}

function stored(key: string, fixed = true): Entry {
  const entry = new Entry(key, () => new Uint8Array(0), { fixed });
  entry.stored = true;
  entry.encode = undefined;
  return entry;
}

function range(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}
