/**
 * Frames: batches of messages on a byte stream. Four bytes of length (little
 * endian), then a MessagePack array.
 */

import { Packr } from "msgpackr/pack";

/** No frame is longer: a batch and one part. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

const HEADER_BYTES = 4;

const packr = new Packr({ useRecords: false });

/** A batch of messages as one frame. */
export function encodeFrame(messages: readonly unknown[]): Buffer {
  const body = packr.pack(messages);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + body.byteLength);
  frame.writeUInt32LE(body.byteLength, 0);
  frame.set(body, HEADER_BYTES);
  return frame;
}

/**
 * Bytes in the form the packer writes as bytes.
 *
 * @param parts joined into one
 */
export function bytesOf(parts: readonly Uint8Array[]): Buffer {
  const first = parts[0];
  if (parts.length === 1 && first !== undefined) {
    return Buffer.from(first.buffer, first.byteOffset, first.byteLength);
  }
  return Buffer.concat(parts);
}

/** Takes a byte stream apart into batches of messages. */
export class FrameReader<Message> {
  /** The frame that is arriving, header included; its length is known. */
  #frame: Buffer | undefined;
  #filled = 0;
  /** Bytes of a header that has not arrived whole. */
  #header = Buffer.alloc(0);

  /**
   * Takes bytes.
   *
   * @returns the messages of all frames that are complete now. Byte fields are views onto the stream's memory
   * @throws Error when this is no stream of frames
   */
  push(chunk: Buffer): Message[] {
    const messages: Message[] = [];
    let rest = chunk;
    while (rest.byteLength > 0) {
      if (this.#frame !== undefined) {
        const taken = Math.min(rest.byteLength, this.#frame.byteLength - this.#filled);
        rest.copy(this.#frame, this.#filled, 0, taken);
        this.#filled += taken;
        rest = rest.subarray(taken);
        if (this.#filled < this.#frame.byteLength) break;
        decodeInto(messages, this.#frame.subarray(HEADER_BYTES));
        this.#frame = undefined;
        continue;
      }
      if (this.#header.byteLength > 0) {
        rest = Buffer.concat([this.#header, rest]);
        this.#header = Buffer.alloc(0);
      }
      if (rest.byteLength < HEADER_BYTES) {
        this.#header = Buffer.from(rest);
        break;
      }
      rest = this.#begin(rest, messages);
    }
    return messages;
  }

  /** `bytes` begins with a whole header. */
  #begin(bytes: Buffer, messages: Message[]): Buffer {
    const length = bytes.readUInt32LE(0);
    if (length > MAX_FRAME_BYTES) throw new Error(`A frame of ${length} bytes: this is no stream of frames.`);
    const end = HEADER_BYTES + length;
    if (bytes.byteLength >= end) {
      decodeInto(messages, bytes.subarray(HEADER_BYTES, end));
      return bytes.subarray(end);
    }
    this.#frame = Buffer.allocUnsafeSlow(end);
    this.#filled = bytes.copy(this.#frame);
    return bytes.subarray(bytes.byteLength);
  }
}

function decodeInto<Message>(messages: Message[], body: Buffer): void {
  const batch: unknown = packr.unpack(body);
  if (!Array.isArray(batch)) throw new Error("A frame without messages: this is no stream of frames.");
  for (const message of batch) messages.push(message as Message);
}
