/**
 * How long the tasks of a class run: an exponentially weighted mean that is the
 * plain mean at first. (Welford's running mean with a floor on the weight.)
 */

/** Later runs never weigh less than this, so that the mean follows a change. */
const LEAST_WEIGHT = 0.02;

/** A running mean. */
export interface Estimate {
  runs: number;
  /** In microseconds; meaningless while `runs` is 0. */
  meanUs: number;
}

export function newEstimate(): Estimate {
  return { runs: 0, meanUs: 0 };
}

/** Takes a run into account. */
export function observe(estimate: Estimate, runUs: number): void {
  estimate.runs += 1;
  estimate.meanUs += (runUs - estimate.meanUs) * Math.max(1 / estimate.runs, LEAST_WEIGHT);
}
