/**
 * A link that can be cut, in virtual time: what is under way then is lost, what was sent and has not
 * arrived is sent again on the next stream. Real counting (proto/link/unacknowledged.ts).
 */

import { Received, Unacknowledged } from "../../proto/link/unacknowledged.js";

/** Delays a message, keeping the order of those on the same way. */
export type Travel = (arrive: () => void) => void;

/** One direction of a connection. */
export class Direction {
  readonly #travel: Travel;
  readonly #unacknowledged = new Unacknowledged<() => void>();
  readonly #received = new Received();
  #stream = 1;
  #isUp = true;

  constructor(travel: Travel) {
    this.#travel = travel;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Sends what must arrive, if need be on a later stream. */
  send(arrive: () => void): void {
    this.#unacknowledged.push(arrive);
    if (this.#isUp) this.#carry(arrive);
  }

  /** Sends what is lost with the stream. */
  sendOnce(arrive: () => void): void {
    if (!this.#isUp) return;
    const stream = this.#stream;
    this.#travel(() => {
      if (stream === this.#stream) arrive();
    });
  }

  cut(): void {
    this.#isUp = false;
    this.#stream += 1;
  }

  /** Another stream: begins with what has not arrived. */
  resume(): void {
    this.#isUp = true;
    this.#stream += 1;
    this.#unacknowledged.arrived(this.#received.count);
    for (const arrive of this.#unacknowledged) this.#carry(arrive);
  }

  #carry(arrive: () => void): void {
    this.sendOnce(() => {
      this.#received.add();
      arrive();
    });
  }
}
