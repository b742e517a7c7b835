/**
 * When a worker that may live only so long takes no more work, and when it ends what still runs.
 * Carrying it out is daemon's.
 */

/** A batch system is not exact, and what runs needs time to be ended and told of: at least this… */
const MARGIN_MS = 60_000;
/** …or this share of the walltime. */
const MARGIN_SHARE = 0.02;
/** Saying goodbye takes this long, or this share of the margin if that is less. */
const GOODBYE_MS = 5_000;
const GOODBYE_SHARE = 1 / 12;
/** Tearing down gets no more of the margin. */
const TEARDOWN_SHARE = 1 / 2;

/** The longest time that a timer can be set to. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Times since the worker's start, in milliseconds. */
export interface EndTimes {
  /** From now on it takes no more tasks: max(60 s, 2 %) before the end, half-way if that is later. */
  readonly leaveMs: number;
  /** What still runs is ended: a few seconds before the end. Tasks may count on the time until then. */
  readonly killMs: number;
  /** How long tearing down what the worker has set up may take after that. */
  readonly teardownMs: number;
}

/**
 * Plans the end of a worker.
 *
 * @param walltimeMs how long it may live
 * @param wantedMs for tearing down what it has set up
 * @example
 * endTimes(3_600_000) // { leaveMs: 3_528_000, killMs: 3_595_000, teardownMs: 0 }
 */
export function endTimes(walltimeMs: number, wantedMs = 0): EndTimes {
  const margin = Math.min(Math.max(MARGIN_MS, walltimeMs * MARGIN_SHARE), walltimeMs / 2);
  const teardownMs = Math.min(wantedMs, margin * TEARDOWN_SHARE);
  return {
    leaveMs: walltimeMs - margin,
    killMs: walltimeMs - Math.min(GOODBYE_MS, margin * GOODBYE_SHARE) - teardownMs,
    teardownMs,
  };
}

/**
 * A timer that may be longer than the 24 days a timer can be set to.
 *
 * @returns stops it
 * @example
 * const stop = startTimer(3_600_000, () => console.log("an hour later"));
 */
export function startTimer(ms: number, fire: () => void): () => void {
  let left = ms;
  let timer: NodeJS.Timeout;
  const next = () => {
    const part = Math.min(left, MAX_TIMER_MS);
    left -= part;
    timer = setTimeout(left > 0 ? next : fire, part);
  };
  next();
  return () => clearTimeout(timer);
}
