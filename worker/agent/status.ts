/** An agent as its owner sees it: what it is doing, and how it ended. */

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
  /** What its executors need could not be set up there. */
  | { readonly type: "failed"; readonly error: Error }
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

/** A running agent. */
export interface Agent {
  /** Resolves when the head has accepted it; rejects with ConnectionError when it has not. */
  readonly joined: Promise<void>;
  /** Resolves when it has ended and no process of it is left. */
  readonly ended: Promise<AgentEnd>;
  /** Wants no new work, gives back what has not started, ends when the rest has ended. */
  leave(reason: string, drainMs?: number): void;
  /** As `leave`; and what runs is ended at once, and goes back to the head. */
  vacate(reason: string): void;
  /** Kills everything at once; resolves when it has ended. */
  close(): Promise<void>;
  status(): AgentStatus;
}
