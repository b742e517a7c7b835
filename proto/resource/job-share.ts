/** What of a batch job's memory and time its worker offers: the rest is the worker's own. */

/** The head room of the worker itself: it offers so much of its job's memory. */
const MEMORY_SHARE = 14 / 15;
/** A worker leaves so long before its job ends… */
const MARGIN_MS = 3 * 60_000;
/** …or, of a short job, this share of it. */
const MARGIN_SHARE = 1 / 20;

/** Bytes that a worker offers in a job of so many. */
export function memoryInJob(bytes: number): number {
  return Math.floor(bytes * MEMORY_SHARE);
}

/** How long a worker offers to live in a job that lasts so long, in milliseconds; never 0. */
export function walltimeInJob(ms: number): number {
  return Math.max(1, Math.floor(ms - Math.min(MARGIN_MS, ms * MARGIN_SHARE)));
}
