/** How long to wait after failures in a row, and when to give up until somebody has looked. */

const MINUTE_MS = 60_000;
/** After so many failures in a row, the next submission waits so long; the last holds for all further ones. */
const WAITS_MS = [0, MINUTE_MS, 15 * MINUTE_MS, 30 * MINUTE_MS, 60 * MINUTE_MS];

/** So many jobs in a row that gave no worker pause the swarm… */
export const MOST_FAILED_JOBS = 3;
/** …or so many submissions that were refused. */
export const MOST_REFUSALS = 10;

/** How long to wait after so many failures in a row. */
export function waitAfter(failures: number): number {
  return WAITS_MS[Math.min(failures, WAITS_MS.length - 1)]!;
}
