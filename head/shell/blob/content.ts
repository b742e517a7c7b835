/** The bytes of one blob: in memory, or in a file that stays while somebody reads it. */

import { open } from "node:fs/promises";
import { Slices } from "./slice.js";

/** The most that is handed on at a time. */
export const CHUNK_BYTES = 1024 * 1024;

/** The bytes of one blob. */
export interface Content {
  /** In pieces of at most 1 MiB. */
  chunks(): AsyncGenerator<Uint8Array, void, undefined>;
  /** In one piece, which the caller must not change. */
  whole(): Promise<Uint8Array>;
  /** Frees them as soon as nobody reads them any more. */
  release(): void;
  /** Frees them now: whoever still reads them fails. */
  close(): Promise<void>;
}

/** Bytes in memory. */
export class MemoryContent implements Content {
  readonly #parts: readonly Uint8Array[];
  readonly #byteLength: number;

  constructor(parts: readonly Uint8Array[], byteLength: number) {
    this.#parts = parts;
    this.#byteLength = byteLength;
  }

  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    for (const part of this.#parts) {
      for (let start = 0; start < part.byteLength; start += CHUNK_BYTES) {
        yield part.subarray(start, start + CHUNK_BYTES);
      }
    }
  }

  async whole(): Promise<Uint8Array> {
    if (this.#parts.length === 1) return this.#parts[0]!;
    return gather(this.chunks(), this.#byteLength);
  }

  release(): void {}

  async close(): Promise<void> {}
}

/** An open file. */
export interface OpenFile {
  read(into: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  close(): Promise<void>;
}

/** Bytes in a file. */
export class FileContent implements Content {
  readonly #file: OpenFile;
  readonly #byteLength: number;
  readonly #onClose: (content: Content) => void;
  #readers = 0;
  #released = false;

  /** @param onClose told when the file is being closed */
  constructor(file: OpenFile, byteLength: number, onClose: (content: Content) => void) {
    this.#file = file;
    this.#byteLength = byteLength;
    this.#onClose = onClose;
  }

  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    this.#readers += 1;
    try {
      for (let start = 0; start < this.#byteLength; start += CHUNK_BYTES) {
        const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, this.#byteLength - start));
        await this.#fill(chunk, start);
        yield chunk;
      }
    } finally {
      this.#readers -= 1;
      if (this.#released && this.#readers === 0) void this.close();
    }
  }

  whole(): Promise<Uint8Array> {
    return gather(this.chunks(), this.#byteLength);
  }

  release(): void {
    this.#released = true;
    if (this.#readers === 0) void this.close();
  }

  async close(): Promise<void> {
    this.#onClose(this);
    await this.#file.close();
  }

  async #fill(chunk: Uint8Array, position: number): Promise<void> {
    for (let filled = 0; filled < chunk.byteLength; ) {
      const { bytesRead } = await this.#file.read(
        chunk,
        filled,
        chunk.byteLength - filled,
        position + filled,
      );
      if (bytesRead === 0) throw new Error("a file of large values is shorter than what was written to it");
      filled += bytesRead;
    }
  }
}

/** Bytes in a file of the journal, which is open while somebody reads it. Who removes the file is another's matter. */
export class StoredContent implements Content {
  readonly #path: string;
  readonly #byteLength: number;

  constructor(path: string, byteLength: number) {
    this.#path = path;
    this.#byteLength = byteLength;
  }

  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    const content = new FileContent(await open(this.#path, "r"), this.#byteLength, () => {});
    try {
      yield* content.chunks();
    } finally {
      await content.close();
    }
  }

  whole(): Promise<Uint8Array> {
    return gather(this.chunks(), this.#byteLength);
  }

  release(): void {}

  async close(): Promise<void> {}
}

/** Puts chunks into one piece of memory. */
export async function gather(chunks: AsyncIterable<Uint8Array>, byteLength: number): Promise<Uint8Array> {
  // Not from Buffer's pool: the memory belongs to this value alone.
  const whole = new Uint8Array(Buffer.allocUnsafeSlow(byteLength).buffer);
  const slices = new Slices();
  let filled = 0;
  for await (const chunk of chunks) {
    whole.set(chunk, filled);
    filled += chunk.byteLength;
    await slices.pause();
  }
  return whole;
}
