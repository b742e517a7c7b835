/** What an agent is doing, and how it ended. */

import type { Refused_Code } from "../../proto/grain.js";

/** How an agent ended. */
export type AgentEnd =
  /** It left: everything it had was finished or given back. */
  | { readonly type: "left" }
  /** The head did not accept it. */
  | { readonly type: "refused"; readonly code: Refused_Code; readonly message: string }
  /** The connection ended. */
  | { readonly type: "lost"; readonly message: string }
  /** The head wanted it ended at once, with what was running. */
  | { readonly type: "dismissed"; readonly reason: string }
  /** `close` was called. */
  | { readonly type: "closed" };

/** What an agent is doing. */
export interface AgentStatus {
  /** Tasks that own resources. */
  readonly running: number;
  /** Tasks sent ahead. */
  readonly waiting: number;
  /** Process ids of the executors. */
  readonly executors: readonly number[];
  /** What is not in use: ten-thousandths by kind, memory in bytes. */
  readonly free: ReadonlyMap<string, number>;
}
