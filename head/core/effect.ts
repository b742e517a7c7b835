/**
 * What the scheduler wants done. Effects are orders to the shell, which carries
 * them out in order; the core never looks back at whether it did.
 */

/** Send tasks of one spec to a worker. */
export interface Assign<Source> {
  readonly type: "assign";
  readonly worker: number;
  readonly session: number;
  readonly spec: number;
  /** Index into the spec's alternatives. */
  readonly alternative: number;
  /** They own their resources now; otherwise they are sent ahead and wait on the worker. */
  readonly granted: boolean;
  readonly tasks: number[];
  readonly attempts: number[];
  /** Where each task's arguments are: item indices[i] of sources[i]. */
  readonly sources: Source[];
  readonly indices: number[];
  /** Learnt hard walltime; 0: the demand's own. */
  readonly hardMs: number;
  /** For each task the numbers of the workers it has for itself, the first being `worker`; undefined: no gangs. */
  readonly gangs: number[][] | undefined;
  /** How often the worker is to tell of ends while tasks wait there; undefined: as it likes. */
  readonly reportMs?: number | undefined;
}

/** Tasks sent ahead own their resources now. */
export interface Promote {
  readonly type: "promote";
  readonly worker: number;
  readonly session: number;
  readonly tasks: number[];
}

/** Ask a worker to give back tasks sent ahead that have not started. */
export interface Retract {
  readonly type: "retract";
  readonly worker: number;
  readonly session: number;
  readonly tasks: number[];
}

/** Ask a worker to end tasks, or to drop them if they have not started. */
export interface Stop {
  readonly type: "stop";
  readonly worker: number;
  readonly session: number;
  readonly tasks: number[];
}

/** Give results to the client: items `indices` of `result`, or all of them when undefined. */
export interface Deliver<Result> {
  readonly type: "deliver";
  readonly session: number;
  readonly tasks: readonly number[];
  readonly indices: readonly number[] | undefined;
  readonly result: Result;
}

/** Give a worker's failure to the client. */
export interface Reject<Failure> {
  readonly type: "reject";
  readonly session: number;
  readonly spec: number;
  readonly task: number;
  readonly attempt: number;
  readonly failure: Failure;
}

/** Why the head itself ends a task. */
export type Verdict =
  /** `by`: who wanted it, if not the client itself. */
  | { readonly type: "cancelled"; readonly by?: string }
  | { readonly type: "workersLost"; readonly workers: readonly string[] }
  | { readonly type: "infeasible"; readonly reason: string };

/** Tell the client that tasks ended by the head's own decision. */
export interface Conclude {
  readonly type: "conclude";
  readonly session: number;
  /** Undefined: they may be of several. */
  readonly spec: number | undefined;
  readonly tasks: number[];
  readonly verdict: Verdict;
}

/**
 * Remember of a task what its next execution depends on. For whoever keeps a durable copy; nothing is to be sent.
 */
export interface Remember {
  readonly type: "remember";
  readonly session: number;
  readonly task: number;
  /** Of the execution under way, or of the next one. */
  readonly attempt: number;
  readonly failures: number;
  readonly memoryFailures: number;
  /** Names of workers that were lost while it ran. */
  readonly lostWorkers: readonly string[];
  /** It has run, and goes before others of its urgency. */
  readonly again: boolean;
  /** On no worker any more; otherwise it is being stopped where it is, and runs again then. */
  readonly queued: boolean;
  /** How long it waits before it is back in its queue. */
  readonly delayMs: number;
}

/** Every task of a closed session has ended, on the workers too. */
export interface SessionEnded {
  readonly type: "sessionEnded";
  readonly session: number;
}

/** Tell a client that no connected worker could ever run the calls of one of its specs. */
export interface Warn {
  readonly type: "warn";
  readonly session: number;
  readonly spec: number;
  /** What is asked for, for people. */
  readonly wanted: string;
  /** What is missing, for people, without a stop at the end. */
  readonly reason: string;
}

/** End the connection of a worker that broke the protocol. `workerLost` follows. */
export interface DropWorker {
  readonly type: "dropWorker";
  readonly worker: number;
  readonly reason: string;
}

/** The plan stopped after a slice of work and is not complete: plan again in the next turn. */
export interface PlanAgain {
  readonly type: "planAgain";
}

/** Plan at this time even if nothing happens until then: something will need a reservation, or is to be queued again. */
export interface PlanAt {
  readonly type: "planAt";
  /** On the clock of the events. */
  readonly atMs: number;
}

/** Every effect. */
export type Effect<Source, Result, Failure> =
  | Assign<Source>
  | Promote
  | Retract
  | Stop
  | Deliver<Result>
  | Reject<Failure>
  | Conclude
  | Remember
  | SessionEnded
  | Warn
  | DropWorker
  | PlanAgain
  | PlanAt;
