/** Who is connected: sessions and workers by number, and the rules of admission. */

import { type JoinCluster, type OpenSession, Refused_Code } from "../../proto/grain.js";
import type { Refusal } from "./check/hello.js";
import type { ClientPeer } from "./client-peer.js";
import type { Holding } from "./holds.js";
import { Session } from "./session.js";
import type { Member, WorkerPeer } from "./worker-peer.js";

/** What is done with a client's stream, or with what stands in for one that is gone. */
export type ClientEnd = Pick<ClientPeer, "send" | "refuse" | "sessionEnded">;

/** A session and the stream of its client. */
export interface SessionEntry {
  readonly session: Session;
  readonly peer: ClientEnd;
}

/** A worker and its stream. */
export interface WorkerEntry {
  readonly member: Member;
  readonly peer: WorkerPeer;
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

/** The connected. */
export class Registry {
  /** Sessions until their last task has ended, which may be after their client has gone. */
  readonly sessions = new Map<number, SessionEntry>();
  readonly workers = new Map<number, WorkerEntry>();
  /** Nobody new is taken. */
  draining = false;
  readonly #maxClients: number;
  readonly #store: Holding;
  readonly #connected = new Set<Session>();
  readonly #byName = new Map<string, Member>();
  #lastSession = 0;
  #lastWorker = 0;

  constructor(maxClients: number, store: Holding) {
    this.#maxClients = maxClients;
    this.#store = store;
  }

  get lastSession(): number {
    return this.#lastSession;
  }

  get connectedClients(): number {
    return this.#connected.size;
  }

  addClient(peer: ClientPeer, open: OpenSession): Session | Refusal {
    if (this.draining) return DRAINING;
    if (this.#connected.size >= this.#maxClients) {
      return {
        code: Refused_Code.TOO_MANY_CLIENTS,
        message:
          `This head serves at most ${this.#maxClients} clients at a time and has as many now; ` +
          "wait until one ends, or restart the head with a higher --max-clients.",
      };
    }
    this.#lastSession += 1;
    const session = new Session(this.#lastSession, open, open.hello!, this.#store);
    this.sessions.set(session.number, { session, peer });
    this.#connected.add(session);
    return session;
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
    };
    this.workers.set(member.worker, { member, peer });
    this.#byName.set(member.name, member);
    return member;
  }

  /** The head goes on from where an earlier one has ended. */
  goOn(from: { readonly lastSession: number; readonly lastWorker: number }): void {
    this.#lastSession = Math.max(this.#lastSession, from.lastSession);
    this.#lastWorker = Math.max(this.#lastWorker, from.lastWorker);
  }

  /** Its stream has ended; its session stays. */
  clientGone(session: Session): void {
    this.#connected.delete(session);
  }

  workerGone(member: Member): void {
    this.workers.delete(member.worker);
    this.#byName.delete(member.name);
  }
}
