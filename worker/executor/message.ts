/**
 * What agent and executor say to each other over the executor's pipe. The frames
 * they travel in are in frames.ts.
 *
 * A task is called by its `ref`, a number of the agent's; a *plan* is a function
 * together with what its calls were promised. Arguments and results are opaque.
 */

import type { Walltime } from "../../proto/resource/demand.js";
import type { TaskNode } from "../../proto/task.js";

/** What a part is of. */
export type PartKind = "context" | "service";

/** What a worker has set up, as each of its executors gets it. */
export interface Part {
  readonly kind: PartKind;
  /** The user's module, absolute. */
  readonly file: string;
  /** What the worker's own part came to. */
  readonly value: Uint8Array;
  /** The module has a function that makes of it what tasks get, in each executor. */
  readonly isPerExecutor: boolean;
}

/** The first message: whose executor this is. */
export interface Setup {
  readonly type: "setup";
  /** The worker's name. */
  readonly worker: string;
  /** The worker has GPUs: programs see only those that were granted. */
  readonly hasGpus: boolean;
  /** The executor's number: the names of its files begin with it. */
  readonly executor: number;
  /** From 0; no two executors that live at the same time have the same. */
  readonly index: number;
  /** What is set up before its first task, in this order. */
  readonly parts: readonly Part[];
  /** How long tearing that down may take. */
  readonly teardownMs: number;
  /** Where large results are written: in shared memory if there is any … */
  readonly directory: string;
  /** … and here when no room is left there. */
  readonly fallback: string;
}

/** A file with one value. */
export interface ValueFile {
  readonly path: string;
  readonly hash: string;
  readonly byteLength: number;
  /** Why there is no such file, as a clause; left out: there is. */
  readonly problem?: string;
}

/** A plan, before the first task of it. */
export interface DefinePlan {
  readonly type: "plan";
  readonly plan: number;
  readonly session: number;
  /** What to import: an absolute path. */
  readonly module: string;
  /** What the module is called in messages. */
  readonly moduleName: string;
  readonly function: string;
  readonly name: string;
  readonly walltime: Walltime | undefined;
  /** Whether its programs, and the process while nothing else runs in it, are bound to the granted cores. */
  readonly pin: boolean;
}

/** What each of a message's tasks was granted. */
export interface Granted {
  readonly cores: number[];
  readonly gpus: number[];
  readonly memoryBytes: number;
  readonly tokens: string[];
  /** Kind and amount, in ten-thousandths. */
  readonly others: [string, number][];
  /** The hard walltime that was learnt; 0: the plan's. */
  readonly hardMs: number;
  /** Of a gang. */
  readonly gang: Gang | undefined;
}

/** The workers that a task has for itself. */
export interface Gang {
  readonly nodes: TaskNode[];
  /** The path of its hostfile. */
  readonly hostfile: string;
}

/** When tasks are run. */
export type RunMode =
  /** At once, beside what runs. */
  | "beside"
  /** By an executor that has nothing else to do. */
  | "next"
  /** One after another, behind what an executor has. It lets go of them when what runs ends with a large result. */
  | "ahead";

/** Tasks of one plan. */
export interface Run {
  readonly type: "run";
  readonly plan: number;
  readonly mode: RunMode;
  readonly refs: number[];
  readonly tasks: number[];
  readonly attempts: number[];
  /** Bytes of each task's arguments inside `args`. -1: they are in the next of `files`. */
  readonly sizes: number[];
  readonly args: Uint8Array;
  readonly files: ValueFile[];
  readonly granted: Granted;
}

/** Fire a task's signal. */
export interface AbortTask {
  readonly type: "abort";
  readonly ref: number;
  readonly timedOut: boolean;
}

/** Let go of what has not started; what has is not answered. */
export interface DropTasks {
  readonly type: "drop";
  readonly refs: number[];
}

/** Plans that will not be used again. */
export interface ForgetPlans {
  readonly type: "forget";
  readonly plans: number[];
}

/** Exit. Sent only to an idle executor. */
export interface Exit {
  readonly type: "exit";
}

/** Agent to executor. */
export type ToExecutor = Setup | DefinePlan | Run | AbortTask | DropTasks | ForgetPlans | Exit;

/** Modules of the executor itself are loaded. */
export interface Ready {
  readonly type: "ready";
}

/** All parts are set up: it takes tasks. Not said where there are none. */
export interface Equipped {
  readonly type: "equipped";
}

/** A part could not be set up: it takes no tasks, and ends. */
export interface Unequipped {
  readonly type: "unequipped";
  /** A sentence. */
  readonly message: string;
  readonly stack: string;
}

/** The task's module is loaded; it starts now. Once for each plan. */
export interface Loaded {
  readonly type: "loaded";
  readonly ref: number;
}

/** Tasks that ended with a result. */
export interface Finished {
  readonly type: "finished";
  readonly refs: number[];
  readonly sizes: number[];
  readonly runUs: number[];
  readonly values: Uint8Array;
}

/**
 * A task ended with a large result, which is in a file. What was behind it, or is
 * still on its way to be, was let go of: until there is a task to be run `next`.
 */
export interface FinishedLarge {
  readonly type: "finishedLarge";
  readonly ref: number;
  readonly runUs: number;
  readonly hash: string;
  readonly byteLength: number;
  /** The name of the file … */
  readonly file: string;
  /** … which is in the fallback directory. */
  readonly fallback: boolean;
}

/** Why a task failed while its process lives. Words, because loading the wire's code would delay each start. */
export type FailureReason = "threw" | "loadFailed" | "valueFailed";

export interface Failed {
  readonly type: "failed";
  readonly ref: number;
  readonly reason: FailureReason;
  /** The bare reason, as a clause. */
  readonly message: string;
  readonly error: Uint8Array;
  /** The `name` of what was thrown. */
  readonly errorName?: string | undefined;
  readonly runUs: number;
}

export interface Dropped {
  readonly type: "dropped";
  readonly refs: number[];
}

/** What a task printed. 0: printed outside of all tasks. */
export interface Printed {
  readonly type: "printed";
  readonly ref: number;
  readonly stderr: boolean;
  readonly text: Uint8Array;
}

/** The last message of a process that can say what ended it. */
export interface Dying {
  readonly type: "dying";
  /** The task that ended it; 0: not known. */
  readonly ref: number;
  /** The bare reason, as a clause; empty when it just exited. */
  readonly reason: string;
}

/** Executor to agent. */
export type FromExecutor =
  | Ready
  | Equipped
  | Unequipped
  | Loaded
  | Finished
  | FinishedLarge
  | Failed
  | Dropped
  | Printed
  | Dying;
