/** Numbers and bytes written one behind the other, and read again: numbers as LEB128, so that small ones are one byte. */

/** Frames are cut out of pieces of memory of this size, so that a small one makes none of its own. */
const CHUNK_BYTES = 64 * 1024;
/** Of the longest number. */
const NUMBER_BYTES = 8;
/** Most that the bytes of a number but the last may come to: what is beyond is no safe integer. */
const MOST_FACTOR = 2 ** 49;

const NOTHING = Buffer.alloc(0);

/** Writes one piece after the other; each is taken out by `take`, and not changed after. */
export class ByteWriter {
  #bytes = NOTHING;
  #start = 0;
  #at = 0;

  /** A whole number from 0 to 2^53 - 1. */
  number(value: number): void {
    this.#reserve(NUMBER_BYTES);
    const bytes = this.#bytes;
    let at = this.#at;
    let rest = value;
    while (rest > 0x7fff_ffff) {
      bytes[at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      bytes[at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.#at = at;
  }

  /** As many as there are, behind how many that is. */
  numbers(values: readonly number[]): void {
    this.number(values.length);
    for (let i = 0; i < values.length; i++) this.number(values[i]!);
  }

  /** Behind how many there are. */
  bytes(bytes: Uint8Array): void {
    const { byteLength } = bytes;
    this.number(byteLength);
    if (byteLength === 0) return;
    this.#reserve(byteLength);
    this.#bytes.set(bytes, this.#at);
    this.#at += byteLength;
  }

  /** Leaves room at the beginning of a piece. */
  skip(byteLength: number): void {
    this.#reserve(byteLength);
    this.#at += byteLength;
  }

  /** The piece that has been written. */
  take(): Buffer {
    const piece = this.#bytes.subarray(this.#start, this.#at);
    if (this.#bytes.byteLength > CHUNK_BYTES) {
      // Its memory is to be free as soon as it is.
      this.#bytes = NOTHING;
      this.#at = 0;
    }
    this.#start = this.#at;
    return piece;
  }

  /** Forgets the piece that was begun. */
  drop(): void {
    this.#at = this.#start;
  }

  #reserve(byteLength: number): void {
    if (this.#at + byteLength <= this.#bytes.byteLength) return;
    const begun = this.#bytes.subarray(this.#start, this.#at);
    const needed = begun.byteLength + byteLength;
    this.#bytes = Buffer.allocUnsafeSlow(needed > CHUNK_BYTES / 2 ? 2 * needed : CHUNK_BYTES);
    this.#bytes.set(begun);
    this.#start = 0;
    this.#at = begun.byteLength;
  }
}

/** Reads what a `ByteWriter` has written. Throws when there is something else. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, from: number) {
    this.#bytes = bytes;
    this.#at = from;
  }

  /** Whether something is left. */
  get hasMore(): boolean {
    return this.#at < this.#bytes.byteLength;
  }

  number(): number {
    let value = 0;
    for (let factor = 1; factor <= MOST_FACTOR; factor *= 128) {
      if (this.#at >= this.#bytes.byteLength) break;
      const byte = this.#bytes[this.#at++]!;
      if (byte < 128) return value + byte * factor;
      value += (byte & 127) * factor;
    }
    throw new Error("A number is cut off: this is no stream of frames.");
  }

  numbers(): number[] {
    const count = this.number();
    if (count > this.#bytes.byteLength - this.#at)
      throw new Error("A list is cut off: this is no stream of frames.");
    const values: number[] = [];
    for (let i = 0; i < count; i++) values.push(this.number());
    return values;
  }

  /** A view. */
  bytes(): Buffer {
    const end = this.number() + this.#at;
    if (end > this.#bytes.byteLength) throw new Error("Bytes are cut off: this is no stream of frames.");
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}
