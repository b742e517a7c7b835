/** `connect`: a session that is kept, for servers and for programs of several runs. */

import { ConnectionError } from "../proto/errors.js";
import type { HeadStatus } from "../proto/grain.js";
import { executorHost } from "../proto/host.js";
import { conduct, toMains } from "./conduct.js";
import { type ProgramSession, programSession } from "./program-session.js";
import { type MainValues, openUnder } from "./run.js";
import {
  type ConnectOptions,
  checkOptions,
  RUN_OPTIONS,
  SUBRUN_OPTIONS,
  type SubrunOptions,
} from "./run-options.js";
import { RunScope } from "./scope.js";

/** A long-lived connection to a head. */
export interface Session {
  /**
   * Runs a program on this session, like the function `run`; several may run at a time, each a scope of its own.
   *
   * @param options `signal` cancels this run
   */
  run<T>(main: () => T, options?: SubrunOptions): Promise<Awaited<T>>;
  run<const M extends readonly (() => unknown)[]>(mains: M, options?: SubrunOptions): Promise<MainValues<M>>;
  run<T>(mains: Iterable<() => T>, options?: SubrunOptions): Promise<Awaited<T>[]>;
  /** What the head knows: workers, sessions, queues. */
  status(): Promise<HeadStatus>;
  /** Cancels what is running, ends the session and whatever was started for it. Can be called again. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Connects to a head, or starts an embedded one, and keeps it until closed.
 *
 * @param options which head, and how to behave there; `signal` gives up connecting, and later cancels the session's runs
 * @throws TypeError for unknown options; ConfigError and ConnectionError when there is no head
 * @example
 * await using session = await connect({ address: "cluster:7700" });
 * const energy = await session.run(() => compute(0.7));
 */
export async function connect(options?: ConnectOptions): Promise<Session> {
  const host = executorHost();
  if (host !== undefined) return host.stopHere();
  const checked = checkOptions(options, "connect", RUN_OPTIONS);
  checked.signal?.throwIfAborted();
  const { session } = await programSession(checked);
  try {
    await openUnder(session, checked.signal);
  } catch (error) {
    await session.close().catch(() => {});
    throw error;
  }
  return new ConnectedSession(session, checked.signal);
}

class ConnectedSession implements Session {
  readonly #session: ProgramSession;
  readonly #signal: AbortSignal | undefined;
  readonly #scopes = new Set<RunScope>();
  #closing: Promise<void> | undefined;

  constructor(session: ProgramSession, signal: AbortSignal | undefined) {
    this.#session = session;
    this.#signal = signal;
  }

  async run(main: unknown, options?: SubrunOptions): Promise<never> {
    const mains = toMains(main);
    const { signal } = checkOptions(options, "session.run", SUBRUN_OPTIONS);
    if (this.#closing !== undefined) throw closedError();
    const signals = [this.#signal, signal].filter((given) => given !== undefined);
    for (const given of signals) given.throwIfAborted();
    const scope = new RunScope(this.#session);
    this.#scopes.add(scope);
    try {
      // The overloads of the interface say what it is.
      return (await conduct(scope, mains, signals)) as never;
    } finally {
      this.#scopes.delete(scope);
    }
  }

  async status(): Promise<HeadStatus> {
    if (this.#closing !== undefined) throw closedError();
    return this.#session.status();
  }

  close(): Promise<void> {
    if (this.#closing === undefined) {
      // The runs are not waited for: `close` may be called inside one of them.
      for (const scope of this.#scopes)
        scope.cancel({ type: "aborted", reason: closedError() }, "The session was closed");
      this.#closing = this.#session.close();
    }
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function closedError(): ConnectionError {
  return new ConnectionError("The session is closed; connect() again to run on a new one.");
}
