/** What can happen to the agent: facts, in the past tense. The core answers each with effects (effect.ts). */

import type { FailureKind } from "../../../proto/grain.js";
import type { Demand } from "../../../proto/resource/demand.js";
import type { TaskNode } from "../../../proto/task.js";
import type { Value } from "./task.js";

/** The head named a function and what its calls ask for. */
export interface SpecDefined {
  readonly type: "specDefined";
  readonly session: number;
  readonly spec: number;
  readonly name: string;
  readonly demands: readonly Demand[];
  /** 0: none. */
  readonly timeoutMs: number;
  /** Its module is on this machine. */
  readonly ready: boolean;
}

/** A spec's module is on this machine now. */
export interface SpecReady {
  readonly type: "specReady";
  readonly session: number;
  readonly spec: number;
}

/** The head sent tasks of one spec. */
export interface Assigned {
  readonly type: "assigned";
  readonly session: number;
  readonly spec: number;
  readonly alternative: number;
  /** They own their resources; otherwise they wait. */
  readonly granted: boolean;
  readonly tasks: readonly number[];
  /** Empty: all 1. */
  readonly attempts: readonly number[];
  readonly values: readonly Value[];
  /** The hard walltime that the head has learnt; 0: the demand's own. */
  readonly hardMs: number;
  /** By index, of those that have workers for themselves: which. */
  readonly gangs: ReadonlyMap<number, readonly TaskNode[]>;
}

/** The head granted resources to tasks that waited. */
export interface Promoted {
  readonly type: "promoted";
  readonly session: number;
  readonly tasks: readonly number[];
}

/** The head wants back what has not started. */
export interface Retracted {
  readonly type: "retracted";
  readonly session: number;
  readonly tasks: readonly number[];
}

/** The head wants tasks ended. */
export interface CancelRequested {
  readonly type: "cancelRequested";
  readonly session: number;
  readonly tasks: readonly number[];
}

/** A session ended; what is left of it is ended too. */
export interface SessionForgotten {
  readonly type: "sessionForgotten";
  readonly session: number;
}

/** A task's arguments and module have arrived. */
export interface Prepared {
  readonly type: "prepared";
  readonly ref: number;
  /** Its arguments, or their name if they are in a file of this machine. */
  readonly value: Value;
}

/** A task's arguments or module cannot be had. */
export interface PrepareFailed {
  readonly type: "prepareFailed";
  readonly ref: number;
  readonly kind: FailureKind;
  readonly message: string;
}

/** What an executor says of a task. */
export type Report =
  /** Its module is loaded: the task starts now. */
  | { readonly type: "loaded"; readonly ref: number }
  | { readonly type: "finished"; readonly ref: number; readonly value: Value; readonly runUs: number }
  /**
   * Its function has ended and its result, too large for a message, is being uploaded.
   * The executor has let go of all that was behind it.
   */
  | { readonly type: "uploading"; readonly ref: number }
  | {
      readonly type: "failed";
      readonly ref: number;
      readonly kind: FailureKind;
      readonly message: string;
      readonly error: Uint8Array;
      /** The `name` of what was thrown. */
      readonly errorName?: string | undefined;
      readonly runUs: number;
    }
  /** It was let go without having been started. */
  | { readonly type: "dropped"; readonly ref: number };

/** An executor said something; all that arrived together. */
export interface Reported {
  readonly type: "reported";
  readonly executor: number;
  readonly reports: readonly Report[];
}

/** The upload of a large result is over. */
export interface Uploaded {
  readonly type: "uploaded";
  readonly report: Extract<Report, { type: "finished" | "failed" }>;
}

/** An executor process has ended. */
export interface ExecutorDied {
  readonly type: "executorDied";
  readonly executor: number;
  /** 0 when a signal ended it. */
  readonly exitCode: number;
  /** Empty when it exited. */
  readonly signal: string;
  /** The task that ended it, if it could say so. */
  readonly culprit: number | undefined;
  /** What ended it, if known, as a clause. Empty: not known. */
  readonly reason: string;
  /** It had no more memory; `reason` says whose limit it was. */
  readonly outOfMemory: boolean;
}

/** Executors are wanted although there is no task yet. */
export interface PrewarmRequested {
  readonly type: "prewarmRequested";
  readonly count: number;
}

export interface TimerFired {
  readonly type: "timerFired";
  readonly timer: number;
}

/** A period has passed after which idle executors are ended: those idle at two sweeps in a row. */
export interface Swept {
  readonly type: "swept";
  /** How many idle executors stay. */
  readonly keep: number;
}

/** No new work: give back what has not started, let the rest end. */
export interface LeaveRequested {
  readonly type: "leaveRequested";
}

/** After `leaveRequested`: what still runs is ended and goes back to the head. */
export interface EvictRequested {
  readonly type: "evictRequested";
}

/** A task's processes use more memory than it asked for. */
export interface MemoryExceeded {
  readonly type: "memoryExceeded";
  readonly ref: number;
  readonly usedBytes: number;
}

/** Whether the machine is short of memory; again and again while it is. */
export interface PressureFelt {
  readonly type: "pressureFelt";
  readonly pressed: boolean;
}

/** Every event. */
export type AgentEvent =
  | SpecDefined
  | SpecReady
  | Assigned
  | Promoted
  | Retracted
  | CancelRequested
  | SessionForgotten
  | Prepared
  | PrepareFailed
  | Reported
  | Uploaded
  | ExecutorDied
  | PrewarmRequested
  | TimerFired
  | Swept
  | LeaveRequested
  | EvictRequested
  | MemoryExceeded
  | PressureFelt;
