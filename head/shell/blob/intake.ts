/**
 * One upload: takes chunks, checks them against the name as they come, and keeps
 * them in memory or in a file. Nothing of it can be read before it is complete.
 */

import type { FileHandle } from "node:fs/promises";
import type { BlobRef } from "../../../proto/grain.js";
import { type Digest, digestLike } from "../../../proto/hash.js";
import { type Content, FileContent, MemoryContent } from "./content.js";
import { BlobError } from "./error.js";
import { Slices } from "./slice.js";

/** Smaller chunks are put together, so that the head never holds millions of them. */
const SMALL_BYTES = 64 * 1024;

/** Where an upload's bytes go. */
export interface Sink {
  append(chunk: Uint8Array): Promise<void> | void;
  /** Complete. */
  content(byteLength: number): Content;
  discard(): Promise<void>;
}

class MemorySink implements Sink {
  readonly #parts: Uint8Array[] = [];
  #small: Uint8Array[] = [];
  #smallBytes = 0;

  append(chunk: Uint8Array): void {
    if (chunk.byteLength >= SMALL_BYTES) {
      this.#gather();
      // A view of something much larger would keep all of it alive.
      this.#parts.push(chunk.buffer.byteLength > 2 * chunk.byteLength ? chunk.slice() : chunk);
      return;
    }
    this.#small.push(chunk);
    this.#smallBytes += chunk.byteLength;
    if (this.#smallBytes >= SMALL_BYTES) this.#gather();
  }

  #gather(): void {
    if (this.#smallBytes > 0) this.#parts.push(Buffer.concat(this.#small));
    this.#small = [];
    this.#smallBytes = 0;
  }

  content(byteLength: number): Content {
    this.#gather();
    return new MemoryContent(this.#parts, byteLength);
  }

  async discard(): Promise<void> {}
}

class FileSink implements Sink {
  readonly #file: FileHandle;
  readonly #onClose: (content: Content) => void;

  constructor(file: FileHandle, onClose: (content: Content) => void) {
    this.#file = file;
    this.#onClose = onClose;
  }

  async append(chunk: Uint8Array): Promise<void> {
    await this.#file.appendFile(chunk);
  }

  content(byteLength: number): Content {
    return new FileContent(this.#file, byteLength, this.#onClose);
  }

  discard(): Promise<void> {
    return this.#file.close();
  }
}

/** A sink in memory. */
export function memorySink(): Sink {
  return new MemorySink();
}

/** A sink in a file. `onClose` is told when the content made of it is closed. */
export function fileSink(file: FileHandle, onClose: (content: Content) => void): Sink {
  return new FileSink(file, onClose);
}

/** What the store does when an upload has ended. */
export interface IntakeEnd {
  complete(content: Content): void;
  failed(): void;
}

/** One upload. */
export class Intake {
  readonly #ref: BlobRef;
  readonly #sink: Sink;
  readonly #end: IntakeEnd;
  readonly #digest: Digest;
  readonly #slices = new Slices();
  #received = 0;
  #ended = false;

  constructor(ref: BlobRef, sink: Sink, end: IntakeEnd) {
    this.#ref = ref;
    this.#sink = sink;
    this.#end = end;
    this.#digest = digestLike(ref.hash);
  }

  /**
   * Takes the next chunk, which then belongs to the store.
   *
   * @throws BlobError when more bytes come than the name promises
   */
  async write(chunk: Uint8Array): Promise<void> {
    this.#received += chunk.byteLength;
    if (this.#received > this.#ref.byteLength)
      throw this.#mismatch(`more than ${this.#ref.byteLength} bytes came`);
    this.#digest.update(chunk);
    await this.#sink.append(chunk);
    await this.#slices.pause();
  }

  /**
   * All chunks have come: from now on the store holds the blob.
   *
   * @throws BlobError when the bytes are not those that the name promises
   */
  async finish(): Promise<void> {
    const { hash, byteLength } = this.#ref;
    if (this.#received !== byteLength) throw this.#mismatch(`${this.#received} of ${byteLength} bytes came`);
    const actual = this.#digest.name();
    if (actual !== hash) throw this.#mismatch(`its bytes have the hash ${actual}`);
    this.#ended = true;
    this.#end.complete(this.#sink.content(byteLength));
  }

  /** Gives the upload up, whatever has come of it. After `finish`: does nothing. */
  async abort(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#end.failed();
    await this.#sink.discard();
  }

  #mismatch(what: string): BlobError {
    return new BlobError("mismatch", `The upload of ${this.#ref.hash} is refused: ${what}.`);
  }
}
