/** `connect`: a session that is kept, for servers and for programs of several runs. */

import type { HeadStatus } from "../proto/grain.js";
import { executorHost } from "../proto/host.js";
import type { MainValues } from "./run.js";
import type { ConnectOptions, SubrunOptions } from "./run-options.js";

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
  // An executor loads this file too, and never needs the rest.
  const { openConnection } = await import("./connection.js");
  return openConnection(options);
}
