/** How a measured program speaks with the bench: a line of JSON out, a line in to go on. */

import { once } from "node:events";

/** Tells the bench something. */
export function tell(type: string, fields: Record<string, unknown> = {}): void {
  process.stdout.write(`${JSON.stringify({ type, ...fields })}\n`);
}

/** Says that it is ready, and waits until the bench lets it go on. */
export async function ready(): Promise<void> {
  tell("ready");
  process.stdin.ref().resume();
  await once(process.stdin, "data");
  // Else it would keep the program alive.
  process.stdin.pause();
  process.stdin.unref();
}

/** The argument at this position, as a number. */
export function numberAt(position: number): number {
  return Number(process.argv[2 + position]);
}

/** The middle one, and the one that 99 of 100 are below. */
export function quantiles(times: number[]): { p50: number; p99: number } {
  times.sort((a, b) => a - b);
  return { p50: times[Math.floor(times.length * 0.5)]!, p99: times[Math.floor(times.length * 0.99)]! };
}
