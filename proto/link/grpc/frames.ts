/**
 * Batches on a plain socket: each is four bytes that tell its length, and the batch as gRPC would carry it. After the
 * last one comes a length of zero: a socket that ends without it was lost.
 */

import protobuf from "protobufjs/minimal.js";
import { type Coder, Malformed } from "./services.js";

const HEADER_BYTES = 4;

/** After the last batch. */
export const END = Buffer.alloc(HEADER_BYTES);

/** Encodes a batch, with its length before it. */
export function frame<T>(coder: Coder<T>, batch: T): Buffer {
  const bytes = coder.encode(batch, protobuf.Writer.create().fixed32(0)).finish() as Buffer;
  bytes.writeUInt32LE(bytes.byteLength - HEADER_BYTES);
  return bytes;
}

/** Takes what arrives apart. */
export class FrameReader {
  readonly #mostBytes: number;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Of a frame that is longer than what has arrived of it. */
  #parts: Buffer[] = [];
  #partsBytes = 0;

  /** @param mostBytes a longer batch is refused */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** What has arrived. Take all frames before the next call. */
  add(chunk: Buffer): void {
    if (this.#partsBytes === 0) {
      this.#chunk = chunk;
      this.#at = 0;
      return;
    }
    this.#parts.push(chunk);
    this.#partsBytes += chunk.byteLength;
    if (this.#partsBytes < this.#wantedBytes()) return;
    this.#chunk = Buffer.concat(this.#parts, this.#partsBytes);
    this.#at = 0;
    this.#parts = [];
    this.#partsBytes = 0;
  }

  /**
   * The next batch's bytes, none after the last one; undefined: the rest has not arrived; malformed: it is longer than permitted.
   */
  next(): Buffer | Malformed | undefined {
    if (this.#partsBytes > 0) return undefined;
    const left = this.#chunk.byteLength - this.#at;
    if (left >= HEADER_BYTES) {
      const length = this.#chunk.readUInt32LE(this.#at);
      if (length > this.#mostBytes)
        return new Malformed(`a batch of ${length} bytes; ${this.#mostBytes} are permitted`);
      if (left >= HEADER_BYTES + length) {
        const start = this.#at + HEADER_BYTES;
        this.#at = start + length;
        return this.#chunk.subarray(start, this.#at);
      }
    }
    if (left > 0) this.#keep();
    return undefined;
  }

  #keep(): void {
    const rest = this.#chunk.subarray(this.#at);
    this.#parts = [rest];
    this.#partsBytes = rest.byteLength;
    this.#at = this.#chunk.byteLength;
  }

  #wantedBytes(): number {
    const [first] = this.#parts;
    if (first !== undefined && first.byteLength >= HEADER_BYTES) return HEADER_BYTES + first.readUInt32LE(0);
    return HEADER_BYTES;
  }
}
