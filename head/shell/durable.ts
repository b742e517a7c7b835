/**
 * The head's half of the journal: has every event noted, and brings back what an earlier life of the
 * head has left, sessions and workers with their tasks.
 *
 *   journal ──records──▶ recover ──events──▶ core          when the head begins
 *   core ──events, effects──▶ ledger ──changes──▶ journal  from then on
 *
 * Both come back by themselves, as from a lost connection: so they are told that something has arrived
 * only once it is durable, and send the rest again.
 */

import { type Failure, type Finished, JoinCluster, OpenSession, Spec } from "../../proto/grain.js";
import { Received } from "../../proto/link/unacknowledged.js";
import type { CoreView } from "../core/view.js";
import type { HeadRecord } from "../journal/codec.js";
import type { Journal } from "../journal/journal.js";
import { Ledger } from "../journal/ledger.js";
import { type RecoveredSession, type Recovery, recover } from "../journal/recover.js";
import { wireCodec } from "../journal/wire.js";
import type { BlobStore } from "./blob/store.js";
import { fromJournal } from "./fingerprint.js";
import type { Keeper } from "./inline/keeper.js";
import type { HeadLog } from "./log.js";
import type { Loop, ShellEvent } from "./loop.js";
import type { Recalls } from "./recalls.js";
import { messagesOf, requestOf } from "./recovered.js";
import type { Registry } from "./registry.js";
import { ReturningClients } from "./returning-clients.js";
import { Session } from "./session.js";
import type { Source } from "./source.js";
import type { Member } from "./worker-peer.js";

/**
 * So long nothing is planned unless all workers have come back before: what was sent to one in the last moments
 * of the earlier head is in no record, and would be given to another. Just longer than the pauses of who comes back.
 */
const HEAR_MS = 6_000;

/** What is joined with the journal. */
export interface DurableParts {
  readonly journal: Journal;
  /** The head's own numbers, as they are kept there. */
  readonly head: HeadRecord;
  readonly registry: Registry;
  readonly view: CoreView;
  readonly blobs: BlobStore;
  readonly keeper: Keeper;
  readonly loop: Loop;
  readonly log: HeadLog;
  readonly recalls: Recalls;
  /** How long workers are waited for. */
  readonly resumeMs: number;
  nowMs(): number;
}

/** Who waits for an earlier head's peers to come back. */
export interface Waiting {
  session(session: Session): void;
  /** Nobody: its program is gone. */
  left(session: Session): void;
  workers(members: readonly Member[], allHeard: () => void): void;
}

type AnyLedger = Ledger<Source, Finished, Failure>;
type Found = Recovery<Source, Finished, Failure>;

/** The durable state of a head. */
export class DurableState {
  readonly #parts: DurableParts;
  readonly #ledger: AnyLedger;
  /** Until it has been brought back. */
  #found: Found | undefined;
  /** Of these more has arrived than is known to be durable. */
  readonly #following = new Set<Received>();
  readonly clients: ReturningClients;
  #hearing: NodeJS.Timeout | undefined;
  #restoring = false;

  constructor(parts: DurableParts) {
    this.#parts = parts;
    this.clients = new ReturningClients(parts.resumeMs);
    const { journal, registry, view, head } = parts;
    const codec = wireCodec({
      session: (number) => this.#sessionRecord(number),
      spec: (session, spec) => registry.sessions.get(session)!.specs.get(spec)!,
      worker: (number) => this.#joinOf(number),
      request: requestOf,
      unixMs: () => Date.now(),
    });
    this.#ledger = new Ledger(journal.changes, codec, view, head);
    this.#found = recover(this.#ledger, journal.records);
    journal.forgetRecords();
    registry.goOn(head);
  }

  /** Takes note of what has happened. */
  record(event: ShellEvent, effects: Parameters<AnyLedger["record"]>[1]): void {
    if (!this.#restoring) this.#ledger.record(event, effects);
  }

  acknowledged(session: Session, tasks: readonly number[]): void {
    this.#ledger.acknowledged(session.number, tasks);
  }

  /** Something that is kept of a session has changed. */
  sessionChanged(session: Session): void {
    this.#ledger.heard(session.number);
  }

  /** Messages of a client have been taken. */
  sessionHeard(session: Session, tell: () => void): void {
    const { received } = session;
    if (!received.isSettled) this.#ledger.heard(session.number);
    this.heard(received, tell);
  }

  /** Messages have been taken: when what came of them is durable, the peer may be told so. */
  heard(received: Received, tell: () => void): void {
    if (received.isSettled || this.#following.has(received)) return;
    this.#following.add(received);
    const { count } = received;
    this.#parts.journal.whenDurable(() => {
      this.#following.delete(received);
      if (received.settle(count)) tell();
      this.heard(received, tell);
    });
  }

