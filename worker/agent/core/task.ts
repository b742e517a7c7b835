/** What the agent knows of one task, and of the spec it is a call of. Data only. */

import type { BlobRef } from "../../../proto/grain.js";
import type { Allocation } from "../../../proto/resource/ledger.js";
import type { TaskNode } from "../../../proto/task.js";
import type { Executor } from "./executor.js";
import type { DemandClass } from "./waiting.js";

/** A large value; perhaps in a file that the head is to take, named as in messages. */
export interface Large extends BlobRef {
  readonly file?: string;
}

/** An encoded value: its bytes, or where to get them. Never decoded here. */
export type Value = Uint8Array | Large;

/** Whether a value is here as bytes. */
export function isBytes(value: Value): value is Uint8Array {
  return value instanceof Uint8Array;
}

/** A registered (function, request, options) of a session. */
export interface SpecRecord {
  readonly session: number;
  readonly spec: number;
  /** For messages. */
  readonly name: string;
  /** 0: none. */
  readonly timeoutMs: number;
  /** One for each alternative of its request. */
  readonly plans: readonly Plan[];
  /** Its module is on this machine. */
  ready: boolean;
  /** How often it ran to a result here. */
  runs: number;
  /** Of its runs here: the plain mean of the first ones, then a moving one. */
  meanUs: number;
  /** Not sent ahead before so many runs: it was slow lately. */
  cautiousUntil: number;
}

/** One alternative of a spec. */
export interface Plan {
  /** Unique within the agent. */
  readonly id: number;
  readonly spec: SpecRecord;
  readonly class: DemandClass;
}

/** What an executor is to do about a task that it holds but has not started. */
export type Wish = "none" | "return" | "cancel" | "grant";

/** Why a running task is being ended. */
export type Verdict =
  | "cancelled"
  | "timedOut"
  /** It used more memory than it asked for. */
  | "outOfMemory"
  /** The worker leaves and the time of what runs is up: it goes back to the head, as if it had not started. */
  | "evicted";

/** Where a task is. */
export type Phase =
  /** In order, until it can take over an allocation. Owns nothing. */
  | { readonly type: "waiting" }
  /** Owns amounts, but no ids fit yet. */
  | { readonly type: "granted" }
  /** Owns ids; its arguments or module are still on their way. */
  | { readonly type: "preparing"; readonly allocation: Allocation }
  /** With an executor, behind the task that runs there. Owns nothing. */
  | { readonly type: "ahead"; readonly executor: Executor; wish: Wish }
  | { readonly type: "running"; readonly executor: Executor; readonly allocation: Allocation }
  /** Told to end; owns its ids until it has. */
  | {
      readonly type: "ending";
      readonly executor: Executor;
      readonly allocation: Allocation;
      readonly verdict: Verdict;
      /** The reason as a clause; empty: the verdict says it all. */
      readonly reason: string;
    }
  /** Its function has ended; its large result is on its way to the head. */
  | { readonly type: "uploading"; readonly allocation: Allocation }
  /** Forgotten by the agent. */
  | { readonly type: "ended" };

/** One execution of a task. */
export interface Task {
  /** Unique within the agent; what executors call it. */
  readonly ref: number;
  readonly session: number;
  readonly task: number;
  readonly attempt: number;
  readonly plan: Plan;
  /** The hard walltime that the head has learnt; 0: the demand's own, if any. */
  readonly learntMs: number;
  /** The spec's timeout or the hard walltime, whichever is less; 0: none. */
  readonly limitMs: number;
  /** Of a gang: the workers that it has for itself, this one first. */
  readonly nodes: readonly TaskNode[] | undefined;
  /** Position in the order of arrival. */
  readonly order: number;
  value: Value;
  /** Its arguments and module are here. */
  ready: boolean;
  /** The head knows that it owns resources. */
  announced: boolean;
  /** Runs with nothing else in its executor: it may have ended one before. */
  alone: boolean;
  /** The timer that limits it; 0: none. */
  timer: number;
  phase: Phase;
}
