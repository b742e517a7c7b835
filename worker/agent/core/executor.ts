/** What the agent knows of one executor process. Data only. */

import type { Task } from "./task.js";

/** What an executor is used for now. */
export type Use =
  | { readonly type: "idle" }
  /** Runs one task at a time, and may hold more of the same spec to run after it. */
  | { readonly type: "exclusive" }
  /** Runs several tasks at once that own no core. */
  | { readonly type: "shared" };

/** How an executor stands. */
export type Standing =
  | { readonly type: "open" }
  /** Gets no more tasks; is killed when only tasks that are to end are left. */
  | { readonly type: "condemned" }
  /** Told to exit, or signalled. */
  | { readonly type: "closing" };

/** One executor process. */
export interface Executor {
  readonly id: number;
  use: Use;
  standing: Standing;
  /** Tasks that it runs, of any phase but `ahead`. */
  readonly running: Set<Task>;
  /** Tasks that it holds, in the order in which it will run them. */
  ahead: Task[];
  /** Plans that it has run: their modules are loaded. */
  readonly loaded: Set<number>;
  /** Idle since before the last sweep. */
  rested: boolean;
  /** The timer of its end; 0: none. */
  timer: number;
}

/** A new, idle executor. */
export function newExecutor(id: number): Executor {
  return {
    id,
    use: { type: "idle" },
    standing: { type: "open" },
    running: new Set(),
    ahead: [],
    loaded: new Set(),
    rested: false,
    timer: 0,
  };
}
