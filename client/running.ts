/** Runs: on a session of their own, or inside another. What users see of it is `run.ts`. */

import { scopes } from "./call.js";
import { conduct, type Mains, toMains } from "./conduct.js";
import { type ProgramSession, programSession } from "./program-session.js";
import { checkOptions, RUN_OPTIONS, type RunOptions, SUBRUN_OPTIONS } from "./run-options.js";
import { RunScope } from "./scope.js";

/**
 * What `run` does in a client program.
 *
 * @example
 * await runMain(() => energy(0.7), { local: { cores: 2 } });
 */
export async function runMain(main: unknown, options: RunOptions | undefined): Promise<unknown> {
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
  await session.close(true);
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
