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
  readonly #waits: boolean;
  #received: Received;
  #stream = 1;
  #isUp = true;

  /** @param waits what arrives counts once it is settled */
  constructor(travel: Travel, waits = false) {
    this.#travel = travel;
    this.#waits = waits;
    this.#received = new Received(waits);
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

  /** What has arrived will not be forgotten. */
  settle(): void {
    this.#received.settle(this.#received.count);
  }

  /** The receiver remembers nothing. @param part of what was settled the sender has been told so much, 0 to 1 */
  forgotten(part: number): void {
    const before = this.#unacknowledged.sent - this.#unacknowledged.size;
    const settled = this.#received.resume();
    this.#unacknowledged.arrived(before + Math.round(part * (settled - before)));
    this.#unacknowledged.renumber(0);
    this.#received = new Received(this.#waits);
  }

  /** The receiver knows nothing but what was settled. */
  restored(): void {
    this.#received = new Received(this.#waits, this.#received.resume());
  }

  cut(): void {
    this.#isUp = false;
    this.#stream += 1;
  }

  /** Another stream: begins with what has not arrived. */
  resume(): void {
    this.#isUp = true;
    this.#stream += 1;
    this.#unacknowledged.arrived(this.#received.resume());
    for (const arrive of this.#unacknowledged) this.#carry(arrive);
  }

  #carry(arrive: () => void): void {
    this.sendOnce(() => {
      if (this.#received.add()) arrive();
    });
  }
}
