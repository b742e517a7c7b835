/** Ends a head that nobody has used for a while. */

import { formatDuration } from "../proto/duration.js";

/** Node's timers wait no longer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Waits until there has been no client for so long. */
export class IdleQuit {
  /** Resolves to why the head is to end; never without a limit. */
  readonly quit: Promise<string>;
  readonly #afterMs: number | undefined;
  #resolve: (why: string) => void = () => {};
  #timer: NodeJS.Timeout | undefined;

  /** @param afterMs undefined: never */
  constructor(afterMs: number | undefined) {
    this.#afterMs = afterMs;
    this.quit = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** So many clients are connected now. */
  clients(connected: number): void {
    clearTimeout(this.#timer);
    const afterMs = this.#afterMs;
    if (connected > 0 || afterMs === undefined) return;
    const why = `no client for ${formatDuration(afterMs)}`;
    this.#timer = setTimeout(() => this.#resolve(why), Math.min(afterMs, LONGEST_TIMER_MS));
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
