/**
 * What each executor is to set up before its first task, followed from outside: who is at it, for how
 * long, and what went wrong. What is set up once for the worker is the keeper's affair.
 */

import { formatDuration } from "../../proto/duration.js";
import type { Part, Setup } from "../executor/message.js";
import type { LogLevel } from "./options.js";

/** What a worker has set up, and how long it may take. */
export interface EquipmentOptions {
  /** Default: none. */
  readonly parts?: readonly Part[] | undefined;
  /** A set-up in an executor that takes longer has failed. Default: 600,000. */
  readonly setupMs?: number | undefined;
  /** Tearing down in an executor that takes longer is ended. Default: 10,000. */
  readonly teardownMs?: number | undefined;
}

/** What the owner wants to hear. */
export interface EquipmentHost {
  log(level: LogLevel, text: string): void;
  /** An executor could not set up what it needs. Told once. */
  failed(error: Error): void;
}

export const SETUP_MS = 600_000;
export const TEARDOWN_MS = 10_000;

/** A set-up that still goes on is told of after this, and again after twice as long each time. */
const PATIENCE_MS = 10_000;
/** An executor that has been told to tear down gets so much longer to end. */
const EXIT_MS = 1_000;

interface Entry {
  readonly index: number;
  timer: NodeJS.Timeout | undefined;
  isPending: boolean;
}

/** The equipment of all executors of an agent. */
export class Equipment {
  /** Resolves when an executor has set everything up for the first time. */
  readonly first: Promise<void>;
  /** Whether something is set up in executors. */
  readonly isPerExecutor: boolean;
  readonly teardownMs: number;
  readonly #parts: readonly Part[];
  readonly #setupMs: number;
  readonly #host: EquipmentHost;
  readonly #entries = new Map<number, Entry>();
  #resolveFirst: () => void = () => {};
  #hasFailed = false;

  constructor(
    { parts = [], setupMs = SETUP_MS, teardownMs = TEARDOWN_MS }: EquipmentOptions,
    host: EquipmentHost,
  ) {
    this.#parts = parts;
    this.#setupMs = setupMs;
    this.teardownMs = teardownMs;
    this.#host = host;
    this.isPerExecutor = parts.some((part) => part.isPerExecutor);
    this.first = new Promise((resolve) => {
      this.#resolveFirst = resolve;
    });
  }

  /** An executor is about to be introduced; gives its share of the introduction. */
  begun(executor: number): Pick<Setup, "index" | "parts" | "teardownMs"> {
    const taken = new Set([...this.#entries.values()].map(({ index }) => index));
    let index = 0;
    while (taken.has(index)) index += 1;
    const entry: Entry = { index, timer: undefined, isPending: this.isPerExecutor };
    this.#entries.set(executor, entry);
    if (entry.isPending) this.#wait(entry, PATIENCE_MS, 0);
    return { index, parts: this.#parts, teardownMs: this.teardownMs };
  }

  /** An executor has set everything up. */
  equipped(executor: number): void {
    this.#settle(executor);
    this.#resolveFirst();
  }

  /** An executor could not. @param message a sentence */
  unequipped(executor: number, message: string, stack: string): void {
    this.#settle(executor);
    const error = new Error(message);
    if (stack !== "") error.stack = `${message}\n${stack}`;
    this.#fail(error);
  }

  /** An executor is told to exit; one that does not is to be killed. */
  retired(executor: number, kill: () => void): void {
    const entry = this.#settle(executor);
    if (entry !== undefined && this.isPerExecutor) entry.timer = setTimeout(kill, this.teardownMs + EXIT_MS);
  }

  /** An executor is ended: what it sets up matters no more. */
  dismissed(executor: number): void {
    this.#settle(executor);
  }

  /** An executor has ended. @param how as a clause */
  exited(executor: number, how: string): void {
    const entry = this.#entries.get(executor);
    const wasPending = entry?.isPending;
    this.#settle(executor);
    this.#entries.delete(executor);
    if (wasPending) this.#fail(new Error(`${this.#title} could not be set up in an executor: ${how}.`));
  }

  #settle(executor: number): Entry | undefined {
    const entry = this.#entries.get(executor);
    if (entry === undefined) return undefined;
    clearTimeout(entry.timer);
    entry.isPending = false;
    return entry;
  }

  #wait(entry: Entry, ms: number, sofarMs: number): void {
    const part = Math.min(ms, this.#setupMs - sofarMs);
    entry.timer = setTimeout(() => {
      const now = sofarMs + part;
      if (now >= this.#setupMs) {
        const limit = formatDuration(this.#setupMs);
        const advice = "--setup-limit gives it longer";
        entry.isPending = false;
        this.#fail(
          new Error(`${this.#title} could not be set up in an executor within ${limit}; ${advice}.`),
        );
        return;
      }
      const text = `${this.#title} is still being set up in executor ${entry.index} after ${formatDuration(now)}.`;
      this.#host.log("warn", text);
      this.#wait(entry, now, now);
    }, part);
  }

  #fail(error: Error): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#host.failed(error);
  }

  /** "The context a.ts", of what has something for executors. */
  get #title(): string {
    const titles = this.#parts.filter(({ isPerExecutor }) => isPerExecutor);
    return titles.map(({ kind, file }, at) => `${at === 0 ? "The" : "the"} ${kind} ${file}`).join(" or ");
  }
}
