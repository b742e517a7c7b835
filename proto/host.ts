/**
 * Whether this process is a client program or an executor.
 *
 * A program's modules are loaded in both. In an executor `delayed` registers its
 * function with the host set here, and `run` and `connect` are inert.
 */

import type { CurrentTask } from "./task.js";

/** What `delayed` tells an executor about a function. */
export interface HostedFunction {
  readonly name: string;
  readonly fn: (...args: never[]) => unknown;
}

/** The executor this process is. */
export interface ExecutorHost {
  /** Called by `delayed` for each function created while a module loads. */
  register(definition: HostedFunction): void;
  /** The task that the caller runs in, if any. */
  currentTask(): CurrentTask | undefined;
  /** Called by `run` and `connect`: the module has come to where a client program would start. Never settles. */
  stopHere(): Promise<never>;
}

// On the global object: a module baked into a worker may bring a second copy of this package.
const KEY = Symbol.for("grain-scheduler.executor");
const place = globalThis as unknown as { [KEY]?: ExecutorHost };

/** The executor this process is; undefined in a client program. */
export function executorHost(): ExecutorHost | undefined {
  return place[KEY];
}

/** Makes this process an executor. */
export function becomeExecutor(executor: ExecutorHost): void {
  place[KEY] = executor;
}
