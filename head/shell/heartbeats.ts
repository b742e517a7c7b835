/** Drops workers that have fallen silent. One timer for all of them, and none while there is none. */

/** How often a worker may be silent for an interval before it counts as lost. */
const MISSES = 3;

/** A worker as seen here. */
export interface Heard {
  /** When it was last heard; moved on by what this process was late. */
  heardMs: number;
  drop(why: string): void;
}

/** Watches over connected workers. */
export class Heartbeats {
  readonly #intervalMs: number;
  readonly #nowMs: () => number;
  readonly #watched = new Set<Heard>();
  #timer: NodeJS.Timeout | undefined;
  #dueMs = 0;

  /**
   * @param intervalMs how often each worker is to be heard
   * @param nowMs a clock that never goes back
   */
  constructor(intervalMs: number, nowMs: () => number) {
    this.#intervalMs = intervalMs;
    this.#nowMs = nowMs;
  }

  watch(heard: Heard): void {
    this.#watched.add(heard);
    if (this.#timer !== undefined) return;
    this.#dueMs = this.#nowMs() + this.#intervalMs;
    this.#timer = setInterval(() => this.#check(), this.#intervalMs);
    this.#timer.unref();
  }

  unwatch(heard: Heard): void {
    this.#watched.delete(heard);
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #check(): void {
    const nowMs = this.#nowMs();
    // What this process slept or was busy, no worker was silent for.
    const lateMs = Math.max(0, nowMs - this.#dueMs);
    this.#dueMs = nowMs + this.#intervalMs;
    for (const heard of this.#watched) heard.heardMs = Math.min(nowMs, heard.heardMs + lateMs);
    const limitMs = MISSES * this.#intervalMs;
    for (const heard of [...this.#watched]) {
      const silentMs = nowMs - heard.heardMs;
      if (silentMs >= limitMs) heard.drop(`silent for ${Math.round(silentMs / 1000)} s`);
    }
  }
}
