/**
 * How a ledger turns what is opaque to the scheduler into bytes and back; and the small records of its own.
 */

import { Packr } from "msgpackr";
import type { Conclude, Deliver, Verdict } from "../core/effect.js";
import type { Recovered, SessionOpened, SpecDefined, WorkerJoined } from "../core/event.js";
import type { Weight } from "./submission.js";

/** Bytes and the large values that they refer to. */
export interface Encodable {
  readonly blobs: readonly string[];
  encode(): Uint8Array;
}

/** A session as it is kept. */
export interface SessionRecord {
  readonly wire: Uint8Array;
  readonly lastTask: number;
  /** Messages of the client that have been heard: exactly those whose consequences are in the journal. */
  readonly received: number;
  /** The credential that it was opened with. */
  readonly owner: string;
  /** Its program is gone for good since then (milliseconds since 1970); absent: it may come back. */
  readonly leftMs?: number | undefined;
}

/** A worker as it is kept. */
export interface WorkerRecord {
  readonly wire: Uint8Array;
  readonly leaving: boolean;
  /** When its walltime ends, in milliseconds since 1970; undefined: never. */
  readonly endsAt: number | undefined;
}

/** The opaque half of a journal. A test may have one of its own. */
export interface Codec<Source, Result, Failure> {
  /** A session as it is now. */
  session(session: number): SessionRecord;
  /** A spec that has been defined. */
  spec(session: number, spec: number): Encodable;
  /** A worker that has joined just now. */
  worker(worker: number): Omit<WorkerRecord, "leaving">;
  /** What a message of tasks weighs in the journal. */
  weigh(source: Source): Weight;
  /** @param sources of tasks with consecutive numbers, kept as one message */
  submission(spec: number, first: number, sources: readonly Source[]): Uint8Array;
  results(effect: Deliver<Result>): Encodable;
  failure(failure: Failure): Encodable;
  openedFrom(session: number, wire: Uint8Array): SessionOpened;
  definedFrom(session: number, spec: number, bytes: Uint8Array): SpecDefined;
  joinedFrom(worker: number, record: WorkerRecord): WorkerJoined;
  sourceFrom(bytes: Uint8Array): Pick<Recovered<Source>, "spec" | "source">;
}

/** How tasks ended, as it is kept. */
export type ResultRecord =
  | { readonly type: "results"; readonly tasks: readonly number[]; readonly bytes: Uint8Array }
  | { readonly type: "failure"; readonly tasks: readonly number[]; readonly bytes: Uint8Array }
  | { readonly type: "concluded"; readonly tasks: Conclude["tasks"]; readonly verdict: Verdict }
  /** The journal was damaged: nothing is known of them but that they were submitted. */
  | { readonly type: "lost"; readonly tasks: readonly number[] };

/** Tasks that were sent to a worker together, as they are kept. */
export interface PlacedRecord {
  readonly worker: number;
  readonly session: number;
  readonly alternative: number;
  readonly granted: boolean;
  readonly tasks: readonly number[];
  readonly gangs: readonly (readonly number[])[] | undefined;
}

/** A task that has come back from a worker or is being stopped, as it is kept. */
export interface TaskRecord {
  readonly attempt: number;
  readonly failures: number;
  readonly memoryFailures: number;
  readonly lostWorkers: readonly string[];
  readonly again: boolean;
  readonly delayMs: number;
  readonly stopping: "over" | "again" | undefined;
  /** Placements with an id above this one are later: it is there. */
  readonly at: number;
}

/** The head's own numbers. */
export interface HeadRecord {
  /** 16 random bytes: the numbers of sessions, tasks and workers are of this head. */
  readonly instance: Uint8Array;
  readonly lastSession: number;
  readonly lastWorker: number;
}

const packr = new Packr({ useRecords: false });

/** Bytes of a record of plain data. */
export function pack(record: object): Uint8Array {
  return packr.pack(record);
}

/** The record of which these are the bytes. Its byte arrays are views of them. */
export function unpack<T>(bytes: Uint8Array): T {
  return packr.unpack(bytes) as T;
}
