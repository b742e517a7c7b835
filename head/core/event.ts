/**
 * What can happen to the scheduler. Events are facts, in the past tense; the core
 * answers each with effects (see effect.ts).
 *
 * `Source` is opaque: the core keeps it beside each task and hands it back when
 * the task is assigned, so that the shell finds the arguments without a map of its own.
 */

import type { Request } from "../../proto/resource/demand.js";
import type { Pool } from "../../proto/resource/pool.js";
import type { Retries } from "../../proto/retries.js";
import type { WorkerTemplate } from "./template.js";

/** A client connected. */
export interface SessionOpened {
  readonly type: "sessionOpened";
  /** Numbered by the shell, never reused. */
  readonly session: number;
  readonly name: string;
  /** Its tasks go before those of all sessions that are not. */
  readonly prioritized: boolean;
  /** Added to the priority of each of its specs. */
  readonly priority: number;
}

/** A client registered a function with what its calls ask for. */
export interface SpecDefined {
  readonly type: "specDefined";
  readonly session: number;
  readonly spec: number;
  readonly request: Request;
  readonly priority: number;
  readonly retries: Retries;
  readonly failInfeasible: boolean;
}

/** Tasks first, first+1, … first+count-1 of one spec were submitted. */
export interface Submitted<Source> {
  readonly type: "submitted";
  readonly session: number;
  readonly spec: number;
  readonly first: number;
  readonly count: number;
  /** Task first+i is item i of this source. */
  readonly source: Source;
}

/** A client, or somebody else, wants tasks ended. Each still ends once, by whatever comes first. */
export interface CancelRequested {
  readonly type: "cancelRequested";
  readonly session: number;
  readonly tasks: readonly number[];
  /** Who else than the client wants it, for people. */
  readonly by?: string | undefined;
}

/** A client went away or closed its session; what is left of it is cancelled. */
export interface SessionClosed {
  readonly type: "sessionClosed";
  readonly session: number;
}

/** A worker connected. One that is `returning` brings what it was given before: see `WorkerResumed`. */
export interface WorkerJoined {
  readonly type: "workerJoined";
  /** Numbered by the shell, never reused. */
  readonly worker: number;
  readonly name: string;
  readonly pool: Pool;
  /** It gets nothing new until `workerResumed`. */
  readonly returning?: boolean;
}

/** A worker's connection was lost; it may come back. What it has stays with it. */
export interface WorkerSuspect {
  readonly type: "workerSuspect";
  readonly worker: number;
}

/** Tasks of one session that have not ended on a worker. */
export interface Held {
  readonly session: number;
  readonly tasks: readonly number[];
  readonly attempts: readonly number[];
  /** Empty: all 0. */
  readonly alternatives: readonly number[];
  /** Whether each owns resources there. */
  readonly started: readonly boolean[];
  /** Of those that are gangs, by index. Absent: none is one. */
  readonly gangs?: readonly HeldGang[];
}

/** The workers that one of them has for itself. */
export interface HeldGang {
  readonly index: number;
  readonly nodes: readonly { readonly worker: string }[];
}

/** A worker has come back, and has reported all that happened meanwhile: this is what it has. */
export interface WorkerResumed {
  readonly type: "workerResumed";
  readonly worker: number;
  readonly executions: readonly Held[];
}

/** A worker wants no new work; its running tasks will end there. */
export interface WorkerLeaving {
  readonly type: "workerLeaving";
  readonly worker: number;
}

/** A worker's machine has got short of memory, or has enough again. */
export interface WorkerPressed {
  readonly type: "workerPressed";
  readonly worker: number;
  readonly pressed: boolean;
}

/** A worker is gone for good. What it had is requeued. */
export interface WorkerLost {
  readonly type: "workerLost";
  readonly worker: number;
  /** It had said that it leaves: nothing is charged to the tasks it ran. */
  readonly planned: boolean;
}

/** Tasks sent ahead took over the resources of tasks that ended earlier on the same stream. */
export interface Started {
  readonly type: "started";
  readonly worker: number;
  readonly session: number;
  readonly tasks: readonly number[];
  /** Empty: all 1. */
  readonly attempts: readonly number[];
}

