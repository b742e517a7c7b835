/** The sending half of a peer: flushed once per turn, and slowed down with its reader. */

import type { Link } from "../../proto/link/link.js";
import type { Flushable, Loop } from "./loop.js";

/** A peer that leaves more than this unread is not read from until it has caught up. */
export const SLOW_READER_BYTES = 16 * 1024 * 1024;

/** Sends to one peer. */
export class Outbox<Out, In> implements Flushable {
  readonly #link: Link<Out, In>;
  readonly #loop: Pick<Loop, "touch">;
  readonly #last: () => Out | undefined;
  #touched = false;
  #holding = false;

  /** @param last asked at the end of each turn in which something is sent: what goes along with it */
  constructor(link: Link<Out, In>, loop: Pick<Loop, "touch">, last: () => Out | undefined = () => undefined) {
    this.#link = link;
    this.#loop = loop;
    this.#last = last;
  }

  send(message: Out): void {
    this.#link.send(message);
    this.touch();
  }

  /** Flushes at the end of the turn, even if nothing is sent until then. */
  touch(): void {
    if (this.#touched) return;
    this.#touched = true;
    this.#loop.touch(this);
  }

  /**
   * Sends what is queued. A peer that does not read what it is sent may not add
   * to it: what it sends (submissions) waits in the transport, and so in the peer,
   * until its reader has caught up. What it submitted before still arrives here,
   * so the bytes held for it are bounded by the results of tasks it has submitted.
   */
  flush(): void {
    this.#touched = false;
    const last = this.#last();
    if (last !== undefined) this.#link.send(last);
    this.#link.flush();
    if (!this.#holding && this.#link.pendingBytes > SLOW_READER_BYTES) void this.#hold();
  }

  async #hold(): Promise<void> {
    this.#holding = true;
    this.#link.pause(true);
    await this.#link.drained();
    this.#holding = false;
    this.#link.pause(false);
  }
}
