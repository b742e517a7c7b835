/**
 * The workers of a head: who is let in, who is cut off and may come back, and who is lost.
 *
 *   connected ──stream lost──▶ suspect ──comes back, says what it has──▶ connected
 *                                 └──not in time──▶ lost: its tasks run elsewhere
 *
 * Not its job: what a worker says (worker-peer.ts), what becomes of its tasks (core/).
 */

import type {
  BlobAt,
  HeadToWorker,
  JoinCluster,
  Output,
  QuitAnswer,
  QuitRequest,
  WorkerMessage,
} from "../../proto/grain.js";
import type { Link } from "../../proto/link/link.js";
import { Absences } from "./absences.js";
import type { Refusal } from "./check/hello.js";
import { Heartbeats } from "./heartbeats.js";
import type { HeadLog } from "./log.js";
import type { Loop } from "./loop.js";
import type { Registry, WorkerEntry } from "./registry.js";
import { type Admitted, type Member, type WorkerHost, WorkerPeer } from "./worker-peer.js";

/** What the workers need of their head. */
export interface WorkersHost {
  readonly loop: Loop;
  readonly registry: Registry;
  readonly log: HeadLog;
  /** How often each worker is to be heard. */
  readonly heartbeatMs: number;
  /** How long one that is cut off is waited for. */
  readonly resumeMs: number;
  /** The head's own identity. */
  readonly headId: Uint8Array;
  /** A clock that never goes back. */
  nowMs(): number;
  /** What a task printed. */
  printed(member: Member, output: Output): void;
  /** Workers came or went. */
  changed(): void;
  /** Who is connected, for the log. */
  census(): string;
  /** See `WorkerHost`. */
  keep: WorkerHost["keep"];
  whenClientsAreBack: WorkerHost["whenClientsAreBack"];
  heard: WorkerHost["heard"];
  takeNamed: WorkerHost["takeNamed"];
  hasValue: WorkerHost["hasValue"];
}

/** All workers of a head. */
export class Workers implements WorkerHost {
  readonly loop: Loop;
  readonly heartbeatMs: number;
  readonly resumeMs: number;
  readonly headId: Uint8Array;
  readonly #host: WorkersHost;
  readonly #registry: Registry;
  readonly #log: HeadLog;
  readonly #heartbeats: Heartbeats;
  readonly #away = new Absences<Member>();
  /** Of an earlier life of the head, and not heard of since. */
  readonly #unheard = new Set<Member>();
  #allHeard: () => void = () => {};

  constructor(host: WorkersHost) {
    this.#host = host;
    this.loop = host.loop;
    this.heartbeatMs = host.heartbeatMs;
    this.resumeMs = host.resumeMs;
    this.headId = host.headId;
    this.#registry = host.registry;
    this.#log = host.log;
    this.#heartbeats = new Heartbeats(host.heartbeatMs, host.nowMs);
  }

  /** Hears a worker's stream. */
  peer(link: Link<HeadToWorker, WorkerMessage>): WorkerPeer {
    return new WorkerPeer(link, this);
  }

  get lastSession(): number {
    return this.#registry.lastSession;
  }

  nowMs(): number {
    return this.#host.nowMs();
  }

  keep(member: Member, then: () => void): void {
    this.#host.keep(member, then);
  }

  whenClientsAreBack(then: () => void): void {
    this.#host.whenClientsAreBack(then);
  }

  heard(member: Member, tell: () => void): void {
    this.#host.heard(member, tell);
  }

  takeNamed(blobs: readonly BlobAt[]): void {
    this.#host.takeNamed(blobs);
  }

  hasValue(hash: string): boolean {
    return this.#host.hasValue(hash);
  }

  /**
   * Waits for the workers of an earlier life of the head.
   *
   * @param allHeard called when each has come back, or is lost
   */
  expect(members: readonly Member[], allHeard: () => void): void {
    this.#allHeard = allHeard;
    for (const member of members) {
      this.#unheard.add(member);
      this.#await(member);
    }
    if (members.length === 0) allHeard();
  }

  #heardOf(member: Member): void {
    if (this.#unheard.delete(member) && this.#unheard.size === 0) this.#allHeard();
  }

  /** Waits for nobody any more. */
  close(): void {
    this.#away.close();
  }

