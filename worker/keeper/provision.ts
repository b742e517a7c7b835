/**
 * What a worker sets up around its life, over as many keepers as that takes: one that is broken is torn
 * down and replaced, unless that happens again and again.
 */

import type { Part } from "../executor/message.js";
import { Keeper, type KeeperOptions } from "./keeper.js";

/** One that has worked for so long has not failed in a row with those before it. */
const GOOD_LIFE_MS = 60_000;
/** So many in a row that did not are replaced, after this, and twice as long each time. */
const MOST_REPLACED = 3;
const FIRST_PAUSE_MS = 1_000;

const NO_PARTS: readonly Part[] = [];

/** What is set up around a worker's life. */
export class Provision {
  readonly #options: KeeperOptions;
  #keeper: Keeper | undefined;
  #parts: readonly Part[] = NO_PARTS;
  #broken = new AbortController();
  #readyAtMs = 0;
  #strikes = 0;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Whether there is anything to set up. */
  get isWanted(): boolean {
    return this.#options.context !== undefined || this.#options.service !== undefined;
  }

  /** Fires, with a sentence as its reason, when what was set up last does not work any more. */
  get broken(): AbortSignal {
    return this.#broken.signal;
  }

  /**
   * Sets everything up, unless it is.
   *
   * @returns what executors get; undefined when `signal` fired before it was set up
   * @throws Error, whose message is for the user, when it cannot be set up or breaks again and again
   */
  async setUp(signal: AbortSignal): Promise<readonly Part[] | undefined> {
    if (!this.isWanted) return NO_PARTS;
    if (this.#keeper !== undefined && !this.#broken.signal.aborted) return this.#parts;
    if (this.#keeper !== undefined) await this.#clearAway(this.#keeper, signal);
    if (signal.aborted) return undefined;
    this.#broken = new AbortController();
    const keeper = new Keeper(this.#options);
    this.#keeper = keeper;
    const stop = () => void keeper.close();
    signal.addEventListener("abort", stop, { once: true });
    try {
      this.#parts = await keeper.ready;
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    } finally {
      signal.removeEventListener("abort", stop);
    }
    this.#readyAtMs = performance.now();
    for (const { kind, file } of this.#parts) this.#options.log("info", `The ${kind} ${file} is set up.`);
    const broken = this.#broken;
    void keeper.broken.then((reason) => broken.abort(reason));
    return this.#parts;
  }

  /** Tears everything down; resolves when no process of it is left. @param teardownMs how long that may take */
  async close(teardownMs?: number): Promise<void> {
    await this.#keeper?.close(teardownMs);
  }

  /** What is broken is torn down; then there is a pause. */
  async #clearAway(keeper: Keeper, signal: AbortSignal): Promise<void> {
    const reason = String(this.#broken.signal.reason);
    const livedMs = performance.now() - this.#readyAtMs;
    this.#strikes = livedMs < GOOD_LIFE_MS ? this.#strikes + 1 : 1;
    await keeper.close();
    if (this.#strikes > MOST_REPLACED)
      throw new Error(`${reason} That was the ${this.#strikes}th time in a row: the worker gives up.`);
    const pauseMs = FIRST_PAUSE_MS * 2 ** (this.#strikes - 1);
    this.#options.log("info", "Setting up again.");
    await pause(pauseMs, signal);
  }
}

/** Resolves after a while, or when the signal fires. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
  });
}