/** Tasks ended with a result. */
export interface Finished<Result> {
  readonly type: "finished";
  readonly worker: number;
  readonly session: number;
  readonly tasks: readonly number[];
  /** Empty: all 1. */
  readonly attempts: readonly number[];
  /** How long each ran, in microseconds. */
  readonly runUs: readonly number[];
  /** Opaque; handed back by `deliver`. */
  readonly result: Result;
}

/** How an execution went wrong, as far as the core decides by it. */
export type FailureCause =
  /** The function threw, or its process died: repeated as often as `retries` says. */
  | "function"
  /** Ended because the head or its own time limit said so, or cannot run at all: never repeated. */
  | "final"
  /** Ended by a cancellation. */
  | "cancelled";

/** A task ended without a result. */
export interface Failed<Failure> {
  readonly type: "failed";
  readonly worker: number;
  readonly session: number;
  readonly task: number;
  readonly attempt: number;
  readonly cause: FailureCause;
  /** What `Retries.on` may name it by; meaningful with the cause "function". */
  readonly labels: readonly string[];
  /** Opaque; handed back by `reject`. */
  readonly failure: Failure;
}

/** A worker gave tasks back that it had not started. */
export interface Returned {
  readonly type: "returned";
  readonly worker: number;
  readonly session: number;
  readonly tasks: readonly number[];
  /** Empty: all 1. */
  readonly attempts: readonly number[];
}

/** A task of an earlier life of the head that had been looked at. */
export interface RecoveredTask {
  readonly task: number;
  readonly attempt: number;
  readonly failures: number;
  readonly memoryFailures: number;
  readonly lostWorkers: readonly string[];
  /** It has run, and goes before others of its urgency. */
  readonly again: boolean;
  /** How long it was to wait before it is back in its queue. That begins anew. */
  readonly delayMs: number;
}

/** One that was with a worker. */
export interface RecoveredPlacement extends RecoveredTask {
  /** One that has joined; of a gang, the one that it runs on. */
  readonly worker: number;
  readonly alternative: number;
  /** It owned its resources; otherwise it was sent ahead. */
  readonly granted: boolean;
  /** The workers that it had for itself, `worker` first; undefined: it shared one. */
  readonly gang: readonly number[] | undefined;
  /** It was being stopped, to be over or to run again; undefined: it was not. */
  readonly stopping: "over" | "again" | undefined;
}

/** Tasks of one spec that an earlier life of the head had taken and that have not ended. */
export interface Recovered<Source> {
  readonly type: "recovered";
  readonly session: number;
  readonly spec: number;
  /** Task `number` is item `number - base` of this source. */
  readonly source: Source;
  readonly base: number;
  /** Ranges, in rising order, of those that wait and that nobody has looked at. */
  readonly waiting: readonly (readonly [first: number, end: number])[];
  /** Those that had gone back to their queue. */
  readonly putBack: readonly RecoveredTask[];
  readonly placed: readonly RecoveredPlacement[];
}

/** What an earlier life of the head had learnt of run times. */
export interface Learnt {
  readonly type: "learnt";
  readonly groups: readonly {
    readonly name: string;
    readonly runs: number;
    readonly meanMs: number;
    readonly squaresMs: number;
  }[];
  readonly estimates: readonly {
    readonly session: number;
    readonly spec: number;
    readonly runs: number;
    readonly meanUs: number;
  }[];
}

/** What a worker would have that is started on demand is known, or another, or none is started any more. */
export interface TemplateChanged {
  readonly type: "templateChanged";
  readonly template: WorkerTemplate | undefined;
}

/** Everything that arrived in this turn has been stepped: place what can be placed. */
export interface PlanDue {
  readonly type: "planDue";
}

/** Every event. */
export type HeadEvent<Source, Result, Failure> =
  | SessionOpened
  | SpecDefined
  | Submitted<Source>
  | CancelRequested
  | SessionClosed
  | WorkerJoined
  | WorkerLeaving
  | WorkerSuspect
  | WorkerResumed
  | WorkerPressed
  | WorkerLost
  | Started
  | Finished<Result>
  | Failed<Failure>
  | Returned
  | Recovered<Source>
  | Learnt
  | TemplateChanged
  | PlanDue;
