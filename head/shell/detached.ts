/**
 * Sessions that outlive their programs. One that was opened with `detach` is *left* when its program says
 * so, or was cut off for longer than the lease, or another program of its name and credential begins: its
 * tasks go on, and what they give is stored (recalls.ts), where later programs of the name find it.
 *
 *   open ──leave, lease over, taken over──▶ left ──all has ended, a week, a successor closes──▶ over
 *
 * Of one name and credential only one program is served at a time.
 */

import { Refused_Code } from "../../proto/grain.js";
import type { CoreView } from "../core/view.js";
import type { Refusal } from "./check/hello.js";
import type { HeadLog } from "./log.js";
import type { Loop } from "./loop.js";
import type { Recalls } from "./recalls.js";
import type { Registry } from "./registry.js";
import type { Session } from "./session.js";

/** So long tasks of a program that is gone may wait and run. */
const KEEP_MS = 7 * 24 * 60 * 60_000;

/** What is needed of the head. */
export interface DetachedParts {
  readonly registry: Registry;
  readonly view: CoreView;
  readonly loop: Loop;
  readonly recalls: Recalls;
  readonly log: HeadLog;
  /** Its program will not come back on the stream it had. */
  stopWaiting(session: Session): void;
  /** Nobody needs to know how these tasks ended. */
  acknowledged(session: Session, tasks: readonly number[]): void;
  /** It is to be known after a restart. */
  changed(session: Session): void;
  /** Milliseconds since 1970. */
  unixMs(): number;
}

/** The detached sessions of a head. */
export class Detached {
  readonly #parts: DetachedParts;
  readonly #timers = new Map<Session, NodeJS.Timeout>();

  constructor(parts: DetachedParts) {
    this.#parts = parts;
  }

  /** A program of this name begins. @returns why it may not */
  takeOver(name: string, owner: string): Refusal | undefined {
    const earlier = this.#of(name, owner);
    const served = earlier.find(({ peer }) => peer !== undefined);
    if (served !== undefined) return taken(served);
    for (const session of earlier) if (session.leftMs === undefined) this.left(session);
    return undefined;
  }

  /** The program of a session is gone. */
  left(session: Session): void {
    const { log, registry } = this.#parts;
    if (registry.sessions.get(session.number) !== session || session.leftMs !== undefined) return;
    session.leftMs = this.#parts.unixMs();
    log.info(`client ${session} has left its tasks here`);
    this.#parts.changed(session);
    this.goOn(session);
  }

  /** Its program is gone, perhaps since an earlier life of the head. */
  goOn(session: Session): void {
    this.#parts.stopWaiting(session);
    this.#parts.recalls.left(session.number);
    this.untaken(session, session.delivery.forget());
    const { loop, log, unixMs } = this.#parts;
    const leftMs = Math.max(0, (session.leftMs ?? 0) + KEEP_MS - unixMs());
    const over = () => {
      log.warn(`client ${session} was not taken up for a week; what is left of it is cancelled`);
      loop.step({ type: "sessionClosed", session: session.number });
    };
    this.#timers.set(session, setTimeout(over, leftMs).unref());
  }

  /** Tasks of a program that is gone have ended; when the last has, its session is over. */
  untaken(session: Session, tasks: readonly number[]): void {
    const { view, loop, recalls } = this.#parts;
    session.holds.acknowledged(tasks);
    this.#parts.acknowledged(session, tasks);
    if (recalls.isStoring(session.number)) return;
    const seen = view.session(session.number);
    if (seen !== undefined && seen.queued + seen.running === 0)
      loop.step({ type: "sessionClosed", session: session.number });
  }

  /** A program closes its session: what others of its name have left is over too. @param done it has all results */
  closed(session: Session, done: boolean): void {
    if (session.open.detach !== true) return;
    const { name, owner } = session;
    for (const other of this.#of(name, owner)) {
      if (other !== session) this.#parts.loop.step({ type: "sessionClosed", session: other.number });
    }
    if (done) this.#parts.recalls.forget(owner, name);
  }

  /** A session is over. */
  gone(session: Session): void {
    clearTimeout(this.#timers.get(session));
    this.#timers.delete(session);
  }

  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #of(name: string, owner: string): Session[] {
    return [...this.#parts.registry.sessions.values()].filter(
      (session) =>
        session.open.detach === true && !session.closing && session.name === name && session.owner === owner,
    );
  }
}

function taken({ name, hello }: Session): Refusal {
  return {
    code: Refused_Code.NAME_TAKEN,
    message:
      `a program named "${name}" is connected (${hello.host}, pid ${hello.pid}), and of detached programs ` +
      "each name is one's only; wait for it, stop it, or give this one another name.",
  };
}
