/**
 * The head: joins the scheduler core with the streams of clients and workers and
 * with the store of large values. Used by the daemon and, embedded, by client
 * programs; so nothing here imports a transport.
 *
 * Not its job: listening (grpc/), what is scheduled where (core/).
 */

import { randomBytes } from "node:crypto";
import type {
  ClientMessage,
  Explanation,
  HeadStatus,
  HeadToClient,
  HeadToWorker,
  OpenSession,
  Output,
  WorkerMessage,
} from "../../proto/grain.js";
import type { BlobTransport, Link } from "../../proto/link/link.js";
import { Received } from "../../proto/link/unacknowledged.js";
import { Core } from "../core/core.js";
import type { HeadRecord } from "../journal/codec.js";
import type { Journal } from "../journal/journal.js";
import { watched } from "../trace/recorder.js";
import { Absences } from "./absences.js";
import { PeerFiles } from "./blob/peer-files.js";
import { BlobStore } from "./blob/store.js";
import { takeNamed } from "./blob/take-named.js";
import { carryOut, type Peers } from "./carry-out.js";
import type { Refusal } from "./check/hello.js";
import { type ClientHost, ClientPeer } from "./client-peer.js";
import { CountsTimer } from "./counts.js";
import { Crew } from "./crew.js";
import { Detached } from "./detached.js";
import { DurableState, noted } from "./durable.js";
import { explanationMessage } from "./explain.js";
import type { HeadOptions } from "./head-options.js";
import { Keeper } from "./inline/keeper.js";
import { Links } from "./links.js";
import { type HeadLog, silentLog } from "./log.js";
import { Loop, type Scheduler } from "./loop.js";
import { Recalls } from "./recalls.js";
import { headRecordOf } from "./recovered.js";
import { goodbye, Registry } from "./registry.js";
import type { Session } from "./session.js";
import { SessionDesk } from "./session-desk.js";
import { headStatus } from "./status.js";
import type { Member } from "./worker-peer.js";
import { Workers } from "./workers.js";

const MAX_CLIENTS = 8;
const HEARTBEAT_MS = 8_000;
const RESUME_MS = 30_000;
const LEASE_MS = 60_000;
const IDENTITY_BYTES = 16;

/**
 * A head.
 *
 * @example
 * const head = new Head({ maxClients: 1 });
 * const [toHead, toClient] = memoryLink<ClientMessage, HeadToClient>();
 * head.acceptClient(toClient);
 */
