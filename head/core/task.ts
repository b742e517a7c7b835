/** One task and where it is. */

import type { TaskClass } from "./task-class.js";
import type { Worker } from "./worker.js";

/**
 * Where a task is. The objects are shared (one per worker and alternative), so
 * that a change of state allocates nothing.
 */
export type TaskState =
  /** In its class's queue. */
  | { readonly type: "queued" }
  /** Sent to a worker without resources of its own. */
  | { readonly type: "ahead"; readonly worker: Worker; readonly alternative: number }
  /** Sent ahead and asked back; whether it had started there is not known yet. */
  | { readonly type: "retracting"; readonly worker: Worker; readonly alternative: number }
  /** Owns resources of a worker. */
  | { readonly type: "granted"; readonly worker: Worker; readonly alternative: number }
  /**
   * To be ended. Owns its resources (`holds`) until the worker has confirmed that it is gone;
   * then it runs again (`again`: a worker of its gang was lost) or is over.
   */
  | {
      readonly type: "stopping";
      readonly worker: Worker;
      readonly alternative: number;
      readonly holds: boolean;
      readonly again: boolean;
    }
  /** Failed, and to be queued again later. */
  | { readonly type: "delayed"; readonly dueMs: number }
  /** Over; kept only where a queue has not been cleaned yet. */
  | { readonly type: "ended" };

export const QUEUED: TaskState = { type: "queued" };
export const ENDED: TaskState = { type: "ended" };

/** One task. */
export interface Task {
  /** Of its spec; another one from when it has to run alone. */
  class: TaskClass;
  /** Within its session. */
  readonly number: number;
  /** Of the execution under way, or of the next one. From 1. */
  attempt: number;
  state: TaskState;
  /** Where its arguments are: item `index` of `source`. Opaque. */
  readonly source: unknown;
  readonly index: number;
  /** When it was last granted resources. */
  grantedMs: number;
  /** The workers it has for itself, the one it runs on first; undefined: it shares one. */
  gang: readonly Worker[] | undefined;
  /** It has run, and is to run again: it goes before others of its urgency. */
  again: boolean;
  /** How often its function failed. */
  failures: number;
  /** How often it ran out of memory. */
  memoryFailures: number;
  /** Workers lost while it ran, by name; undefined: none. */
  lostWorkers: string[] | undefined;
  /** It is to be ended because somebody other than its client wants that. */
  cancelledBy: string | undefined;
}
