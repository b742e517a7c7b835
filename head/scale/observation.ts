/** What a decision looks at. */

import type { JobId, JobState } from "../../provider/provider.js";

/** A connected worker, or one that was cut off and may come back. */
export interface SeenWorker {
  readonly worker: number;
  readonly name: string;
  /** The id of its job, if it is one of the same batch system. */
  readonly job: JobId | undefined;
  /** It runs nothing, and nothing was sent to it. */
  readonly isIdle: boolean;
  /** Tasks that have ended on it. */
  readonly finished: number;
  readonly isLeaving: boolean;
  /** Of its walltime; undefined: it has no end. */
  readonly remainingMs: number | undefined;
}

/** How things stand. */
export interface Observations {
  /** How the swarm's jobs stand; undefined: not asked this time. */
  readonly jobs: ReadonlyMap<JobId, JobState> | undefined;
  /** Why the batch system could not be asked when it was asked last. */
  readonly problem: string | undefined;
  readonly workers: readonly SeenWorker[];
  /** Jobs whose worker has joined since the last decision, though it may have left again. */
  readonly joined: ReadonlySet<JobId>;
  /** Jobs of the swarm that somebody else has cancelled. */
  readonly cancelled: ReadonlySet<JobId>;
  /** Jobs of others that are to give workers to this head, and have not yet. */
  readonly otherJobs: number;
  /** How many further workers the ready tasks would fill. */
  readonly demand: number;
}
