/** Puts large values together from the parts they arrive in. */

import type { Part } from "./message.js";

interface Assembly {
  readonly bytes: Buffer;
  filled: number;
}

/** Values that are arriving, by task. */
export class Assemblies {
  readonly #arriving = new Map<number, Assembly>();

  /** Takes a part. Parts of one value come in order. */
  add(part: Part): void {
    let assembly = this.#arriving.get(part.ref);
    if (assembly === undefined) {
      assembly = { bytes: Buffer.allocUnsafeSlow(part.total), filled: 0 };
      this.#arriving.set(part.ref, assembly);
    }
    assembly.bytes.set(part.bytes, assembly.filled);
    assembly.filled += part.bytes.byteLength;
  }

  /**
   * Hands over a value whose parts have all arrived.
   *
   * @throws Error when some have not
   */
  take(ref: number): Buffer {
    const assembly = this.#arriving.get(ref);
    this.#arriving.delete(ref);
    if (assembly === undefined || assembly.filled !== assembly.bytes.byteLength) {
      throw new Error(`The value of task ${ref} has not arrived whole.`);
    }
    return assembly.bytes;
  }

  /** Forgets a value. */
  drop(ref: number): void {
    this.#arriving.delete(ref);
  }
}
