/** What the calls of the test's programs are, and what is told of their ends. */

/** What a call does. */
export type CallKind = "compute" | "wait" | "invert" | "echo" | "fail";

/** What a program saw. */
export interface Ends {
  /** Calls that have ended. */
  calls: number;
  /** Of them those that ended wrongly; the first twenty. */
  wrong: string[];
  /** Calls that ended again. */
  twice: number;
  /** How many results came from which attempt. */
  attempts: Record<number, number>;
}

/** So many calls of a program are under way. */
export const OUTSTANDING = 400;

/** A number that is easily computed and not guessed. */
export function mix(n: number): number {
  return Math.imul(n ^ (n >>> 15), 0x2c1b3c6d) >>> 0;
}

/** Most compute; some wait, carry large values, start a program, or fail. */
export function kindOf(n: number): CallKind {
  const share = n % 200;
  if (share < 10) return "wait";
  if (share < 14) return "invert";
  if (share < 16) return "echo";
  if (share < 20) return "fail";
  return "compute";
}
