/** What passes between the delayed surface and the run that carries its calls out. */

import { AsyncLocalStorage } from "node:async_hooks";
import type { Request } from "../proto/resource/demand.js";
import type { Retries } from "../proto/retries.js";
import type { Completion } from "./completion.js";

/** A function wrapped by `delayed`, with its options resolved. */
export interface FunctionDefinition {
  readonly name: string;
  readonly fn: (...args: never[]) => unknown;
  /** The file that defines it, or what the `module` option names; undefined when neither is known. */
  readonly module: string | undefined;
  /** "file:line:column" of the call of `delayed`, for messages. */
  readonly place: string;
  /** Whether it was created while its module was loading, so that a worker can find it. */
  readonly topLevel: boolean;
  readonly options: CallOptions;
}

/** Options that travel with each call. */
export interface CallOptions {
  readonly retries: Retries;
  /** 0: none. */
  readonly timeoutMs: number;
  readonly priority: number;
  readonly pin: boolean;
  readonly failInfeasible: boolean;
  /** What the result is stored under, beside the function's code: the arguments (true), or what this gives of them. Absent: it is not stored. */
  readonly cacheKey?: true | ((...args: never[]) => unknown) | undefined;
}

/** One call of a delayed function. */
export interface Call {
  readonly definition: FunctionDefinition;
  /** undefined: runs locally. */
  readonly request: Request | undefined;
  readonly args: readonly unknown[];
}

/** Where calls are carried out: a `run` (or a subtask of one). */
export interface Scope {
  /**
   * Starts a call; returns at once.
   *
   * @throws TypeError when a remote call's function was not created at the top level
   * @throws SerializationError when an argument cannot be sent
   * @throws Error when the run has ended
   */
  spawn(call: Call): SpawnedCall;
}

/** A call that is under way. */
export interface SpawnedCall {
  /** Numbered within the program, from 1: `Delayed<energy#12 pending>`. */
  readonly number: number;
  readonly completion: Completion;
}

/** The scope that the current asynchronous context belongs to. */
export const scopes = new AsyncLocalStorage<Scope>();
