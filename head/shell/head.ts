/**
 * The head: joins the scheduler core with the streams of clients and workers and
 * with the store of large values. Used by the daemon and, embedded, by client
 * programs; so nothing here imports a transport.
 *
 * Not its job: listening (grpc/), what is scheduled where (core/).
 */

import type {
  ClientMessage,
  Counts,
  Explanation,
  Gang_Node,
  HeadStatus,
  HeadToClient,
  HeadToWorker,
  JoinCluster,
  OpenSession,
  Output,
  WorkerMessage,
} from "../../proto/grain.js";
import type { BlobTransport, Link } from "../../proto/link/link.js";
import { Core } from "../core/core.js";
import type { SchedulingOptions } from "../core/options.js";
import type { Journal } from "../journal/journal.js";
import { type TraceSink, watched } from "../trace/recorder.js";
import { PeerFiles } from "./blob/peer-files.js";
import { BlobStore, type BlobStoreOptions } from "./blob/store.js";
import { carryOut, type Peers } from "./carry-out.js";
import type { Refusal } from "./check/hello.js";
import { type ClientHost, ClientPeer } from "./client-peer.js";
import { CountsTimer, sameCounts } from "./counts.js";
import { DurableState, noted } from "./durable.js";
import { explanationMessage } from "./explain.js";
import { Heartbeats } from "./heartbeats.js";
import { Links } from "./links.js";
import { type HeadLog, silentLog } from "./log.js";
import { Loop, type Scheduler } from "./loop.js";
import { goodbye, Registry } from "./registry.js";
import type { Session } from "./session.js";
import { headStatus } from "./status.js";
import { type Member, type WorkerHost, WorkerPeer } from "./worker-peer.js";

/** How a head is set up. */
export interface HeadOptions {
  /** Clients connected at a time. Default: 8. */
  readonly maxClients?: number;
  /** How often each worker is to be heard; one silent for three times as long is lost. Default: 8000. */
  readonly heartbeatMs?: number;
  /** How tasks are ordered and placed; what is not given has its default. */
  readonly scheduling?: Partial<SchedulingOptions>;
  /** Records what happens. Default: nothing does. */
  readonly trace?: TraceSink | undefined;
  /** Where what must survive this process is kept; the head closes it. Default: nowhere. */
  readonly journal?: Journal | undefined;
  /** Where large values are kept. */
  readonly blobs?: BlobStoreOptions;
  /** Default: says nothing. */
  readonly log?: HeadLog;
  /**
   * Whether it serves the one program that it is part of: no worker will ever join it beside those of the
   * program, and no command sees it, so its advice is another. Default: false.
   */
  readonly embedded?: boolean;
  /** Told how many clients are connected, whenever that changes. */
  readonly onClients?: (connected: number) => void;
  /** A clock that never goes back, in milliseconds. Default: `performance.now`. */
  readonly nowMs?: () => number;
}

