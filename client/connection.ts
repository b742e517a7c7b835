/** Sessions that are kept. What users see of it is `connect.ts`. */

import { ConnectionError } from "../proto/errors.js";
import type { HeadStatus } from "../proto/grain.js";
import { conduct, toMains } from "./conduct.js";
import type { Session } from "./connect.js";
import { type ProgramSession, programSession } from "./program-session.js";
import {
  type ConnectOptions,
  checkOptions,
  RUN_OPTIONS,
  SUBRUN_OPTIONS,
  type SubrunOptions,
} from "./run-options.js";
import { openUnder } from "./running.js";
import { RunScope } from "./scope.js";

/**
 * What `connect` does in a client program.
 *
 * @example
 * const session = await openConnection({ address: "cluster:7700" });
 */
export async function openConnection(options: ConnectOptions | undefined): Promise<Session> {
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
  /** A run did. */
  #failed = false;

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
    } catch (error) {
      this.#failed = true;
      throw error;
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
      const left = this.#session.leave();
      // The runs are not waited for: `close` may be called inside one of them.
      for (const scope of this.#scopes)
        scope.cancel({ type: "aborted", reason: closedError() }, "The session was closed");
      this.#closing = this.#session.close(left === 0 && !this.#failed);
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
