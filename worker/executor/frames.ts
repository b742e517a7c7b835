/**
 * Frames: batches of messages on a byte stream. Four bytes of length (little endian), then the messages, each
 * behind a number that says how it is written.
 */

import { Packr } from "msgpackr/pack";
import { ByteReader, ByteWriter } from "./bytes.js";
import type { FromExecutor, ToExecutor } from "./message.js";
import { isUsual, packFinished, packRun, unpackFinished, unpackRun } from "./packed.js";

/** No frame is longer: a batch and one part. */
const MAX_FRAME_BYTES = 64 * 1024 * 1024;

const HEADER_BYTES = 4;

/** How a message is written. */
const MESSAGE_PACK = 0;
const RUN = 1;
const FINISHED = 2;

const packr = new Packr({ useRecords: false });
const writer = new ByteWriter();

/** A batch of messages as one frame. */
export function encodeFrame(messages: readonly (FromExecutor | ToExecutor)[]): Buffer {
  writer.skip(HEADER_BYTES);
  try {
    for (const message of messages) encodeMessage(message);
  } catch (error) {
    writer.drop();
    throw error;
  }
  const frame = writer.take();
  frame.writeUInt32LE(frame.byteLength - HEADER_BYTES, 0);
  return frame;
}

function encodeMessage(message: FromExecutor | ToExecutor): void {
  if (message.type === "run" && isUsual(message)) {
    writer.number(RUN);
    packRun(writer, message);
  } else if (message.type === "finished") {
    writer.number(FINISHED);
    packFinished(writer, message);
  } else {
    writer.number(MESSAGE_PACK);
    writer.bytes(packr.pack(message));
  }
}

/**
 * Bytes in the form the packer writes as bytes.
 *
 * @param parts joined into one
 */
export function bytesOf(parts: readonly Uint8Array[]): Buffer {
  const first = parts[0];
  if (first === undefined) return NOTHING;
  if (parts.length === 1) return Buffer.from(first.buffer, first.byteOffset, first.byteLength);
  return Buffer.concat(parts);
}

const NOTHING = Buffer.alloc(0);

/** Takes a byte stream apart into batches of messages. */
export class FrameReader<Message extends FromExecutor | ToExecutor> {
  /** The frame that is arriving, header included; its length is known. */
  #frame: Buffer | undefined;
  #filled = 0;
  /** Bytes of a header that has not arrived whole. */
  #header = NOTHING;

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
        decodeInto(messages, this.#frame);
        this.#frame = undefined;
        continue;
      }
      if (this.#header.byteLength > 0) {
        rest = Buffer.concat([this.#header, rest]);
        this.#header = NOTHING;
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
    if (bytes.byteLength === end) {
      decodeInto(messages, bytes);
      return NOTHING;
    }
    if (bytes.byteLength > end) {
      decodeInto(messages, bytes.subarray(0, end));
      return bytes.subarray(end);
    }
    this.#frame = Buffer.allocUnsafeSlow(end);
    this.#filled = bytes.copy(this.#frame);
    return NOTHING;
  }
}

function decodeInto<Message extends FromExecutor | ToExecutor>(messages: Message[], frame: Buffer): void {
  const reader = new ByteReader(frame, HEADER_BYTES);
  while (reader.hasMore) messages.push(decodeMessage(reader) as Message);
}

function decodeMessage(reader: ByteReader): unknown {
  switch (reader.number()) {
    case RUN:
      return unpackRun(reader);
    case FINISHED:
      return unpackFinished(reader);
    case MESSAGE_PACK:
      return packr.unpack(reader.bytes());
    default:
      throw new Error("There is no such message: this is no stream of frames.");
  }
}
