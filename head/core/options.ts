/** What can be set about scheduling. */

/** Options of the scheduler core; each has a default. */
export interface SchedulingOptions {
  /**
   * A class that could not place anything for so long, while workers were busy with
   * others, gets a worker (or as many as it needs) kept free for it. Default: 30,000.
   */
  readonly reserveAfterMs: number;
  /** Which worker gets a task; see placement.ts. Default: "fit". */
  readonly policy: PolicyName;
  /** Waiting for so long raises a class's priority, within its queue, by one. Default: Infinity, never. */
  readonly ageingMs: number;
  /** How much of what is contended for a client gets in proportion to others, by its name. Default: 1 each. */
  readonly weights: ReadonlyMap<string, number>;
}

/** The placement policies. */
export type PolicyName = "fit" | "spread";

/** The policies' names, for messages. */
export const POLICY_NAMES: readonly PolicyName[] = ["fit", "spread"];

export const DEFAULT_OPTIONS: SchedulingOptions = {
  reserveAfterMs: 30_000,
  policy: "fit",
  ageingMs: Number.POSITIVE_INFINITY,
  weights: new Map(),
};
