/**
 * `run`: a program's scope. Everything spawned inside ends inside.
 *
 * What a scope does with calls is `scope.ts`; with mains, `conduct.ts`.
 */

import { executorHost } from "../proto/host.js";
import { scopes } from "./call.js";
import { conduct, type Mains, toMains } from "./conduct.js";
import { type ProgramSession, programSession } from "./program-session.js";
import { checkOptions, RUN_OPTIONS, type RunOptions, SUBRUN_OPTIONS } from "./run-options.js";
import { RunScope } from "./scope.js";

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
  const mains = toMains(main);
  const parent = scopes.getStore();
  // The context of a run that has ended may live on, in a timer or a server: no parent.
  if (parent instanceof RunScope && parent.state.type !== "ended") return runNested(parent, mains, options);
  return runAlone(mains, checkOptions(options, "run", RUN_OPTIONS));
}

async function runAlone(mains: Mains, options: RunOptions): Promise<unknown> {
  options.signal?.throwIfAborted();
  const { session, choice } = await programSession(options);
  let value: unknown;
  try {
    // A remote head is reached first, so that nothing has run when it cannot be; an embedded one waits for work.
    if (choice.type === "address") await openUnder(session, options.signal);
    value = await conduct(new RunScope(session), mains, options.signal === undefined ? [] : [options.signal]);
  } catch (error) {
    // What went wrong first is what the caller needs to know.
    await session.close().catch(() => {});
    throw error;
  }
  await session.close();
  return value;
}

async function runNested(parent: RunScope, mains: Mains, options: unknown): Promise<unknown> {
  const { signal } = checkOptions(options, "run (inside a run)", SUBRUN_OPTIONS);
  signal?.throwIfAborted();
  const scope = new RunScope(parent.session);
  parent.adopt(scope);
  try {
    return await conduct(scope, mains, signal === undefined ? [] : [signal]);
  } finally {
    parent.dismiss(scope);
  }
}

/**
 * Opens a session; gives up when the signal fires.
 *
 * @throws the signal's reason, ConnectionError, ConfigError
 */
export async function openUnder(session: ProgramSession, signal: AbortSignal | undefined): Promise<void> {
  const giveUp = () => void session.close().catch(() => {});
  signal?.addEventListener("abort", giveUp, { once: true });
  try {
    await session.open();
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", giveUp);
  }
}
