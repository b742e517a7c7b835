/**
 * Sends what a session's state has to say: all of one event-loop turn together, no
 * more than the transport takes, and nothing that refers to a blob which the head
 * may have dropped. What the head is not known to have is kept, and sent again on
 * the next stream when one is lost.
 */

import type { ClientMessage, HeadToClient } from "../../proto/grain.js";
import type { Link } from "../../proto/link/link.js";
import { Received, Unacknowledged } from "../../proto/link/unacknowledged.js";
import { Turn } from "../../proto/turn.js";
import type { SessionState } from "./state.js";
import type { Upload, Uploads } from "./uploads.js";

/** Above so many bytes not taken by the transport, what is submitted waits here. */
const PENDING_LIMIT_BYTES = 8 * 1024 * 1024;

interface Sent {
  readonly message: ClientMessage;
  /** What it refers to. */
  readonly uploads: readonly Upload[];
}

const NO_UPLOADS: readonly Upload[] = [];

/** Sends for one session. */
export class Sender {
  /** Of the head's messages. */
  readonly received = new Received();
  readonly #state: SessionState;
  readonly #uploads: Uploads;
  readonly #unacknowledged = new Unacknowledged<Sent>();
  #keeps = false;
  #link: Link<ClientMessage, HeadToClient> | undefined;
  readonly #turn = new Turn(() => this.#flush());
  #blocked = false;

  constructor(state: SessionState, uploads: Uploads) {
    this.#state = state;
    this.#uploads = uploads;
  }

  /** How many messages the head has, or will be sent again. */
  get sent(): number {
    return this.#unacknowledged.sent;
  }

  /** From now on there is somebody to send to. @param keeps whether there may be another stream after this one */
  start(link: Link<ClientMessage, HeadToClient>, keeps: boolean): void {
    this.#link = link;
    this.#keeps = keeps;
    this.schedule();
  }

  /** The stream was lost: nothing is sent until `resume`. */
  stop(): void {
    this.#link = undefined;
  }

  /** The stream ends at once, and there will be no other. */
  destroy(message: string): void {
    this.#link?.destroy(message);
    this.#link = undefined;
  }

  /** The head has received so many messages. @returns false when so many were never sent */
  arrived(count: number): boolean {
    return this.#unacknowledged.arrived(count);
  }

  /**
   * Sends again what the head has not received, then what has come up meanwhile.
   *
   * @param isOpen whether the stream is still the one to send on: blobs may have to be brought first
   */
  async resume(link: Link<ClientMessage, HeadToClient>, isOpen: () => boolean): Promise<void> {
    const uploads = [...this.#unacknowledged].flatMap((sent) => sent.uploads);
    this.#uploads.doubt();
    const stale = this.#uploads.stale(uploads);
    if (stale.length > 0) await this.#uploads.renew(stale);
    if (!isOpen()) return;
    for (const { message } of this.#unacknowledged) link.send(message);
    this.#state.recalls.askAgain();
    link.flush();
    this.#link = link;
    this.schedule();
  }

  /** Sends what has been submitted soon, together with what else is submitted at this moment. */
  schedule(): void {
    if (!this.#blocked && this.#link !== undefined) this.#turn.schedule();
  }

  /** Sends what there is at the end of this turn. */
  scheduleLate(): void {
    if (!this.#blocked && this.#link !== undefined) this.#turn.scheduleLate();
  }

  /** Says that the session ends, after acknowledging what has arrived. */
  sayClose(done: boolean): void {
    this.#acknowledge();
    this.#send({ body: { $case: "close", close: { done } } });
    this.#link?.flush();
  }

  /** Says that the program is gone, after all that it has submitted. */
  sayLeave(): void {
    for (let message = this.#state.next(); message !== undefined; message = this.#state.next())
      this.#send(message);
    this.#acknowledge();
    this.#send({ body: { $case: "leave", leave: {} } });
    this.#link?.flush();
  }

  #flush(): void {
    const link = this.#link;
    if (this.#blocked || this.#state.phase.type !== "open" || link === undefined) return;
    this.#acknowledge();
    while (link.pendingBytes <= PENDING_LIMIT_BYTES) {
      const uploads = this.#state.nextUploads;
      const stale = this.#uploads.stale(uploads);
      if (stale.length > 0) {
        this.#flushAfter(this.#uploads.renew(stale));
        link.flush();
        return;
      }
      const message = this.#state.next();
      if (message === undefined) {
        for (const question of this.#state.questions()) link.send(question);
        link.flush();
        return;
      }
      this.#send(message, uploads);
    }
    link.flush();
    this.#flushAfter(link.drained());
  }

  #flushAfter(wait: Promise<void>): void {
    this.#blocked = true;
    void wait.then(() => {
      this.#blocked = false;
      this.#flush();
    });
  }

  #acknowledge(): void {
    const ack = this.#state.takeAck();
    if (ack !== undefined) this.#send(ack);
    if (!this.#keeps || (ack === undefined && !this.received.isDue)) return;
    const received = this.received.tell();
    if (received !== undefined) this.#link?.send({ body: { $case: "received", received } });
  }

  #send(message: ClientMessage, uploads: readonly Upload[] = NO_UPLOADS): void {
    if (this.#keeps) this.#unacknowledged.push({ message, uploads });
    this.#link?.send(message);
  }
}
