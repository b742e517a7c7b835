/**
 * Keeps the bytes of small values that wait: arguments of queued tasks, and what a client has not
 * received yet. In memory while there is room, else in files.
 *
 * Writing and reading are synchronous: what is written is a message or less, and lands in the system's
 * cache. Not its job: when bytes are not needed any more (arguments.ts, delivery.ts).
 */

import { type Part, Segments } from "./segments.js";

/** Bytes that are kept somewhere. */
export interface Kept extends Part {}

/** Who counts what is in memory. */
export interface Account {
  /** Takes so much of what there is. @returns false, and takes nothing, when that is too much */
  reserve(byteLength: number): boolean;
  free(byteLength: number): void;
}

/** How bytes are kept. */
export interface KeeperOptions {
  readonly account: Account;
  /** Where files are made. Default: the system's directory for temporary files. */
  readonly spillParent?: string | undefined;
  /** Calls this when nobody who had the bytes before will read them: files are closed then. Default: at once. */
  readonly settled?: (then: () => void) => void;
}

const NOTHING: Kept = { byteLength: 0, read: () => new Uint8Array(0), release() {} };

/** The bytes of one head. */
export class Keeper {
  readonly #account: Account;
  readonly #segments: Segments;
  readonly #settled: (then: () => void) => void;
  #closed = false;

  constructor({ account, spillParent, settled }: KeeperOptions) {
    this.#account = account;
    this.#segments = new Segments(spillParent);
    this.#settled = settled ?? ((then) => then());
  }

  /**
   * Keeps bytes, which are not to be changed from now on.
   *
   * @throws Error of the system when there is room for them neither in memory nor on disk
   */
  keep(bytes: Uint8Array): Kept {
    const { byteLength } = bytes;
    if (byteLength === 0) return NOTHING;
    const release = this.count(byteLength);
    if (release === undefined) return this.write(bytes);
    return { byteLength, read: (start, end) => bytes.subarray(start, end), release };
  }

  /** Counts bytes that stay in memory. @returns what ends that; undefined: there is no room for them */
  count(byteLength: number): (() => void) | undefined {
    return this.#account.reserve(byteLength) ? () => this.#account.free(byteLength) : undefined;
  }

  /** Writes bytes to a file. @throws Error of the system, e.g. with code ENOSPC */
  write(bytes: Uint8Array): Kept {
    const part = this.#segments.write(bytes);
    return {
      byteLength: part.byteLength,
      read: (start, end) => part.read(start, end),
      release: () =>
        this.#settled(() => {
          if (!this.#closed) part.release();
        }),
    };
  }

  close(): void {
    this.#closed = true;
    this.#segments.close();
  }
}