const MAX_CLIENTS = 8;
const HEARTBEAT_MS = 8_000;

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
  readonly #heartbeats: Heartbeats;
  readonly #counts = new CountsTimer((session) => this.#sendCounts(session));
  readonly #sentCounts = new Map<number, Counts>();
  readonly #links = new Links();
  readonly #log: HeadLog;
  readonly #onClients: (connected: number) => void;
  readonly #nowMs: () => number;
  readonly #startedMs: number;
  readonly #clientHost: ClientHost;
  readonly #workerHost: WorkerHost;
  readonly #journal: Journal | undefined;
  readonly #durable: DurableState | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: HeadOptions = {}) {
    const heartbeatMs = options.heartbeatMs ?? HEARTBEAT_MS;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#startedMs = this.#nowMs();
    this.#core = new Core(options.scheduling);
    this.#log = options.log ?? silentLog;
    this.#onClients = options.onClients ?? (() => {});
    this.#journal = options.journal;
    this.blobs = new BlobStore({ ...options.blobs, kept: options.journal });
    this.#registry = new Registry(options.maxClients ?? MAX_CLIENTS, this.blobs);
    this.#heartbeats = new Heartbeats(heartbeatMs, this.#nowMs);
    const peers = this.#peers(options.embedded ?? false);
    const core = noted(watched(this.#core, options.trace), () => this.#durable);
    this.#loop = new Loop(core, (effect) => carryOut(effect, peers), this.#nowMs);
    this.#clientHost = this.#hostOfClients();
    this.#workerHost = this.#hostOfWorkers(heartbeatMs);
    this.#durable = options.journal && this.#recover(options.journal);
    this.#durable?.begin();
  }

  /** Serves a client on this stream. */
  acceptClient(link: Link<HeadToClient, ClientMessage>): void {
    this.#links.serve(link, new ClientPeer(link, this.#clientHost));
  }

  /** Serves a worker on this stream. */
  acceptWorker(link: Link<HeadToWorker, WorkerMessage>): void {
    this.#links.serve(link, new WorkerPeer(link, this.#workerHost));
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

  /** Clients connected now. */
  get connectedClients(): number {
    return this.#registry.connectedClients;
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
    for (const { peer } of this.#registry.sessions.values()) peer.refuse(goodbye(reason));
    for (const { peer } of [...this.#registry.workers.values()]) peer.dismiss("the head is shutting down");
    await this.#links.close();
    this.#counts.close();
    this.#durable?.close();
    // After the last event: a session whose client was told that it is over is not kept.
    await this.#journal?.close();
    await this.blobs.close();
  }

  #recover(journal: Journal): DurableState {
    return new DurableState({
      journal,
      registry: this.#registry,
      view: this.#core.view,
      blobs: this.blobs,
      log: this.#log,
      step: (event) => this.#loop.step(event),
    });
  }

  #peers(embedded: boolean): Peers {
    const { sessions, workers } = this.#registry;
    return {
      embedded,
      worker: (number) => workers.get(number)?.peer,
      session: (number) => sessions.get(number),
      node: (number) => nodeOf(workers.get(number)?.member),
      sessionEnded: (number) => this.#sessionEnded(number),
      changed: (session) => this.#changed(session),
    };
  }

  #hostOfClients(): ClientHost {
    const durable = () => this.#durable;
    return {
      loop: this.#loop,
      get whyNoTasks() {
        return durable()?.whyNoTasks;
      },
      acknowledged: (session, tasks) => this.#durable?.acknowledged(session, tasks),
      admitClient: (peer, open) => this.#admitClient(peer, open),
      changed: (session) => this.#changed(session),
      clientGone: (session, why) => this.#clientGone(session, why),
    };
  }

  #hostOfWorkers(heartbeatMs: number): WorkerHost {
    const registry = this.#registry;
    return {
      loop: this.#loop,
      heartbeatMs,
      get lastSession() {
        return registry.lastSession;
      },
      nowMs: this.#nowMs,
      admitWorker: (peer, join) => this.#admitWorker(peer, join),
      printed: (member, output) => this.#printed(member, output),
      workerGone: (peer, member, why) => this.#workerGone(peer, member, why),
    };
  }

  #admitClient(peer: ClientPeer, open: OpenSession): Session | Refusal {
    const admitted = this.#registry.addClient(peer, open);
    if ("code" in admitted) return admitted;
    this.#log.info(`client ${admitted} joined; ${this.#census()}`);
    this.#onClients(this.connectedClients);
    return admitted;
  }

  #clientGone(session: Session | undefined, why: string): void {
    if (session === undefined) {
      if (why !== "closed") this.#log.warn(`client turned away: ${why}`);
      return;
    }
    this.#registry.clientGone(session);
    this.#log.info(`client ${session} left (${why}); ${this.#census()}`);
    this.#onClients(this.connectedClients);
  }

  #sessionEnded(number: number): void {
    const entry = this.#registry.sessions.get(number);
    if (entry === undefined) return;
    for (const { peer } of this.#registry.workers.values()) peer.forget(number);
    entry.session.holds.releaseAll();
    this.#registry.sessions.delete(number);
    this.#sentCounts.delete(number);
    entry.peer.sessionEnded();
  }

  #admitWorker(peer: WorkerPeer, join: JoinCluster): Member | Refusal {
    this.#durable?.workerJoins(join.name);
    const admitted = this.#registry.addWorker(peer, join, this.#nowMs());
    if ("code" in admitted) return admitted;
    this.#heartbeats.watch(peer);
    this.#log.info(
      `worker "${admitted.name}" joined (${admitted.hello.host}, pid ${admitted.hello.pid}); ${this.#census()}`,
    );
    this.#workersChanged();
    return admitted;
  }

  #workerGone(peer: WorkerPeer, member: Member | undefined, why: string): void {
    if (member === undefined) {
      if (why !== "closed") this.#log.warn(`worker turned away: ${why}`);
      return;
    }
    this.#heartbeats.unwatch(peer);
    this.#registry.workerGone(member);
    this.#log.info(`worker "${member.name}" left (${why}); ${this.#census()}`);
    this.#workersChanged();
  }

  #printed(member: Member, output: Output): void {
    const entry = this.#registry.sessions.get(output.session);
    if (entry === undefined || !entry.session.outputs) return;
    entry.peer.send({ body: { $case: "output", output: { ...output, session: 0, worker: member.name } } });
  }

  #changed(session: Session): void {
    if (session.counts) this.#counts.changed(session.number);
  }

  #workersChanged(): void {
    for (const { session } of this.#registry.sessions.values()) this.#changed(session);
  }

  #sendCounts(number: number): void {
    const entry = this.#registry.sessions.get(number);
    const seen = this.#core.view.session(number);
    if (entry === undefined || seen === undefined) return;
    const counts: Counts = {
      queued: seen.queued,
      running: seen.running,
      workers: this.#registry.workers.size,
    };
    if (sameCounts(this.#sentCounts.get(number), counts)) return;
    this.#sentCounts.set(number, counts);
    entry.peer.send({ body: { $case: "counts", counts } });
  }

  #census(): string {
    return `${counted(this.connectedClients, "client")}, ${counted(this.#registry.workers.size, "worker")}`;
  }
}

function nodeOf(member: Member | undefined): Gang_Node | undefined {
  if (member === undefined) return undefined;
  return { worker: member.name, host: member.hello.host, cores: member.pool.cores.length };
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
