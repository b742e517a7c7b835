/** Virtual time: actions happen in order of their time, those of one time in the order in which they were set. */

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

/** More at one time is a cluster that does not come to rest: its parts send each other the same for ever. */
const MOST_AT_ONCE = 1_000_000;

export class Clock {
  nowMs = 0;
  /** Actions at this time so far. */
  #atOnce = 0;
  /** A binary heap, the next one first. */
  readonly #timers: Timer[] = [];
  #order = 0;

  /** When the next action happens; Infinity: nothing is to come. */
  get nextMs(): number {
    return this.#timers[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  at(atMs: number, action: () => void): void {
    const timer = { atMs, order: this.#order++, action };
    let child = this.#timers.push(timer) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!isBefore(timer, this.#timers[parent]!)) break;
      this.#timers[child] = this.#timers[parent]!;
      child = parent;
    }
    this.#timers[child] = timer;
  }

  after(ms: number, action: () => void): void {
    this.at(this.nowMs + ms, action);
  }

  /** Lets the next action happen; false: nothing is to come. */
  next(): boolean {
    const timers = this.#timers;
    const first = timers[0];
    if (first === undefined) return false;
    const last = timers.pop()!;
    if (timers.length > 0) this.#sink(last);
    if (first.atMs > this.nowMs) {
      this.nowMs = first.atMs;
      this.#atOnce = 0;
    }
    this.#atOnce += 1;
    if (this.#atOnce > MOST_AT_ONCE) throw new Error(`at ${this.nowMs} ms the cluster does not come to rest`);
    first.action();
    return true;
  }

  #sink(timer: Timer): void {
    const timers = this.#timers;
    let parent = 0;
    for (;;) {
      let child = parent * 2 + 1;
      if (child >= timers.length) break;
      if (child + 1 < timers.length && isBefore(timers[child + 1]!, timers[child]!)) child += 1;
      if (!isBefore(timers[child]!, timer)) break;
      timers[parent] = timers[child]!;
      parent = child;
    }
    timers[parent] = timer;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs;
}
