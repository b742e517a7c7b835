/**
 * `run`: a program's scope. Everything spawned inside ends inside.
 *
 * How it runs is `running.ts`; what a scope does with calls, `scope.ts`; with mains, `conduct.ts`.
 */

import { executorHost } from "../proto/host.js";
import type { RunOptions } from "./run-options.js";

let running: typeof import("./running.js") | undefined;

/** The values of an array of functions. */
export type MainValues<M extends readonly (() => unknown)[]> = {
  -readonly [K in keyof M]: Awaited<ReturnType<M[K]>>;
};

/**
 * Runs a program: one function, or several side by side, with everything they spawn.
 *
 * Ends when all that was spawned inside has ended, also what nobody awaited. When
 * `main` fails, the rest is cancelled and, once that is confirmed, the run rejects
 * with the error itself; of several functions, with an AggregateError of what
 * failed by itself. The error of a call that nobody observed fails the run too;
 * of several such, one `main` gets the first. Inside another `run` it makes a
 * scope of its own on that run's session; of the options it then takes `signal` only.
 *
 * The first SIGINT (Ctrl-C) cancels and waits, the second leaves at once.
 *
 * @param main a function, or an iterable of functions that run side by side
 * @param options which head, and how to behave there; see {@link RunOptions}
 * @returns what `main` returns; of an iterable, an array in its order
 * @throws TypeError for unknown options; ConfigError and ConnectionError when there is no head
 * @example
 * const energies = await run(() => each(grid.map((d) => energy(d))));
 */
export function run<T>(main: () => T, options?: RunOptions): Promise<Awaited<T>>;
export function run<const M extends readonly (() => unknown)[]>(
  mains: M,
  options?: RunOptions,
): Promise<MainValues<M>>;
export function run<T>(mains: Iterable<() => T>, options?: RunOptions): Promise<Awaited<T>[]>;
export async function run(main: unknown, options?: RunOptions): Promise<unknown> {
  const host = executorHost();
  if (host !== undefined) return host.stopHere();
  // An executor loads this file too, and never needs the rest: it would delay each start.
  running ??= await import("./running.js");
  return running.runMain(main, options);
}