  /** Keeps a worker that is about to join. While the journal cannot be written it joins all the same. */
  keepWorker(member: Member, then: () => void): void {
    this.#ledger.joins(member.worker);
    if (this.#parts.journal.failure === undefined) this.whenDurable(then);
    else then();
  }

  whenDurable(then: () => void): void {
    this.#parts.journal.whenDurable(then);
  }

  /** Why no tasks can be taken now; undefined: they can. */
  get whyNoTasks(): string | undefined {
    const { failure, directory } = this.#parts.journal;
    return failure === undefined ? undefined : `its journal ${directory} cannot be written (${failure})`;
  }

  /** Brings back what there was, and begins to write. */
  begin(waiting: Waiting): void {
    const { journal, blobs, log, loop } = this.#parts;
    const { events, sessions, workers, damages } = this.#found!;
    for (const damage of damages) log.warn(`Journal ${journal.directory}: ${damage}.`);
    const reopened = sessions.map((session) => this.#reopen(session));
    const members = this.#restoreWorkers(workers);
    this.#restoring = true;
    for (const event of events) {
      loop.step(event);
      if (event.type !== "recovered") continue;
      this.#holdArguments(event);
      this.#claim(event);
    }
    this.#restoring = false;
    this.#found = undefined;
    this.#tell(reopened, members.length);
    this.#hear(waiting, members);
    for (const session of reopened) {
      if (session.leftMs !== undefined) waiting.left(session);
      else if (session.token !== undefined) {
        this.clients.expect(session);
        waiting.session(session);
      }
      // Its client cannot come back.
      else loop.step({ type: "sessionClosed", session: session.number });
    }
    journal.begin(blobs, () => this.#ledger.noteEstimates());
  }

  close(): void {
    clearTimeout(this.#hearing);
    this.clients.close();
  }

  #hear(waiting: Waiting, members: readonly Member[]): void {
    const { loop, registry } = this.#parts;
    const away = members.filter(({ id }) => id !== undefined);
    if (away.length > 0) {
      loop.holdPlan();
      this.#hearing = setTimeout(() => loop.releasePlan(), HEAR_MS).unref();
    }
    waiting.workers(away, () => {
      clearTimeout(this.#hearing);
      loop.releasePlan();
    });
    for (const member of members) {
      if (member.id !== undefined) continue;
      registry.workerGone(member);
      loop.step({ type: "workerLost", worker: member.worker, planned: true });
    }
  }

  #sessionRecord(number: number) {
    const { open, lastTask, received, owner, leftMs } = this.#parts.registry.sessions.get(number)!;
    const left = leftMs === undefined ? {} : { leftMs };
    return { wire: OpenSession.encode(open).finish(), lastTask, received: received.count, owner, ...left };
  }

  #joinOf(number: number): JoinCluster {
    const { hello, name, pool, id, job } = this.#parts.registry.workers.get(number)!.member;
    return { hello, name, pool, id, job, imports: [], resume: false };
  }

  #restoreWorkers(workers: Found["workers"]): Member[] {
    const { registry, nowMs } = this.#parts;
    return [...workers].map(([number, { wire, leaving }]) =>
      registry.restoreWorker(number, JoinCluster.decode(wire), leaving, nowMs()),
    );
  }

  #reopen({ number, record, specs, results }: RecoveredSession): Session {
    const { registry, blobs, keeper, journal } = this.#parts;
    const open = fromJournal(OpenSession.decode(record.wire));
    const session = new Session(number, open, open.hello!, {
      store: blobs,
      keeper,
      received: new Received(true, record.received),
    });
    session.lastTask = record.lastTask;
    session.owner = record.owner;
    session.leftMs = record.leftMs;
    session.recovered = true;
    for (const bytes of specs.values()) {
      const spec = Spec.decode(bytes);
      session.specs.set(spec.spec, { ...spec, request: requestOf(spec) });
      session.holds.registered(spec.module);
    }
    for (const { record: result, tasks } of results) {
      for (const message of messagesOf(result, tasks, journal.directory)) {
        if (message.body?.$case === "results") {
          session.holds.delivered(message.body.results.tasks, message.body.results.blobs);
        }
        session.send(message);
      }
    }
    registry.restoreSession(session);
    return session;
  }

  #holdArguments(event: Extract<ShellEvent, { type: "recovered" }>): void {
    const { source } = event;
    const { blobs } = source;
    const session = this.#parts.registry.sessions.get(event.session);
    if (session === undefined) return;
    const left = event.waiting.reduce((sum, [first, end]) => sum + end - first, 0);
    session.args.submitted(
      event.base,
      source.sizes.length,
      source.keepBy(this.#parts.keeper),
      left + event.putBack.length + event.placed.length,
    );
    if (blobs === undefined) return;
    const live = new Set([...event.putBack, ...event.placed].map(({ task }) => task));
    const waits = (task: number) => event.waiting.some(([first, end]) => task >= first && task < end);
    const held = [...blobs]
      .filter(([index]) => live.has(event.base + index) || waits(event.base + index))
      .map(([index, ref]) => ({ index, ref }));
    session.holds.submitted(event.base, held);
  }

  #claim(event: Extract<ShellEvent, { type: "recovered" }>): void {
    const session = this.#parts.registry.sessions.get(event.session);
    if (session !== undefined) this.#parts.recalls.recovered(session, event);
  }

  #tell(sessions: readonly Session[], workers: number): void {
    const { journal, log, view } = this.#parts;
    let queued = 0;
    let running = 0;
    for (const { number } of sessions) {
      queued += view.session(number)?.queued ?? 0;
      running += view.session(number)?.running ?? 0;
    }
    log.info(
      sessions.length === 0
        ? `Journal: ${journal.directory}`
        : `Journal: ${journal.directory}; recovered ${counted(sessions.length, "session")}: ${counted(queued, "task")} waiting, ${running} with ${counted(workers, "worker")}`,
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

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