  admitWorker(stream: WorkerPeer, join: JoinCluster): Admitted | Refusal {
    const known = this.#registry.workerOf(join.id);
    if (join.resume && known !== undefined && !this.#registry.draining) {
      this.#detach(known);
      known.stream = stream;
      this.#heartbeats.watch(stream);
      return { member: known.member, resumed: true };
    }
    // Whoever begins anew under its identity, or under the name of one that is cut off, takes its place.
    const before = known ?? this.#registry.namesakeOf(join.name);
    if (before !== undefined && (before === known || before.stream === undefined))
      this.#lose(before, "another has taken its place");
    const member = this.#registry.addWorker(stream, join, this.nowMs());
    if ("code" in member) return member;
    this.#heartbeats.watch(stream);
    if (join.resume) this.#await(member);
    const { host, pid } = member.hello;
    this.#log.info(`worker "${member.name}" joined (${host}, pid ${pid}); ${this.#host.census()}`);
    this.#host.changed();
    return { member, resumed: false };
  }

  workerBack(stream: WorkerPeer, member: Member): void {
    const entry = this.#registry.workers.get(member.worker);
    if (entry?.stream !== stream) return;
    entry.peer = stream;
    this.#away.end(member);
    this.#heardOf(member);
    this.#log.info(`worker "${member.name}" is back; ${this.#host.census()}`);
    this.#host.changed();
  }

  workerCutOff(stream: WorkerPeer, member: Member, why: string): void {
    const entry = this.#registry.workers.get(member.worker);
    if (entry?.stream !== stream || this.#registry.draining) return this.#heartbeats.unwatch(stream);
    const text = `(${why}); its tasks are left to it for ${seconds(this.resumeMs)}`;
    this.#log.warn(`worker "${member.name}" is cut off ${text}`);
    this.#detach(entry);
  }

  workerGone(stream: WorkerPeer, member: Member | undefined, why: string): void {
    if (member === undefined) {
      if (why !== "closed") this.#log.warn(`worker turned away: ${why}`);
      return;
    }
    this.#heartbeats.unwatch(stream);
    this.#away.end(member);
    this.#registry.workerGone(member);
    this.#heardOf(member);
    this.#log.info(`worker "${member.name}" left (${why}); ${this.#host.census()}`);
    this.#host.changed();
  }

  /** Asks workers to leave, or ends them. Names of which there is no worker are passed over. */
  quit({ workers, kill, reason }: QuitRequest): QuitAnswer {
    const answer: QuitAnswer = { told: [], cutOff: [] };
    for (const name of new Set(workers)) {
      const entry = this.#registry.namesakeOf(name);
      if (entry === undefined) continue;
      const { peer, member } = entry;
      (peer === undefined ? answer.cutOff : answer.told).push(name);
      this.#log.info(`worker "${name}" is ${kill ? "ended" : "asked to leave"}: ${reason}`);
      if (!kill && peer !== undefined) peer.askToLeave(reason);
      else if (!member.leaving) this.loop.step({ type: "workerLeaving", worker: member.worker });
      // So that what it runs is not held against the tasks.
      member.leaving = true;
      if (!kill) continue;
      if (peer === undefined) this.#lose(entry, reason);
      else peer.dismiss(reason);
    }
    return answer;
  }

  hasSession(session: number): boolean {
    return this.#registry.sessions.has(session);
  }

  printed(member: Member, output: Output): void {
    this.#host.printed(member, output);
  }

  /** The worker has no stream, or another than before; waited for from when it was cut off first. */
  #detach(entry: WorkerEntry): void {
    const { stream, peer, member } = entry;
    if (stream === undefined) return;
    this.#heartbeats.unwatch(stream);
    stream.replaced();
    entry.stream = undefined;
    entry.peer = undefined;
    if (peer === undefined) return;
    this.loop.step({ type: "workerSuspect", worker: member.worker });
    this.#await(member);
    this.#host.changed();
  }

  #await(member: Member): void {
    this.#away.begin(member, this.resumeMs, () => {
      const entry = this.#registry.workers.get(member.worker);
      if (entry !== undefined) this.#lose(entry, `cut off for ${seconds(this.resumeMs)}`);
    });
  }

  #lose(entry: WorkerEntry, why: string): void {
    const { member } = entry;
    this.#detach(entry);
    this.#away.end(member);
    this.loop.step({ type: "workerLost", worker: member.worker, planned: member.leaving });
    this.#registry.workerGone(member);
    this.#heardOf(member);
    this.#log.warn(`worker "${member.name}" is lost (${why}); ${this.#host.census()}`);
    this.#host.changed();
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
