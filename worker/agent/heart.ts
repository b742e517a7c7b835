/** Sends heartbeats, and measures how late they come: how long the event loop was held up. */

/** A repeated heartbeat. */
export class Heart {
  readonly #beat: (loopLagMs: number) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param beat called for each, with how late it is in milliseconds */
  constructor(beat: (loopLagMs: number) => void) {
    this.#beat = beat;
  }

  /** Starts beating. Nothing happens for a period of 0. */
  start(periodMs: number): void {
    this.stop();
    if (periodMs <= 0) return;
    let due = performance.now() + periodMs;
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.#beat(Math.max(0, now - due));
      due = now + periodMs;
    }, periodMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
