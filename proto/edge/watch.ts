/**
 * Whether the head of an entry lives. Clocks of other machines are not asked: what counts is whether
 * the entry changes while this process looks on.
 */

import { isRunning } from "../process-name.js";
import { type EdgeRecord, LEASE_MS } from "./record.js";

/** What is known of a head. */
export type Verdict =
  /** It runs, or its entry has changed lately. */
  | "alive"
  /** Too early to say. */
  | "unknown"
  /** Its entry has not changed for too long. */
  | "silent"
  /** Its process is on this machine, and has ended. */
  | "ended";

/** Who looks rarely was stopped itself, or its machine slept: such time says nothing about others. */
const LONGEST_STEP_MS = 1_000;

/** Looks at the entries of one file. */
export class Watch {
  readonly #nowMs: () => number;
  #last: { readonly id: string; readonly beat: number } | undefined;
  #changed = false;
  #unchangedMs = 0;
  #seenAtMs = 0;

  /** @param nowMs never goes back */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** What this look at the entry adds to what is known. */
  see({ id, beat, process: owner }: EdgeRecord): Verdict {
    const nowMs = this.#nowMs();
    if (this.#last?.id !== id) this.#begin(false);
    else if (this.#last.beat !== beat) this.#begin(true);
    else this.#unchangedMs += Math.min(nowMs - this.#seenAtMs, LONGEST_STEP_MS);
    this.#last = { id, beat };
    this.#seenAtMs = nowMs;
    const running = isRunning(owner);
    if (running !== undefined) return running ? "alive" : "ended";
    if (this.#unchangedMs >= LEASE_MS) return "silent";
    return this.#changed ? "alive" : "unknown";
  }

  #begin(changed: boolean): void {
    this.#changed = changed;
    this.#unchangedMs = 0;
  }
}
