/** Runs one or more mains in a scope and makes a result of how the scope ended. */

import { messageOf, TaskCancelledError } from "../proto/errors.js";
import { scopes } from "./call.js";
import { onInterrupt } from "./interrupt.js";
import type { RunScope } from "./scope.js";

/** What a run runs. */
export type Main = () => unknown;

/** One main or several: decides what a run resolves to and rejects with. */
export type Mains =
  | { readonly type: "one"; readonly main: Main }
  | { readonly type: "many"; readonly mains: readonly Main[] };

/**
 * Reads the first argument of `run`.
 *
 * @throws TypeError when it is neither a function nor an iterable of functions
 */
export function toMains(main: unknown): Mains {
  if (typeof main === "function") return { type: "one", main: main as Main };
  if (typeof main === "object" && main !== null && Symbol.iterator in main) {
    const mains = [...(main as Iterable<unknown>)];
    const wrong = mains.findIndex((item) => typeof item !== "function");
    if (wrong === -1) return { type: "many", mains: mains as Main[] };
    throw new TypeError(
      `run: item ${wrong} of the iterable is ${typeof mains[wrong]}; give functions, e.g. run([() => f(1), () => f(2)]).`,
    );
  }
  throw new TypeError(
    `run: expected a function or an iterable of functions, not ${main === null ? "null" : typeof main}; e.g. run(async () => { … }).`,
  );
}

/**
 * Runs mains in a scope until everything spawned in it has ended.
 *
 * @param signals each cancels everything; the result is then a rejection with its reason
 * @returns the value of the one main, or the array of values
 */
export async function conduct(
  scope: RunScope,
  mains: Mains,
  signals: readonly AbortSignal[],
): Promise<unknown> {
  const release = cancelOn(scope, signals);
  try {
    const values = await Promise.all(
      (mains.type === "one" ? [mains.main] : mains.mains).map((main) => runMain(scope, main)),
    );
    scope.mainEnded();
    await scope.drained();
    const { state } = scope;
    const failures = scope.end();
    if (state.type === "cancelling" && state.cause.type === "aborted") throw state.cause.reason;
    if (failures.length > 0) throw mains.type === "one" ? failures[0] : aggregate(failures);
    return mains.type === "one" ? values[0] : values;
  } finally {
    release();
  }
}

async function runMain(scope: RunScope, main: Main): Promise<unknown> {
  try {
    return await scopes.run(scope, async () => main());
  } catch (error) {
    scope.fail(error);
    return undefined;
  }
}

function cancelOn(scope: RunScope, signals: readonly AbortSignal[]): () => void {
  const released = new AbortController();
  for (const signal of signals) {
    const onAbort = () =>
      scope.cancel(
        { type: "aborted", reason: signal.reason },
        `Cancelled by the signal given to run: ${messageOf(signal.reason)}`,
      );
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true, signal: released.signal });
  }
  const releaseInterrupt = onInterrupt(() => {
    const left = scope.session.leave?.() ?? 0;
    const reason = new TaskCancelledError(
      left === 0
        ? "The run was interrupted (SIGINT); everything it had started was cancelled."
        : `The run was interrupted (SIGINT); ${left === 1 ? "1 call goes" : `${left} calls go`} on at the head. ` +
            "Run the program again to have the results.",
    );
    scope.cancel({ type: "aborted", reason }, "Cancelled by an interrupt (SIGINT)");
  });
  return () => {
    released.abort();
    releaseInterrupt();
  };
}

function aggregate(failures: readonly unknown[]): AggregateError {
  const first = messageOf(failures[0]);
  const more = failures.length === 1 ? "" : ` (and ${failures.length - 1} more, see errors)`;
  return new AggregateError(failures, `${first}${more}`);
}
