/**
 * Measures a simulated cluster: how much of it is in use, how long tasks wait, how
 * evenly clients are served. Told of every start and end, in order of time.
 */

/** A client's service so far. */
interface Served {
  readonly weight: number;
  /** Submitted and not started. */
  waiting: number;
  /** In use by its tasks, by kind. */
  readonly used: number[];
  /** Its dominant share, and what its fair share would have been, over the time it waited beside others. */
  gotMs: number;
  dueMs: number;
}

/** By kind: amount times milliseconds. */
type Integral = number[];

/** What one measurement says of a kind of resource. */
export interface KindUse {
  readonly kind: number;
  /** Part of the capacity that was in use from the first submission to the last end; 0 to 1. */
  readonly overall: number;
  /** The same, over the time in which some submitted task had not started. */
  readonly whileWaiting: number;
}

export class Meter {
  readonly #clients: Served[] = [];
  readonly #capacity: number[] = [];
  readonly #used: number[] = [];
  readonly #usedTime: Integral = [];
  readonly #capacityTime: Integral = [];
  readonly #usedWaiting: Integral = [];
  readonly #capacityWaiting: Integral = [];
  #waiting = 0;
  #waitingClients = 0;
  #lastMs: number | undefined;
  #endMs = 0;
  /** What to take off when the measurement ends at the last end of a task. */
  #capacityAtEnd: Integral = [];

  addClient(weight: number): number {
    this.#clients.push({ weight, waiting: 0, used: [], gotMs: 0, dueMs: 0 });
    return this.#clients.length - 1;
  }

  /** A worker joined (+1) or left (-1). */
  capacity(nowMs: number, total: readonly number[], sign: 1 | -1): void {
    this.#advance(nowMs);
    for (let kind = 0; kind < total.length; kind += 1)
      this.#capacity[kind] = (this.#capacity[kind] ?? 0) + sign * total[kind]!;
  }

  submitted(nowMs: number, client: number, count: number): void {
    // Nothing is measured before the first submission.
    this.#lastMs ??= nowMs;
    this.#advance(nowMs);
    this.#wait(client, count);
  }

  started(nowMs: number, client: number, first: boolean, take: (used: number[]) => void): void {
    this.#advance(nowMs);
    if (first) this.#wait(client, -1);
    take(this.#used);
    take(this.#clients[client]!.used);
  }

  ended(nowMs: number, client: number, give: (used: number[]) => void): void {
    this.#advance(nowMs);
    give(this.#used);
    give(this.#clients[client]!.used);
    this.#endMs = nowMs;
    for (let kind = 0; kind < this.#capacity.length; kind += 1)
      this.#capacityAtEnd[kind] = this.#capacityTime[kind] ?? 0;
  }

  /** When the last task ended. */
  get endMs(): number {
    return this.#endMs;
  }

  use(kind: number): KindUse {
    return {
      kind,
      overall: part(this.#usedTime[kind], this.#capacityAtEnd[kind]),
      whileWaiting: part(this.#usedWaiting[kind], this.#capacityWaiting[kind]),
    };
  }

  /**
   * Jain's index of what clients got in proportion to their fair share while they waited
   * beside others: 1 when all got alike, 1/n when one of n got all. undefined: never did two wait at once.
   */
  fairness(): number | undefined {
    const parts = this.#clients.filter(({ dueMs }) => dueMs > 0).map(({ gotMs, dueMs }) => gotMs / dueMs);
    if (parts.length < 2) return undefined;
    const sum = parts.reduce((total, each) => total + each, 0);
    const squares = parts.reduce((total, each) => total + each * each, 0);
    return squares === 0 ? 1 : (sum * sum) / (parts.length * squares);
  }

  #wait(client: number, change: number): void {
    const served = this.#clients[client]!;
    const before = served.waiting;
    served.waiting += change;
    this.#waiting += change;
    if (before === 0 && served.waiting > 0) this.#waitingClients += 1;
    else if (before > 0 && served.waiting === 0) this.#waitingClients -= 1;
  }

  #advance(nowMs: number): void {
    if (this.#lastMs === undefined) return;
    const ms = nowMs - this.#lastMs;
    if (ms <= 0) return;
    this.#lastMs = nowMs;
    for (let kind = 0; kind < this.#capacity.length; kind += 1) {
      const used = (this.#used[kind] ?? 0) * ms;
      const capacity = this.#capacity[kind]! * ms;
      this.#usedTime[kind] = (this.#usedTime[kind] ?? 0) + used;
      this.#capacityTime[kind] = (this.#capacityTime[kind] ?? 0) + capacity;
      if (this.#waiting === 0) continue;
      this.#usedWaiting[kind] = (this.#usedWaiting[kind] ?? 0) + used;
      this.#capacityWaiting[kind] = (this.#capacityWaiting[kind] ?? 0) + capacity;
    }
    if (this.#waitingClients > 1) this.#serve(ms);
  }

  #serve(ms: number): void {
    let weights = 0;
    for (const { waiting, weight } of this.#clients) if (waiting > 0) weights += weight;
    for (const served of this.#clients) {
      if (served.waiting === 0) continue;
      let share = 0;
      for (let kind = 0; kind < served.used.length; kind += 1) {
        const capacity = this.#capacity[kind] ?? 0;
        if (capacity > 0) share = Math.max(share, (served.used[kind] ?? 0) / capacity);
      }
      served.gotMs += share * ms;
      served.dueMs += (served.weight / weights) * ms;
    }
  }
}

function part(of: number | undefined, whole: number | undefined): number {
  return whole === undefined || whole === 0 ? 0 : (of ?? 0) / whole;
}
