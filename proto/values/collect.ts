/**
 * Has V8 free the memory of large values soon after nobody refers to them.
 *
 * Left alone it does not look among its young objects, where they are: in a small heap it marks everything whenever
 * 8 MiB of them have come, at some 20 ms of processor time (docs/performance.md, "Large values").
 * Collecting young objects takes a fraction of a millisecond. What has survived that twice waits for a marking, which is put
 * off until 32 MiB have come. Both only while such values come.
 */

import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { garbageCollection } from "../engine.js";

/** After so much young objects are collected … */
const COLLECT_BYTES = 8 * 1024 * 1024;
/** … but for no more than this share of the time: a program may have many that live. */
const MOST_SHARE = 0.1;
/** So much may come between two markings … */
const GROWTH_BYTES = 32 * 1024 * 1024;
/** … but no more than V8 itself lets come at the most: three times what there is. */
const MOST_GROWTH_PERCENT = 300;
/** In heaps where it would be less than this, V8 does the same without being told. */
const LEAST_GROWTH_PERCENT = 50;
/** When nothing has come for so long, all is as it was before. */
const QUIET_MS = 1_000;

/** What is asked of V8. */
export interface Engine {
  nowMs(): number;
  /** Bytes of objects, without the memory of buffers. */
  heapBytes(): number;
  collectYoung(): void;
  /** How much a heap may grow between two markings. 0: as V8 would have it. */
  setGrowth(percent: number): void;
}

/** What comes in one process. */
export class Collector {
  readonly #engine: Engine;
  #bytes = 0;
  /** Not before this time. */
  #nextMs = Number.NEGATIVE_INFINITY;
  #growth = 0;
  #lastMs = 0;
  #quiet: NodeJS.Timeout | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** So much memory is about to be taken for a value. */
  comes(byteLength: number): void {
    this.#bytes += byteLength;
    if (this.#bytes < COLLECT_BYTES) return;
    const fromMs = this.#engine.nowMs();
    this.#lastMs = fromMs;
    if (fromMs < this.#nextMs) return;
    this.#bytes = 0;
    this.#engine.collectYoung();
    const tookMs = this.#engine.nowMs() - fromMs;
    this.#nextMs = fromMs + tookMs / MOST_SHARE;
    this.#grow();
  }

  #grow(): void {
    const wanted = Math.round((GROWTH_BYTES / this.#engine.heapBytes()) * 100);
    this.#setGrowth(wanted < LEAST_GROWTH_PERCENT ? 0 : Math.min(wanted, MOST_GROWTH_PERCENT));
    if (this.#growth > 0) this.#quiet ??= this.#lookIn(QUIET_MS);
  }

  #setGrowth(percent: number): void {
    if (percent === this.#growth) return;
    this.#growth = percent;
    this.#engine.setGrowth(percent);
  }

  #lookIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      const leftMs = this.#lastMs + QUIET_MS - this.#engine.nowMs();
      this.#quiet = leftMs > 0 ? this.#lookIn(leftMs) : undefined;
      if (leftMs <= 0) this.#setGrowth(0);
    }, ms).unref();
  }
}

/** Later ones may not know these flags, and print so. */
const KNOWN = /^v2[02]\./;

/** The V8 of this process. */
export function ownEngine(version = process.version): Engine {
  const isKnown = KNOWN.test(version);
  let collect: NodeJS.GCFunction | undefined;
  return {
    nowMs: () => performance.now(),
    heapBytes: () => getHeapStatistics().used_heap_size,
    collectYoung() {
      if (!isKnown) return;
      collect ??= garbageCollection();
      // To wait for a helper thread that finds no processor takes ten times as long as to do what it would.
      setFlagsFromString("--no-parallel-scavenge");
      collect?.({ type: "minor" });
      setFlagsFromString("--parallel-scavenge");
    },
    setGrowth(percent) {
      if (isKnown) setFlagsFromString(`--heap-growing-percent=${percent}`);
    },
  };
}
