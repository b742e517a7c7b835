/**
 * Files with values that are named in the message that needs them, which costs no message of their own: the
 * head takes them when it reads that. What it has not taken yet is in nobody's account, so it is bounded.
 */

import { existsSync } from "node:fs";

/** Larger values are handed over beforehand: the head may have to copy these to a disk while it reads the message. */
export const NAMED_BYTES = 2 * 1024 * 1024;
/** So much may wait for the head to take it. */
const WAITING_BYTES = 16 * 1024 * 1024;

/** What one peer has named and the head may not have taken. */
export class NamedFiles {
  /** Length by path, in the order in which they were named. */
  readonly #waiting = new Map<string, number>();
  #bytes = 0;

  /** Whether a value of this length may be named now. */
  admits(byteLength: number): boolean {
    if (byteLength > NAMED_BYTES) return false;
    if (this.#bytes + byteLength > WAITING_BYTES) this.#forgetTaken();
    return this.#bytes + byteLength <= WAITING_BYTES;
  }

  /** A file is named now. */
  add(path: string, byteLength: number): void {
    this.#waiting.set(path, byteLength);
    this.#bytes += byteLength;
  }

  /** Those that may still wait. */
  get paths(): Iterable<string> {
    return this.#waiting.keys();
  }

  #forgetTaken(): void {
    for (const [path, byteLength] of this.#waiting) {
      if (existsSync(path)) return;
      this.#waiting.delete(path);
      this.#bytes -= byteLength;
    }
  }
}
