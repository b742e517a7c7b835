/**
 * What one side of a connection remembers of what it has sent and received, so that a stream that
 * breaks loses nothing: the next one begins with what the other side has not received.
 *
 * Messages are counted from 1 in each direction over all streams of a connection. Not its job:
 * which messages count (the protocol says so), and opening streams.
 */

/** So many messages are received before that is told although nothing else is to be sent. */
const TOLD_AFTER = 32;

/** Messages that were sent and are not known to have arrived, in order. */
export class Unacknowledged<Message> {
  #kept: Message[] = [];
  /** Those before it are known to have arrived, and are let go now and then. */
  #from = 0;
  #arrived = 0;

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
    if (!(count <= this.sent)) return false;
    if (count <= this.#arrived) return true;
    this.#kept.fill(undefined as Message, this.#from, this.#from + count - this.#arrived);
    this.#from += count - this.#arrived;
    this.#arrived = count;
    if (this.#from === this.#kept.length || this.#from > 1_024) {
      this.#kept = this.#kept.slice(this.#from);
      this.#from = 0;
    }
    return true;
  }

  /** Those that must be sent again on a new stream. */
  *[Symbol.iterator](): Generator<Message> {
    for (let i = this.#from; i < this.#kept.length; i += 1) yield this.#kept[i]!;
  }
}

/** How many messages have arrived, and how many of them the other side knows to have. */
export class Received {
  #count = 0;
  #told = 0;

  get count(): number {
    return this.#count;
  }

  /** Another message has arrived. */
  add(): void {
    this.#count += 1;
  }

  /** So many have not been told for long enough that it is worth a message of its own. */
  get isDue(): boolean {
    return this.#count - this.#told >= TOLD_AFTER;
  }

  /** The number to tell; undefined when the other side knows it. */
  tell(): number | undefined {
    if (this.#count === this.#told) return undefined;
    this.#told = this.#count;
    return this.#count;
  }
}
