/**
 * The head's half of the journal: has every event noted, and brings back what an earlier life of the
 * head has left, sessions and workers with their tasks.
 *
 *   journal ──records──▶ recover ──events──▶ core          when the head begins
 *   core ──events, effects──▶ ledger ──changes──▶ journal  from then on
 *
 * A session whose program does not come back is closed after a while, a worker that does not is lost.
 */

import { randomBytes } from "node:crypto";
import {
  type Failure,
  FailureKind,
  Failure as FailureMessage,
  type Finished,
  type HeadToClient,
  type JoinCluster,
  OpenSession,
  Results,
  Spec,
  type Spec as SpecMessage,
} from "../../proto/grain.js";
import type { CoreView } from "../core/view.js";
import { type HeadRecord, unpack } from "../journal/codec.js";
import type { Journal } from "../journal/journal.js";
import { Ledger } from "../journal/ledger.js";
import { type RecoveredSession, type Recovery, recover } from "../journal/recover.js";
import { wireCodec } from "../journal/wire.js";
import { AbsentClient } from "./absent-client.js";
import type { BlobStore } from "./blob/store.js";
import { concluded } from "./carry-out.js";
import { readRequest } from "./check/resources.js";
import type { HeadLog } from "./log.js";
import type { ShellEvent } from "./loop.js";
import type { Registry } from "./registry.js";
import { Session } from "./session.js";
import { resultsMessage, type Source } from "./source.js";

/** How long a session is kept whose program has not come back since the head was restarted. */
const CLIENT_MS = 10 * 60_000;
/** How long the tasks of a worker are left to it that has not come back. */
const WORKER_MS = 30_000;
const INSTANCE_BYTES = 16;

/** What is joined with the journal. */
export interface DurableParts {
  readonly journal: Journal;
  readonly registry: Registry;
  readonly view: CoreView;
  readonly blobs: BlobStore;
  readonly log: HeadLog;
  /** Steps the scheduler. */
  step(event: ShellEvent): void;
}

type AnyLedger = Ledger<Source, Finished, Failure>;
type Found = Recovery<Source, Finished, Failure>;

/** The durable state of a head. */
export class DurableState {
  readonly #parts: DurableParts;
  readonly #ledger: AnyLedger;
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Workers of the time before that have not come back, by name. */
  readonly #expected = new Map<string, number>();
  readonly #found: Found;
  readonly #head: HeadRecord;
  #restoring = false;

  constructor(parts: DurableParts) {
    this.#parts = parts;
    const { journal, registry, view } = parts;
    this.#head = headRecordOf(journal);
    const codec = wireCodec({
      session: (number) => this.#sessionRecord(number),
      spec: (session, spec) => registry.sessions.get(session)!.session.specs.get(spec)!,
      worker: (number) => this.#joinOf(number),
      request: requestOf,
    });
    this.#ledger = new Ledger(journal.changes, codec, view, this.#head);
    this.#found = recover(this.#ledger, journal.records);
    registry.goOn(this.#head);
  }

  /** 16 random bytes that are this head's for as long as its journal is. */
  get instance(): Uint8Array {
    return this.#head.instance;
  }

  /** Takes note of what has happened. */
  record(event: ShellEvent, effects: Parameters<AnyLedger["record"]>[1]): void {
    if (!this.#restoring) this.#ledger.record(event, effects);
  }

  acknowledged(session: Session, tasks: readonly number[]): void {
    this.#ledger.acknowledged(session.number, tasks);
  }

  /** Why no tasks can be taken now; undefined: they can. */
  get whyNoTasks(): string | undefined {
    const { failure, directory } = this.#parts.journal;
    return failure === undefined ? undefined : `its journal ${directory} cannot be written (${failure})`;
  }

  /** Brings back what there was, and begins to write. */
  begin(): void {
    const { journal, blobs, log } = this.#parts;
    const { events, sessions, workers, damages } = this.#found;
    for (const damage of damages) log.warn(`Journal ${journal.directory}: ${damage}.`);
    for (const session of sessions) this.#reopen(session);
    this.#restoring = true;
    for (const event of events) {
      this.#parts.step(event);
      if (event.type === "recovered") this.#holdArguments(event);
      if (event.type === "workerJoined") this.#expect(event.worker, event.name);
    }
    this.#restoring = false;
    this.#tell(sessions.length, workers.size);
    journal.begin(blobs, () => this.#ledger.noteEstimates());
  }

  /** A worker of this name joins: if it is one that was expected, that one is gone. */
  workerJoins(name: string): void {
    const worker = this.#expected.get(name);
    if (worker !== undefined) this.#giveUp(worker, name);
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #sessionRecord(number: number) {
    const { session } = this.#parts.registry.sessions.get(number)!;
    const { open, lastTask, heard } = session;
    return { wire: OpenSession.encode(open).finish(), lastTask, received: heard };
  }

  #joinOf(number: number): JoinCluster {
    const { hello, name, pool } = this.#parts.registry.workers.get(number)!.member;
    return { hello, name, pool, imports: [] };
  }

  #reopen({ number, record, specs, results }: RecoveredSession): void {
    const { registry, blobs } = this.#parts;
    const open = OpenSession.decode(record.wire);
    const session = new Session(number, open, open.hello!, blobs);
    session.lastTask = record.lastTask;
    session.heard = record.received;
    for (const bytes of specs.values()) {
      const spec = Spec.decode(bytes);
      session.specs.set(spec.spec, { ...spec, request: requestOf(spec) });
      session.holds.registered(spec.module);
    }
    const peer = new AbsentClient();
    registry.sessions.set(number, { session, peer });
    for (const { record: result, tasks } of results) {
      for (const message of messagesOf(result, tasks, this.#parts.journal.directory)) {
        if (message.body?.$case === "results") {
          session.holds.delivered(message.body.results.tasks, message.body.results.blobs);
        }
        peer.send(message);
      }
    }
    this.#after(CLIENT_MS, () => {
      if (registry.sessions.get(number)?.peer !== peer) return;
      this.#parts.log.warn(`client ${session} has not come back; its session is closed`);
      this.#parts.step({ type: "sessionClosed", session: number });
    });
  }

