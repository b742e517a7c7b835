/**
 * The lines of a trace: what happened to a head, as JSON, one line each.
 *
 * Times are milliseconds since the trace began. A line that is not known is an error, not
 * skipped: a reader must not draw conclusions from half of what happened. So a change here is a
 * new version.
 */

/** The version that is written, and read. */
export const TRACE_VERSION = 1;

/** The first line. */
export interface TraceBegun {
  readonly type: "trace";
  readonly version: number;
  /** Version of the head. */
  readonly head: string;
  /** ISO 8601. */
  readonly startedAt: string;
}

/** What a worker has; ids of cores and gpus are left out. */
export interface TracePool {
  readonly cores: number;
  readonly gpus: number;
  readonly memoryBytes: number;
  /** In ten-thousandths of a unit. */
  readonly others: readonly { readonly kind: string; readonly amount: number }[];
  readonly tokens: readonly string[];
  /** Of its walltime; absent: no limit. */
  readonly remainingMs?: number | undefined;
}

/** A worker joined. */
export interface TraceWorker {
  readonly type: "worker";
  readonly atMs: number;
  readonly worker: number;
  readonly name: string;
  readonly pool: TracePool;
}

/** A worker left or was lost. */
export interface TraceWorkerLeft {
  readonly type: "workerLeft";
  readonly atMs: number;
  readonly worker: number;
  /** It had said that it leaves. */
  readonly planned: boolean;
}

/** A client connected. */
export interface TraceSession {
  readonly type: "session";
  readonly atMs: number;
  readonly session: number;
  readonly name: string;
  readonly prioritized: boolean;
  readonly priority: number;
}

/** A client registered a function. */
export interface TraceSpec {
  readonly type: "spec";
  readonly atMs: number;
  readonly session: number;
  readonly spec: number;
  /** As `formatRequest` writes it. */
  readonly request: string;
  readonly priority: number;
}

/** Tasks first, first+1, … first+count-1 were submitted. */
export interface TraceSubmit {
  readonly type: "submit";
  readonly atMs: number;
  readonly session: number;
  readonly spec: number;
  readonly first: number;
  readonly count: number;
}

/** Tasks of one spec ended with a result, on one worker. */
export interface TraceEnd {
  readonly type: "end";
  readonly atMs: number;
  readonly session: number;
  readonly spec: number;
  readonly worker: number;
  /** Of the spec's request; absent: the first. */
  readonly alternative?: number | undefined;
  readonly tasks: readonly number[];
  readonly attempts: readonly number[];
  readonly runUs: readonly number[];
}

/** An execution ended without a result. */
export interface TraceFail {
  readonly type: "fail";
  readonly atMs: number;
  readonly session: number;
  readonly spec: number;
  readonly worker: number;
  readonly alternative?: number | undefined;
  readonly task: number;
  readonly attempt: number;
  readonly runUs: number;
  /** It is not repeated. */
  readonly final: boolean;
}

/** The head itself ended tasks. */
export interface TraceConclude {
  readonly type: "conclude";
  readonly atMs: number;
  readonly session: number;
  readonly tasks: readonly number[];
  readonly why: string;
}

/** So many lines are missing here: the disk was slower than the head. */
export interface TraceDropped {
  readonly type: "dropped";
  readonly lines: number;
}

/** Every line. */
export type TraceLine =
  | TraceBegun
  | TraceWorker
  | TraceWorkerLeft
  | TraceSession
  | TraceSpec
  | TraceSubmit
  | TraceEnd
  | TraceFail
  | TraceConclude
  | TraceDropped;