export class Head {
  /** Large values, by hash. In one process it is used directly. */
  readonly blobs: BlobStore;
  readonly #core: Scheduler;
  readonly #loop: Loop;
  readonly #registry: Registry;
  readonly #keeper: Keeper;
  readonly #counts: CountsTimer;
  readonly #links = new Links();
  readonly #awayClients = new Absences<Session>();
  readonly #leaseMs: number;
  readonly #log: HeadLog;
  readonly #onClients: (connected: number) => void;
  readonly #nowMs: () => number;
  readonly #startedMs: number;
  readonly #clientHost: ClientHost;
  /** Who is connected, and sending them away. */
  readonly workers: Workers;
  /** The same as the swarm sees them. */
  readonly crew: Crew;
  readonly #detached: Detached | undefined;
  /** Stored results. */
  readonly recalls: Recalls;
  /** What is asked and ordered of single sessions. */
  readonly desk: SessionDesk;
  readonly #journal: Journal | undefined;
  #durable: DurableState | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: HeadOptions = {}) {
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#startedMs = this.#nowMs();
    this.#core = new Core(options.scheduling);
    this.#log = options.log ?? silentLog;
    this.#onClients = options.onClients ?? (() => {});
    this.#journal = options.journal;
    this.blobs = new BlobStore({ ...options.blobs, kept: options.journal });
    this.#keeper = new Keeper({
      account: this.blobs.inline,
      spillParent: options.blobs?.spillParent,
      // The journal may not have written yet what has ended meanwhile.
      settled: (then) => (this.#durable === undefined ? then() : this.#durable.whenDurable(then)),
    });
    const newReceived = () => new Received(this.#journal !== undefined);
    this.#registry = new Registry(options.maxClients ?? MAX_CLIENTS, this.blobs, this.#keeper, newReceived);
    this.recalls = new Recalls({
      open: options.results,
      blobs: this.blobs,
      log: this.#log,
      session: (number) => this.#registry.sessions.get(number),
    });
    this.#counts = new CountsTimer(this.#registry, this.#core.view);
    const peers = this.#peers(options.embedded ?? false);
    const core = noted(watched(this.#core, options.trace), () => this.#durable);
    this.#loop = new Loop(core, (effect) => carryOut(effect, peers), this.#nowMs);
    this.desk = new SessionDesk(this.#core.view, this.#registry, this.#loop, this.#nowMs);
    this.#leaseMs = options.leaseMs ?? LEASE_MS;
    if (options.journal !== undefined && this.recalls.stores) this.#detached = this.#newDetached();
    this.#clientHost = this.#hostOfClients();
    const own = options.journal && headRecordOf(options.journal.records);
    this.workers = new Workers({
      loop: this.#loop,
      registry: this.#registry,
      log: this.#log,
      nowMs: this.#nowMs,
      heartbeatMs: options.heartbeatMs ?? HEARTBEAT_MS,
      resumeMs: options.resumeMs ?? RESUME_MS,
      headId: options.identity ?? own?.instance ?? randomBytes(IDENTITY_BYTES),
      printed: (member, output) => this.#printed(member, output),
      changed: () => this.#workersChanged(),
      census: () => this.#census(),
      keep: (member, then) => {
        if (this.#durable === undefined) then();
        else this.#durable.keepWorker(member, then);
      },
      whenClientsAreBack: (then) => {
        if (this.#durable === undefined) then();
        else this.#durable.clients.whenBack(then);
      },
      heard: ({ received }, tell) => this.#durable?.heard(received, tell),
      takeNamed: (blobs) => takeNamed(this.blobs, blobs),
      hasValue: (hash) => this.blobs.has(hash),
    });
    const { workers } = this;
    const ship = { view: this.#core.view, registry: this.#registry, loop: this.#loop, workers };
    this.crew = new Crew({ ...ship, nowMs: this.#nowMs });
    if (options.journal !== undefined) this.#recover(options.journal, own!, options.resumeMs ?? RESUME_MS);
  }

  /** Serves a client on this stream. @param owner the credential it has shown; empty: it needed none */
  acceptClient(link: Link<HeadToClient, ClientMessage>, owner = ""): void {
    this.#links.serve(link, new ClientPeer(link, this.#clientHost, owner));
  }

  /** Serves a worker on this stream. */
  acceptWorker(link: Link<HeadToWorker, WorkerMessage>): void {
    this.#links.serve(link, this.workers.peer(link));
  }

  /** How long a peer may be away at most and still come back. */
  get longestAbsenceMs(): number {
    return Math.max(this.#leaseMs, this.workers.resumeMs);
  }

  /** The store for a peer within this process; its owner calls `close`. */
  openBlobs(): BlobTransport & { close(): void } {
    const { blobs } = this;
    const files = blobs.shared === undefined ? undefined : new PeerFiles(blobs, blobs.shared);
    return {
      files,
      share: async () => files,
      missing: (hashes) => blobs.missing(hashes),
      put: (ref, parts) => blobs.put(ref, parts),
      get: (ref) => blobs.get(ref),
      close: () => files?.close(),
    };
  }

  /** Clients connected now, those among them that were cut off and may come back. */
  get connectedClients(): number {
    return this.#registry.connectedClients;
  }

  /** Whether a session was opened with this credential. */
  owns(session: number, owner: string): boolean {
    return this.#registry.sessions.get(session)?.owner === owner;
  }

  /** How it stands: workers, sessions, queues. */
  status(): HeadStatus {
    return headStatus(this.#core.view, this.#registry, this.#startedMs, this.#nowMs());
  }

  /** Where a task is and, while it is queued, why it is not on a worker. */
  explain(session: number, task: number): Explanation {
    return explanationMessage(this.#core.view, this.#registry, session, task, this.#nowMs());
  }

  /**
   * Says goodbye to clients and workers, ends their streams and frees everything.
   * Tasks that have not ended are lost. Calling it again gives the same promise.
   *
   * @param reason told to clients, e.g. "got SIGTERM"
   */
  close(reason = ""): Promise<void> {
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  async #close(reason: string): Promise<void> {
    this.#registry.draining = true;
    this.#awayClients.close();
    this.workers.close();
    for (const { peer } of this.#registry.sessions.values()) peer?.refuse(goodbye(reason));
    for (const { peer } of [...this.#registry.workers.values()]) peer?.dismiss("the head is shutting down");
    await this.#links.close();
    this.#counts.close();
    this.#durable?.close();
    this.#detached?.close();
    await this.recalls.close();
    // After the last event: a session whose client was told that it is over is not kept.
    await this.#journal?.close();
    this.#keeper.close();
    await this.blobs.close();
  }

  #recover(journal: Journal, head: HeadRecord, resumeMs: number): void {
    this.#durable = new DurableState({
      journal,
      head,
      registry: this.#registry,
      view: this.#core.view,
      blobs: this.blobs,
      keeper: this.#keeper,
      loop: this.#loop,
      log: this.#log,
      recalls: this.recalls,
      resumeMs,
      nowMs: this.#nowMs,
    });
    this.#durable.begin({
      left: (session) => this.#detached?.goOn(session),
      session: (session) => this.#awaitClient(session),
      workers: (members, allHeard) => this.workers.expect(members, allHeard),
    });
  }

  #newDetached(): Detached {
    return new Detached({
      registry: this.#registry,
      view: this.#core.view,
      loop: this.#loop,
      recalls: this.recalls,
      log: this.#log,
      stopWaiting: (session) => this.#awayClients.end(session),
      acknowledged: (session, tasks) => this.#durable?.acknowledged(session, tasks),
      changed: (session) => this.#durable?.sessionChanged(session),
      unixMs: Date.now,
    });
  }

  #peers(embedded: boolean): Peers {
    const { sessions, workers } = this.#registry;
    return {
      embedded,
      recalls: this.recalls,
      nowMs: this.#nowMs,
      tell: (session, tasks, messages) => {
        if (session.leftMs !== undefined) this.#detached?.untaken(session, tasks);
        else session.tell(messages, this.#core.view.session(session.number)?.queued ?? 0);
      },
      worker: (number) => workers.get(number)?.peer,
      session: (number) => sessions.get(number),
      node: (number) => this.#registry.node(number),
      sessionEnded: (number) => this.#sessionEnded(number),
      changed: (session) => this.#counts.changed(session),
    };
  }

  #hostOfClients(): ClientHost {
    return {
      loop: this.#loop,
      takeNamed: (blobs) => takeNamed(this.blobs, blobs),
      keeper: this.#keeper,
      admitClient: (peer, open) => this.#admitClient(peer, open),
      resumeClient: (peer, open) => this.#resumeClient(peer, open),
      recalls: this.recalls,
      detached: this.#detached,
      leaseMs: this.#leaseMs,
      whenDurable: (then) => {
        if (this.#durable === undefined) then();
        else this.#durable.whenDurable(then);
      },
      heard: (session, tell) => this.#durable?.sessionHeard(session, tell),
      caughtUp: (session) => this.#durable?.clients.backIf(session),
      whyNoTasks: () => this.#durable?.whyNoTasks,
      acknowledged: (session, tasks) => this.#durable?.acknowledged(session, tasks),
      clientCutOff: (session, why) => this.#clientCutOff(session, why),
      changed: (session) => this.#counts.changed(session),
      clientGone: (session, why) => this.#clientGone(session, why),
    };
  }

  #admitClient(peer: ClientPeer, open: OpenSession): Session | Refusal {
    const admitted = this.#registry.addClient(peer, open);
    if ("code" in admitted) return admitted;
    admitted.openedMs = this.#nowMs();
    this.#log.info(`client ${admitted} joined; ${this.#census()}`);
    this.#onClients(this.connectedClients);
    return admitted;
  }

  #resumeClient(peer: ClientPeer, open: OpenSession): Session | Refusal {
    const session = this.#registry.sessionOf(open, peer.owner);
    if ("code" in session) return session;
    // The client may have noticed that its stream was lost before this head has.
    session.peer?.replaced();
    this.#awayClients.end(session);
    session.peer = peer;
    session.resumed = true;
    this.#counts.forget(session.number);
    this.#log.info(`client ${session} is back`);
    return session;
  }

  #clientCutOff(session: Session, why: string): void {
    session.peer = undefined;
    session.delivery.stop();
    if (this.#registry.draining) return;
    this.#log.warn(
      `client ${session} is cut off (${why}); its session goes on for ${seconds(this.#leaseMs)}`,
    );
    this.#awaitClient(session);
  }

  #awaitClient(session: Session): void {
    this.#awayClients.begin(session, this.#leaseMs, () => {
      if (session.open.detach === true && this.#detached !== undefined) return this.#detached.left(session);
      this.#loop.step({ type: "sessionClosed", session: session.number });
      this.#clientGone(session, `cut off for ${seconds(this.#leaseMs)}`);
    });
  }

  #clientGone(session: Session | undefined, why: string): void {
    if (session === undefined) {
      if (why !== "closed") this.#log.warn(`client turned away: ${why}`);
      return;
    }
    if (!this.#registry.clientGone(session)) return;
    this.#log.info(`client ${session} left (${why}); ${this.#census()}`);
    this.#onClients(this.connectedClients);
  }

  #sessionEnded(number: number): void {
    const session = this.#registry.sessions.get(number);
    if (session === undefined) return;
    for (const { peer } of this.#registry.workers.values()) peer?.forget(number);
    session.releaseAll();
    this.recalls.gone(number);
    this.#detached?.gone(session);
    this.#registry.sessions.delete(number);
    this.#counts.forget(number);
    this.#awayClients.end(session);
    this.#durable?.clients.gone(session);
    if (session.peer === undefined) this.#clientGone(session, "closed");
    else session.peer.sessionEnded();
  }

  #printed(member: Member, output: Output): void {
    const session = this.#registry.sessions.get(output.session);
    if (session === undefined || !session.outputs) return;
    session.send({ body: { $case: "output", output: { ...output, session: 0, worker: member.name } } });
  }

  #workersChanged(): void {
    this.crew.onChange();
    for (const session of this.#registry.sessions.values()) this.#counts.changed(session);
  }

  #census(): string {
    return `${counted(this.connectedClients, "client")}, ${counted(this.#registry.connectedWorkers, "worker")}`;
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