  #holdArguments(event: Extract<ShellEvent, { type: "recovered" }>): void {
    const { blobs } = event.source;
    const session = this.#parts.registry.sessions.get(event.session)?.session;
    if (blobs === undefined || session === undefined) return;
    const live = new Set([...event.putBack, ...event.placed].map(({ task }) => task));
    const waits = (task: number) => event.waiting.some(([first, end]) => task >= first && task < end);
    const held = [...blobs]
      .filter(([index]) => live.has(event.base + index) || waits(event.base + index))
      .map(([index, ref]) => ({ index, ref }));
    session.holds.submitted(event.base, held);
  }

  #expect(worker: number, name: string): void {
    this.#expected.set(name, worker);
    this.#after(WORKER_MS, () => {
      if (this.#expected.get(name) === worker) this.#giveUp(worker, name);
    });
  }

  #giveUp(worker: number, name: string): void {
    this.#expected.delete(name);
    this.#parts.step({ type: "workerLost", worker, planned: true });
  }

  #after(ms: number, then: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      then();
    }, ms);
    timer.unref();
    this.#timers.add(timer);
  }

  #tell(sessions: number, workers: number): void {
    const { journal, log, view } = this.#parts;
    let queued = 0;
    let running = 0;
    for (const { number } of this.#found.sessions) {
      queued += view.session(number)?.queued ?? 0;
      running += view.session(number)?.running ?? 0;
    }
    log.info(
      sessions === 0
        ? `Journal: ${journal.directory}`
        : `Journal: ${journal.directory}; recovered ${counted(sessions, "session")}: ${counted(queued, "task")} waiting, ${running} with ${counted(workers, "worker")}`,
    );
  }
}

/** The scheduler, with everything noted. Without a journal the scheduler itself. */
export function noted<Event extends ShellEvent, Ordered>(
  core: { step(event: Event, nowMs: number): Ordered[] },
  state: () => DurableState | undefined,
): { step(event: Event, nowMs: number): Ordered[] } {
  return {
    step(event, nowMs) {
      const effects = core.step(event, nowMs);
      state()?.record(event, effects as Parameters<DurableState["record"]>[1]);
      return effects;
    },
  };
}

function headRecordOf(journal: Journal): HeadRecord {
  let head: HeadRecord = { instance: randomBytes(INSTANCE_BYTES), lastSession: 0, lastWorker: 0 };
  for (const [key, bytes] of journal.records) {
    if (key === "head" && bytes !== undefined) head = unpack<HeadRecord>(bytes);
    const number = Number(key.split("/")[1]);
    if (key.startsWith("session/") && number > head.lastSession) head = { ...head, lastSession: number };
    if (key.startsWith("worker/") && number > head.lastWorker) head = { ...head, lastWorker: number };
  }
  return head;
}

function requestOf(spec: SpecMessage) {
  const read = readRequest(spec.request);
  if ("wrong" in read)
    throw new Error(`the journal holds a request that this head would refuse: ${read.wrong}`);
  return read.request;
}

/** What the client is to be told of how these tasks ended. */
function messagesOf(
  record: RecoveredSession["results"][number]["record"],
  tasks: readonly number[],
  directory: string,
): HeadToClient[] {
  switch (record.type) {
    case "results": {
      const { sizes, values, blobs } = Results.decode(record.bytes);
      const wanted = new Set(tasks);
      const indices = [...record.tasks.keys()].filter((i) => wanted.has(record.tasks[i]!));
      const result = { session: 0, tasks: [], attempts: [], sizes, values, blobs, runUs: [] };
      const ended = indices.map((i) => record.tasks[i]!);
      const results = resultsMessage({ type: "deliver", session: 0, tasks: ended, indices, result });
      return [{ body: { $case: "results", results } }];
    }
    case "failure":
      return [{ body: { $case: "failure", failure: FailureMessage.decode(record.bytes) } }];
    case "concluded":
      return tasks.map((task) => ({ body: { $case: "failure", failure: concluded(task, record.verdict) } }));
    case "lost":
      return tasks.map((task) => {
        const failure = {
          ...concluded(task, { type: "cancelled" }),
          kind: FailureKind.HEAD_LOST,
          message: `it was restarted, and the part of its journal ${directory} that held the task is damaged`,
        };
        return { body: { $case: "failure", failure } };
      });
    default:
      return record satisfies never;
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
