/** The ways of a simulated cluster: messages of one way keep their order, those of different ways do not. */

import type { Clock } from "./clock.js";
import type { Random } from "./random.js";

export class Network {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #lastArrivalMs = new Map<string, number>();
  /** Beside what is usual there. */
  readonly #delaysMs = new Map<string, number>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Takes at most so long, or longer while the way is delayed. */
  travel(way: string, mostMs: number, arrive: () => void): void {
    const delayMs = this.#random.next() * mostMs + (this.#delaysMs.get(way) ?? 0);
    const atMs = Math.max(this.#clock.nowMs + delayMs, this.#lastArrivalMs.get(way) ?? 0);
    this.#lastArrivalMs.set(way, atMs);
    this.#clock.at(atMs, arrive);
  }

  /** What goes this way takes so much longer, for so long. */
  delay(way: string, ms: number, forMs: number): void {
    this.#delaysMs.set(way, ms);
    this.#clock.after(forMs, () => {
      if (this.#delaysMs.get(way) === ms) this.#delaysMs.delete(way);
    });
  }
}
