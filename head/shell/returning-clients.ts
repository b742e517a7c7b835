/**
 * The programs of an earlier life of the head. What they had submitted in its last moments is not in its
 * journal, but may run already: so workers are heard only when it has been submitted again.
 */

import type { Session } from "./session.js";

/** No longer than a worker waits for an answer. */
const PATIENCE_MS = 4_000;
/** Nor than this part of the time in which a worker must be back: it tries for no longer. */
const PATIENCE_PART = 1 / 3;

/** Programs that are expected to come back. */
export class ReturningClients {
  readonly #expected = new Set<Session>();
  #waiting: (() => void)[] = [];
  readonly #patienceMs: number;
  #timer: NodeJS.Timeout | undefined;

  /** @param resumeMs how long the head waits for workers */
  constructor(resumeMs: number) {
    this.#patienceMs = Math.min(PATIENCE_MS, resumeMs * PATIENCE_PART);
  }

  expect(session: Session): void {
    this.#expected.add(session);
    this.#timer ??= setTimeout(() => {
      this.#expected.clear();
      this.#settle();
    }, this.#patienceMs).unref();
  }

  /** It is here: it counts as back when all that it had sent has arrived. */
  backIf(session: Session): void {
    if (this.#expected.size === 0 || session.received.count < session.expected) return;
    this.gone(session);
  }

  /** It is back, or will never be. */
  gone(session: Session): void {
    if (this.#expected.delete(session)) this.#settle();
  }

  /** Calls this when all are back, or have not come in time. */
  whenBack(then: () => void): void {
    if (this.#expected.size === 0) then();
    else this.#waiting.push(then);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #settle(): void {
    if (this.#expected.size > 0) return;
    clearTimeout(this.#timer);
    for (const then of this.#waiting.splice(0)) then();
  }
}
