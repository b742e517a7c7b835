/**
 * What one side of a connection remembers of what it has sent and received, so that a stream that
 * breaks loses nothing: the next one begins with what the other side has not received.
 *
 * Messages are counted from 1 in each direction over all streams of a connection. Not its job:
 * which messages count (the protocol says so), and opening streams.
 */

import { isCount } from "../columns.js";

/** So many messages are received before that is told although nothing else is to be sent. */
const TOLD_AFTER = 32;
/** So many, or so many bytes of values, before it is told along with something else: what is told costs a message on both sides. */
const TOLD_ALONG_AFTER = 8;
const TOLD_ALONG_BYTES = 64 * 1024;

/** Messages that were sent and are not known to have arrived, in order. */
export class Unacknowledged<Message> {
  #kept: Message[] = [];
  /** Those before it are known to have arrived, and are let go now and then. */
  #from = 0;
  #arrived = 0;
  readonly #letGo: ((message: Message) => void) | undefined;

  /** @param letGo told each message that is known to have arrived */
  constructor(letGo?: (message: Message) => void) {
    this.#letGo = letGo;
  }

  /** How many messages have been sent. */
  get sent(): number {
    return this.#arrived + this.size;
  }

  /** How many of them are kept. */
  get size(): number {
    return this.#kept.length - this.#from;
  }

  /** Keeps a message that is sent now. */
  push(message: Message): void {
    this.#kept.push(message);
  }

  /**
   * The other side has received so many messages.
   *
   * @returns false, and nothing happens, when so many were never sent
   */
  arrived(count: number): boolean {
    if (!isCount(count) || count > this.sent) return false;
    if (count <= this.#arrived) return true;
    const end = this.#from + count - this.#arrived;
    if (this.#letGo !== undefined) for (let i = this.#from; i < end; i += 1) this.#letGo(this.#kept[i]!);
    this.#arrived = count;
    if (end === this.#kept.length || end > 1_024) {
      this.#kept = end === this.#kept.length ? [] : this.#kept.slice(end);
      this.#from = 0;
    } else {
      this.#kept.fill(undefined as Message, this.#from, end);
      this.#from = end;
    }
    return true;
  }

  /**
   * The other side remembers nothing of this connection but that it has received so many messages:
   * those that are kept are counted from there.
   */
  renumber(arrived: number): void {
    this.#arrived = arrived;
  }

  /** So many of them are known to have arrived. */
  get arrivedCount(): number {
    return this.#arrived;
  }

  /** The message that was sent after so many others; undefined: it has arrived, or was not sent. */
  after(sent: number): Message | undefined {
    return sent < this.#arrived ? undefined : this.#kept[this.#from + sent - this.#arrived];
  }

  /** Those that must be sent again on a new stream. */
  *[Symbol.iterator](): Generator<Message> {
    for (let i = this.#from; i < this.#kept.length; i += 1) yield this.#kept[i]!;
  }
}

/** How many messages have arrived, and how many of them the other side knows to have. */
export class Received {
  #count: number;
  #told: number;
  /** So many may be told. */
  #settled: number;
  /** So many of those that come next have been taken before. */
  #repeats = 0;
  /** More would have been told if more had been settled. */
  #wanted = false;
  /** Of what has not been told, as far as it may be much. */
  #bytes = 0;
  readonly #waits: boolean;

  /**
   * @param waits what has arrived is told only once it is settled: until then the other side keeps it
   * @param count how many had arrived, and were settled, before
   */
  constructor(waits = false, count = 0) {
    this.#waits = waits;
    this.#count = count;
    this.#told = count;
    this.#settled = count;
  }

  get count(): number {
    return this.#count;
  }

  /**
   * Another message has arrived.
   *
   * @param byteLength of the values in it: until it is told the other side keeps them
   * @returns false when it was taken before, on an earlier stream
   */
  add(byteLength = 0): boolean {
    if (this.#repeats > 0) {
      this.#repeats -= 1;
      return false;
    }
    this.#count += 1;
    this.#bytes += byteLength;
    if (!this.#waits) this.#settled = this.#count;
    return true;
  }

  /** Nothing has arrived that may be forgotten. */
  get isSettled(): boolean {
    return this.#settled === this.#count;
  }

  /** So many will not be forgotten. @returns whether that is worth a message of its own */
  settle(count: number): boolean {
    this.#settled = Math.max(this.#settled, count);
    const wanted = this.#wanted;
    this.#wanted = false;
    return wanted || this.isDue;
  }

  /** So many have not been told for long enough that it is worth a message of its own. */
  get isDue(): boolean {
    return this.#settled - this.#told >= TOLD_AFTER;
  }

  /** The number to tell; undefined when the other side knows it, or nearly. */
  tell(): number | undefined {
    if (this.#count - this.#told < TOLD_ALONG_AFTER && this.#bytes < TOLD_ALONG_BYTES) return undefined;
    this.#wanted = this.#count > this.#settled;
    if (this.#settled === this.#told) return undefined;
    this.#told = this.#settled;
    if (!this.#wanted) this.#bytes = 0;
    return this.#told;
  }

  /** Another stream begins. @returns what to tell on it: those after it come again, and are not taken again */
  resume(): number {
    this.#told = this.#settled;
    this.#repeats = this.#count - this.#settled;
    this.#bytes = 0;
    return this.#told;
  }
}
