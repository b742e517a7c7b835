/** Which failures of a function are followed by another try, and when: the same at the head and in local calls. */

/** What is asked for. */
export interface Retries {
  /** How often a call is repeated; running out of memory is counted apart. */
  readonly max: number;
  /** Before the first repetition; doubled for each further one. 0: at once. */
  readonly backoffMs: number;
  /**
   * Which failures: by the error's name, "exit" or "exit 3", "signal" or "SIGKILL", "outOfMemory".
   * Empty: all but those that ran out of memory.
   */
  readonly on: readonly string[];
}

/** What holds unless asked otherwise. */
export const NO_RETRIES: Retries = { max: 0, backoffMs: 0, on: [] };

/** The label of what ran out of memory. */
export const OUT_OF_MEMORY = "outOfMemory";

/** Doubling ends at so many times the first delay. */
const MOST_BACKOFF = 64;

/** Whether a failure with these labels is followed by another try, when it was before so often. */
export function isRepeated(retries: Retries, labels: readonly string[], before: number): boolean {
  const { max, on } = retries;
  if (before >= max) return false;
  return on.length === 0 ? !labels.includes(OUT_OF_MEMORY) : labels.some((label) => on.includes(label));
}

/** How long to wait, in milliseconds, when it was repeated before so often. */
export function retryDelayMs({ backoffMs }: Retries, before: number): number {
  return backoffMs * Math.min(2 ** before, MOST_BACKOFF);
}
