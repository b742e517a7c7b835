/** Waiting times in a few figures. */

/** Milliseconds. */
export interface Waits {
  readonly mean: number;
  readonly median: number;
  readonly p99: number;
  readonly longest: number;
}

/** All 0 when there are none. The array is sorted in place. */
export function summarizeWaits(waitsMs: Float64Array): Waits {
  if (waitsMs.length === 0) return { mean: 0, median: 0, p99: 0, longest: 0 };
  waitsMs.sort();
  let sum = 0;
  for (const waitMs of waitsMs) sum += waitMs;
  const at = (part: number) => waitsMs[Math.min(waitsMs.length - 1, Math.floor(part * waitsMs.length))]!;
  return { mean: sum / waitsMs.length, median: at(0.5), p99: at(0.99), longest: at(1) };
}
