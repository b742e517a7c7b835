/**
 * Takes the bytes of an encoded value as they come and puts each ArrayBuffer of it
 * into memory of its own at once, so that decoding it copies nothing.
 */

import { Collector, ownEngine } from "./collect.js";
import { type Encoded, RICH_FORMAT } from "./encoded.js";
import { richLayout } from "./rich.js";

/** Enough for the lengths and the clone of most values. */
const PROBE_BYTES = 4096;
/** With smaller buffers on average, one piece of memory for all is read faster. */
const WORTH_BYTES = 65_536;

/** glibc gives memory of freed pieces of up to this size out again, instead of asking the system for new pages… */
const REUSED_BYTES = 31 * 1024 * 1024;
/** …which is worth it from here on. */
const WORTH_REUSING_BYTES = 128 * 1024;
let isReusing = false;
const collector = new Collector(ownEngine());

/** Memory of its own for one part. It is not cleared: all of it is written to before anybody sees it. */
function memoryOf(byteLength: number): Uint8Array {
  if (byteLength >= WORTH_REUSING_BYTES) {
    // Never touched, so it costs nothing. That it is freed is what makes glibc reuse what is smaller.
    if (!isReusing) Buffer.allocUnsafeSlow(REUSED_BYTES);
    isReusing = true;
    collector.comes(byteLength);
  }
  return new Uint8Array(Buffer.allocUnsafeSlow(byteLength).buffer);
}

/** A value that is arriving. Ask for `room`, put bytes there, say how many with `filled`. */
export class Scatter {
  readonly #byteLength: number;
  #parts: Uint8Array[];
  #part = 0;
  #at = 0;
  #probing = true;

  /** @param byteLength of the whole value */
  constructor(byteLength: number) {
    this.#byteLength = byteLength;
    this.#parts = [new Uint8Array(Math.min(byteLength, PROBE_BYTES))];
  }

  /** Where the next bytes belong; empty when all have come. */
  get room(): Uint8Array {
    return this.#parts[this.#part]?.subarray(this.#at) ?? new Uint8Array(0);
  }

  /** So many bytes were put where `room` was. */
  filled(byteLength: number): void {
    this.#at += byteLength;
    if (this.#at < this.#parts[this.#part]!.byteLength) return;
    if (this.#probing) this.#plan(this.#parts[0]!);
    else this.#skip();
  }

  /** What has come, in the form that `decodeValue` takes. */
  get value(): Encoded {
    return { byteLength: this.#byteLength, parts: this.#parts };
  }

  /** Makes room for the rest, now that the beginning says what it is. */
  #plan(probe: Uint8Array): void {
    this.#probing = false;
    this.#parts = this.#layout(probe).map(memoryOf);
    let taken = 0;
    for (this.#part = 0; this.#part < this.#parts.length; this.#part += 1) {
      const part = this.#parts[this.#part]!;
      const piece = probe.subarray(taken, taken + part.byteLength);
      part.set(piece);
      taken += piece.byteLength;
      this.#at = piece.byteLength;
      if (this.#at < part.byteLength) return;
    }
  }

  #layout(probe: Uint8Array): number[] {
    const whole = [this.#byteLength];
    if (probe[0] !== RICH_FORMAT) return whole;
    const layout = richLayout(probe);
    if (layout === undefined || layout.length < 2) return whole;
    const total = layout.reduce((sum, byteLength) => sum + byteLength, 0);
    return total !== this.#byteLength || total / (layout.length - 1) < WORTH_BYTES ? whole : layout;
  }

  #skip(): void {
    do {
      this.#part += 1;
      this.#at = 0;
    } while (this.#parts[this.#part]?.byteLength === 0);
  }
}
