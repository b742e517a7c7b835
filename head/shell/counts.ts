/** Tells clients that asked how many of their tasks are in which state: while something changes, and not too often. */

import type { Counts } from "../../proto/grain.js";

const INTERVAL_MS = 200;

/** Sends counts. One timer for all sessions, and none while nothing changes. */
export class CountsTimer {
  readonly #send: (session: number) => void;
  readonly #changed = new Set<number>();
  #timer: NodeJS.Timeout | undefined;

  /** @param send sends a session's counts, if it still is one */
  constructor(send: (session: number) => void) {
    this.#send = send;
  }

  /** Something changed for this session: its counts are sent within 200 ms. */
  changed(session: number): void {
    this.#changed.add(session);
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#fire(), INTERVAL_MS);
    this.#timer.unref();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#changed.clear();
  }

  #fire(): void {
    this.#timer = undefined;
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const session of changed) this.#send(session);
  }
}

/** Whether two counts say the same. */
export function sameCounts(a: Counts | undefined, b: Counts): boolean {
  return a !== undefined && a.queued === b.queued && a.running === b.running && a.workers === b.workers;
}
