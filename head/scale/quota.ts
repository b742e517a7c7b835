/**
 * The quota: each submission spends one, time gives about as many back as workers are wanted, per lifetime of a worker.
 * What ends early and badly costs another one. So nothing can be submitted without end, however it ends.
 */

/** How much is left. */
export interface Quota {
  readonly left: number;
  /** When that was so, in milliseconds since 1970. */
  readonly atMs: number;
}

/** So many generations of workers can be submitted at once. */
const GENERATIONS = 2;

/** A full one. @param size how many workers are wanted at most */
export function fullQuota(size: number, nowMs: number): Quota {
  return { left: GENERATIONS * size, atMs: nowMs };
}

/** What it is now. @param lifetimeMs how long a worker lives */
export function restored(quota: Quota, size: number, lifetimeMs: number, nowMs: number): Quota {
  const gained = (Math.max(0, nowMs - quota.atMs) / lifetimeMs) * size;
  return { left: Math.min(GENERATIONS * size, quota.left + gained), atMs: nowMs };
}

/** Spends of it, also what it has not; negative: gives back. */
export function spent(quota: Quota, size: number, amount: number): Quota {
  return { ...quota, left: Math.min(GENERATIONS * size, quota.left - amount) };
}

/** How long it takes until one more can be submitted; 0: it can be now. */
export function untilOne({ left }: Quota, size: number, lifetimeMs: number): number {
  return left >= 1 ? 0 : Math.ceil(((1 - left) / Math.max(size, 1)) * lifetimeMs);
}
