/** What the agent's core wants done: orders to the shell, carried out in order. */

import type { FailureKind } from "../../../proto/grain.js";
import type { Allocation } from "../../../proto/resource/ledger.js";
import type { RunMode } from "../../executor/message.js";
import type { Task, Value, Verdict } from "./task.js";

/** Fetch what a task still lacks: its arguments, its module. Answered by `prepared` or `prepareFailed`. */
export interface Prepare {
  readonly type: "prepare";
  readonly task: Task;
}

export interface StartExecutor {
  readonly type: "startExecutor";
  readonly executor: number;
}

/** Give tasks of one plan to an executor. */
export interface RunTasks {
  readonly type: "run";
  readonly executor: number;
  readonly tasks: readonly Task[];
  readonly allocation: Allocation;
  readonly mode: RunMode;
}

/** Fire a running task's signal. */
export interface Abort {
  readonly type: "abort";
  readonly executor: number;
  readonly ref: number;
  readonly verdict: Verdict;
}

/** Ask an executor to let go of tasks that it has not started. */
export interface Drop {
  readonly type: "drop";
  readonly executor: number;
  readonly refs: readonly number[];
}

/** Signal an executor's process group; SIGKILL goes to all that it has started. */
export interface Kill {
  readonly type: "kill";
  readonly executor: number;
  readonly signal: "SIGTERM" | "SIGKILL";
}

/** Let an idle executor exit. */
export interface Retire {
  readonly type: "retire";
  readonly executor: number;
}

/** Tell the head: a waiting task has taken over resources. */
export interface ReportStarted {
  readonly type: "started";
  readonly task: Task;
}

/** Tell the head a result. */
export interface ReportFinished {
  readonly type: "finished";
  readonly task: Task;
  readonly value: Value;
  readonly runUs: number;
}

/** Tell the head a failure. */
export interface ReportFailed {
  readonly type: "failed";
  readonly task: Task;
  readonly kind: FailureKind;
  readonly message: string;
  readonly error: Uint8Array;
  readonly errorName: string | undefined;
  readonly exitCode: number;
  readonly signal: string;
  readonly runUs: number;
}

/** Tell the head: not started, or ended without blame; take it back. */
export interface ReportReturned {
  readonly type: "returned";
  readonly task: Task;
}

/** A session's specs will not be used again. */
export interface ForgetPlans {
  readonly type: "forgetPlans";
  readonly plans: readonly number[];
}

export interface SetTimer {
  readonly type: "setTimer";
  readonly timer: number;
  readonly ms: number;
}

export interface ClearTimer {
  readonly type: "clearTimer";
  readonly timer: number;
}

/** After `leaveRequested`: nothing is left to do. */
export interface Left {
  readonly type: "left";
}

/** Every effect. */
export type AgentEffect =
  | Prepare
  | StartExecutor
  | RunTasks
  | Abort
  | Drop
  | Kill
  | Retire
  | ReportStarted
  | ReportFinished
  | ReportFailed
  | ReportReturned
  | ForgetPlans
  | SetTimer
  | ClearTimer
  | Left;
