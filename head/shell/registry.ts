/** Who is connected: sessions and workers by number, and the rules of admission. */

import { type Gang_Node, type JoinCluster, type OpenSession, Refused_Code } from "../../proto/grain.js";
import type { Received } from "../../proto/link/unacknowledged.js";
import type { Refusal } from "./check/hello.js";
import type { ClientPeer } from "./client-peer.js";
import { withoutToken } from "./fingerprint.js";
import type { Holding } from "./holds.js";
import type { Keeper } from "./inline/keeper.js";
import { Session } from "./session.js";
import type { Member, WorkerPeer } from "./worker-peer.js";

/** A worker and its stream. */
export interface WorkerEntry {
  readonly member: Member;
  /** Undefined: it is cut off. */
  stream: WorkerPeer | undefined;
  /** The same, for whoever has something to tell it. Undefined: it has come back, and not said yet what it has. */
  peer: WorkerPeer | undefined;
}

/** The refusal of a head that is shutting down. */
export const DRAINING: Refusal = {
  code: Refused_Code.DRAINING,
  message:
    "This head is shutting down and takes nobody new; connect again when it has been restarted, or to another head.",
};

/** What clients that are served are told when the head shuts down. */
export function goodbye(reason: string): Refusal {
  return {
    code: Refused_Code.DRAINING,
    message: `shutting down${reason === "" ? "" : `: ${reason}`}`,
  };
}

/** The refusal of a client that comes back too late, or to another head. */
const SESSION_OVER: Refusal = {
  code: Refused_Code.SESSION_OVER,
  message:
    "This head does not know the program's session any more: the program was cut off for too long, or the head was restarted.",
};

/** The connected, and those that may come back. */
export class Registry {
  /** Sessions until their last task has ended, which may be after their client has gone. */
  readonly sessions = new Map<number, Session>();
  readonly workers = new Map<number, WorkerEntry>();
  /** Nobody new is taken. */
  draining = false;
  readonly #maxClients: number;
  readonly #store: Holding;
  readonly #keeper: Keeper;
  readonly #connected = new Set<Session>();
  readonly #byName = new Map<string, Member>();
  readonly #byId = new Map<string, Member>();
  readonly #newReceived: () => Received;
  #lastSession = 0;
  #lastWorker = 0;

  /** @param newReceived what counts the messages of a peer */
  constructor(maxClients: number, store: Holding, keeper: Keeper, newReceived: () => Received) {
    this.#maxClients = maxClients;
    this.#store = store;
    this.#keeper = keeper;
    this.#newReceived = newReceived;
  }

  get lastSession(): number {
    return this.#lastSession;
  }

  /** Workers that can be reached. */
  get connectedWorkers(): number {
    let connected = 0;
    for (const { peer } of this.workers.values()) if (peer !== undefined) connected += 1;
    return connected;
  }

  /** Those that are cut off and may come back among them. */
  get connectedClients(): number {
    return this.#connected.size;
  }

  addClient(peer: ClientPeer, open: OpenSession): Session | Refusal {
    if (this.draining) return DRAINING;
    let served = 0;
    for (const { peer: of } of this.#connected) if (of !== undefined) served += 1;
    if (served >= this.#maxClients) {
      return {
        code: Refused_Code.TOO_MANY_CLIENTS,
        message:
          `This head serves at most ${this.#maxClients} clients at a time and has as many now; ` +
          "wait until one ends, or restart the head with a higher --max-clients.",
      };
    }
    this.#lastSession += 1;
    const parts = { store: this.#store, keeper: this.#keeper, received: this.#newReceived() };
    const session = new Session(this.#lastSession, withoutToken(open), open.hello!, parts);
    session.peer = peer;
    session.owner = peer.owner;
    this.sessions.set(session.number, session);
    this.#connected.add(session);
    return session;
  }

  /** The session that a client wants to go on with. */
  sessionOf(open: OpenSession, owner: string): Session | Refusal {
    if (this.draining) return DRAINING;
    const session = this.sessions.get(open.resume?.session ?? 0);
    return session?.isOf(open.token) === true && session.owner === owner ? session : SESSION_OVER;
  }

  /** The worker of this identity, if it is known. */
  workerOf(id: Uint8Array | undefined): WorkerEntry | undefined {
    if (id === undefined) return undefined;
    const member = this.#byId.get(keyOf(id));
    return member === undefined ? undefined : this.workers.get(member.worker);
  }

  /** A worker as the others of its gang are told of it; undefined: it is gone. */
  node(worker: number): Gang_Node | undefined {
    const member = this.workers.get(worker)?.member;
    if (member === undefined) return undefined;
    return { worker: member.name, host: member.hello.host, cores: member.pool.cores.length };
  }

  /** The worker that has the name now. */
  namesakeOf(name: string): WorkerEntry | undefined {
    const member = this.#byName.get(name);
    return member === undefined ? undefined : this.workers.get(member.worker);
  }

  addWorker(peer: WorkerPeer, join: JoinCluster, nowMs: number): Member | Refusal {
    if (this.draining) return DRAINING;
    const namesake = this.#byName.get(join.name);
    if (namesake !== undefined) {
      return {
        code: Refused_Code.NAME_TAKEN,
        message:
          `A worker named "${join.name}" is connected already (${namesake.hello.host}, pid ${namesake.hello.pid}); ` +
          "start this one with another --name, or without one.",
      };
    }
    this.#lastWorker += 1;
    const member: Member = {
      worker: this.#lastWorker,
      name: join.name,
      hello: join.hello!,
      pool: join.pool!,
      joinedMs: nowMs,
      id: join.id,
      job: join.job,
      leaving: false,
      pressed: false,
      received: this.#newReceived(),
    };
    this.#enter({ member, stream: peer, peer: join.resume ? undefined : peer });
    return member;
  }

  /** The head goes on from where an earlier one has ended. */
  goOn(from: { readonly lastSession: number; readonly lastWorker: number }): void {
    this.#lastSession = Math.max(this.#lastSession, from.lastSession);
    this.#lastWorker = Math.max(this.#lastWorker, from.lastWorker);
  }

  /** A session that an earlier head had: its client is cut off. */
  restoreSession(session: Session): void {
    this.sessions.set(session.number, session);
    this.#connected.add(session);
  }

  /** A worker that an earlier head had: it is cut off. */
  restoreWorker(worker: number, join: JoinCluster, leaving: boolean, nowMs: number): Member {
    const member: Member = {
      worker,
      name: join.name,
      hello: join.hello!,
      pool: join.pool!,
      joinedMs: nowMs,
      id: join.id,
      job: join.job,
      leaving,
      pressed: false,
      received: this.#newReceived(),
    };
    this.#enter({ member, stream: undefined, peer: undefined });
    return member;
  }

  #enter(entry: WorkerEntry): void {
    const { member } = entry;
    this.workers.set(member.worker, entry);
    if (member.id !== undefined) this.#byId.set(keyOf(member.id), member);
    this.#byName.set(member.name, member);
  }

  /** It will not come back; its session stays. @returns whether it was connected, or cut off, until now */
  clientGone(session: Session): boolean {
    return this.#connected.delete(session);
  }

  workerGone(member: Member): void {
    this.workers.delete(member.worker);
    this.#byName.delete(member.name);
    if (member.id !== undefined) this.#byId.delete(keyOf(member.id));
  }
}

function keyOf(id: Uint8Array): string {
  return Buffer.from(id).toString("hex");
}
