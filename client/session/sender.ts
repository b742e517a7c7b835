/**
 * Sends what a session's state has to say: all of one event-loop turn together, no
 * more than the transport takes, and nothing that refers to a blob which the head
 * may have dropped.
 */

import type { ClientMessage, HeadToClient } from "../../proto/grain.js";
import type { Link } from "../../proto/link/link.js";
import type { SessionState } from "./state.js";
import type { Uploads } from "./uploads.js";

/** Above so many bytes not taken by the transport, what is submitted waits here. */
const PENDING_LIMIT_BYTES = 8 * 1024 * 1024;

/** Where sending stands. */
type Sending = "idle" | "due" | "blocked";

/** Sends for one session. */
export class Sender {
  readonly #state: SessionState;
  readonly #uploads: Uploads;
  #link: Link<ClientMessage, HeadToClient> | undefined;
  #sending: Sending = "idle";

  constructor(state: SessionState, uploads: Uploads) {
    this.#state = state;
    this.#uploads = uploads;
  }

  /** From now on there is somebody to send to. */
  start(link: Link<ClientMessage, HeadToClient>): void {
    this.#link = link;
    this.schedule();
  }

  /** Sends at the end of this turn, unless something is waited for. */
  schedule(): void {
    if (this.#sending !== "idle" || this.#link === undefined) return;
    this.#sending = "due";
    setImmediate(() => this.#flush());
  }

  /** Says that the session ends, after acknowledging what has arrived. */
  sayClose(): void {
    this.#acknowledge();
    this.#link?.send({ body: { $case: "close", close: {} } });
    this.#link?.flush();
  }

  #flush(): void {
    this.#sending = "idle";
    const link = this.#link;
    if (this.#state.phase.type !== "open" || link === undefined) return;
    this.#acknowledge();
    while (link.pendingBytes <= PENDING_LIMIT_BYTES) {
      const stale = this.#uploads.stale(this.#state.nextUploads);
      if (stale.length > 0) {
        this.#flushAfter(this.#uploads.renew(stale));
        link.flush();
        return;
      }
      const message = this.#state.next();
      if (message === undefined) {
        link.flush();
        return;
      }
      link.send(message);
    }
    link.flush();
    this.#flushAfter(link.drained());
  }

  #flushAfter(wait: Promise<void>): void {
    this.#sending = "blocked";
    void wait.then(() => this.#flush());
  }

  #acknowledge(): void {
    const ack = this.#state.takeAck();
    if (ack !== undefined) this.#link?.send(ack);
  }
}
