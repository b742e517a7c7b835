/**
 * Says on one line how far a session is. What the numbers are is the session's
 * affair; where the line stands, the status line's.
 */

import { formatDuration } from "../proto/duration.js";
import type { StatusLine } from "./status-line.js";

/** What a session knows of its calls now. */
export interface ProgressReading {
  readonly submitted: number;
  readonly done: number;
  readonly failed: number;
  readonly running: number;
  /** Connected to the head; undefined: not known yet. */
  readonly workers: number | undefined;
}

/** What the line shows. */
export interface ProgressFigures extends ProgressReading {
  /** Calls that end in a second; undefined: not known yet. */
  readonly ratePerS: number | undefined;
  /** Calls have been waiting for a while and there is nobody to run them. */
  readonly waiting: boolean;
}

/** A clock and a timer, so that tests need neither. */
export interface Ticker {
  /** Milliseconds, from any start. */
  now(): number;
  /** Calls back every so many milliseconds until the returned function is called. */
  every(ms: number, tick: () => void): () => void;
}

const DRAW_MS = 200;
/** On a stream that is no terminal, a line stays: fewer of them. */
const LOG_MS = 5_000;
const RATE_WINDOW_MS = 10_000;
const WAITING_MS = 2_000;

const processTicker: Ticker = {
  now: () => performance.now(),
  every(ms, tick) {
    const timer = setInterval(tick, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};

/**
 * Writes the figures on one line.
 *
 * @param figures what to show
 * @param columns most characters of the line
 * @returns e.g. "12/100 done · 4 running · 84 queued · 3.5/s · ETA 0:00:25 · 2 workers"; less important parts are left out where it is narrow
 */
export function formatProgress(figures: ProgressFigures, columns: number): string {
  for (const count of [String, shortCount]) {
    const parts = partsOf(figures, count);
    for (let dropped = 0; dropped <= parts.optional.length; dropped++) {
      const optional = parts.optional.slice(0, parts.optional.length - dropped);
      const line = [...parts.always, ...optional].join(" · ");
      // First the numbers get shorter, then parts go.
      if (line.length <= columns) return line;
      if (count === String) break;
    }
  }
  return partsOf(figures, shortCount).always.join(" · ").slice(0, columns);
}

function partsOf(
  figures: ProgressFigures,
  count: (n: number) => string,
): { always: string[]; optional: string[] } {
  const { submitted, done, failed, running, workers, ratePerS, waiting } = figures;
  const left = submitted - done - failed;
  const queued = Math.max(0, left - running);
  const always = [
    `${count(done)}/${count(submitted)} done`,
    `${count(Math.min(running, left))} running`,
    `${count(queued)} queued`,
  ];
  if (failed > 0) always.push(`${count(failed)} failed`);
  if (waiting) return { always: [...always, "waiting for workers"], optional: [] };
  const optional: string[] = [];
  if (ratePerS !== undefined && ratePerS > 0) {
    optional.push(`${rateText(ratePerS)}/s`);
    const etaMs = (left / ratePerS) * 1000;
    if (left > 0) optional.push(`ETA ${formatDuration(Math.max(1, Math.round(etaMs / 1000)) * 1000)}`);
  }
  if (workers !== undefined) optional.push(workers === 1 ? "1 worker" : `${count(workers)} workers`);
  return { always, optional };
}

function shortCount(n: number): string {
  if (n < 10_000) return String(n);
  return n < 999_500 ? `${Math.round(n / 1_000)}k` : `${(n / 1_000_000).toFixed(1)}M`;
}

function rateText(perS: number): string {
  if (perS >= 10_000) return shortCount(perS);
  return perS >= 10 ? String(Math.round(perS)) : perS.toFixed(perS >= 0.1 ? 1 : 2);
}

/** How many calls end in a second, over the last ten. */
export class RateMeter {
  #samples: { readonly atMs: number; readonly ended: number }[] = [];

  /** @returns the rate including this sample; undefined while there is too little to tell */
  sample(atMs: number, ended: number): number | undefined {
    this.#samples.push({ atMs, ended });
    while (this.#samples.length > 2 && this.#samples[1]!.atMs <= atMs - RATE_WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0]!;
    const elapsedMs = atMs - first.atMs;
    return elapsedMs <= 0 || ended === first.ended ? undefined : ((ended - first.ended) * 1000) / elapsedMs;
  }
}

/** Keeps the line up to date, at most five times a second. */
export class Progress {
  readonly #line: StatusLine;
  readonly #ticker: Ticker;
  readonly #rate = new RateMeter();
  #read: (() => ProgressReading) | undefined;
  #stopTicking: (() => void) | undefined;
  #idleSinceMs: number | undefined;
  #last = "";

  constructor(line: StatusLine, ticker: Ticker = processTicker) {
    this.#line = line;
    this.#ticker = ticker;
  }

  /** Begins to draw. */
  start(read: () => ProgressReading): void {
    this.#read = read;
    this.#stopTicking = this.#ticker.every(this.#line.isTerminal ? DRAW_MS : LOG_MS, () => this.#draw());
  }

  /** Takes the line away; where it cannot be, the last state is written. */
  stop(): void {
    if (this.#stopTicking === undefined) return;
    this.#stopTicking();
    this.#stopTicking = undefined;
    if (!this.#line.isTerminal) this.#draw();
    this.#line.end();
  }

  #draw(): void {
    const reading = this.#read?.();
    if (reading === undefined || reading.submitted === 0) return;
    const nowMs = this.#ticker.now();
    const ratePerS = this.#rate.sample(nowMs, reading.done + reading.failed);
    const text = formatProgress(
      { ...reading, ratePerS, waiting: this.#waiting(reading, nowMs) },
      this.#line.columns,
    );
    if (this.#line.isTerminal || text !== this.#last) this.#line.show(text);
    this.#last = text;
  }

  #waiting({ submitted, done, failed, workers }: ProgressReading, nowMs: number): boolean {
    if (workers !== 0 || submitted === done + failed) {
      this.#idleSinceMs = undefined;
      return false;
    }
    this.#idleSinceMs ??= nowMs;
    return nowMs - this.#idleSinceMs > WAITING_MS;
  }
}
