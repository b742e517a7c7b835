/** A batch system, or whatever else starts workers: one way to submit, ask and cancel. */

/** As the system itself writes it. */
export type JobId = string;

/** One kind of job, to be submitted any number of times. */
export interface JobRequest {
  /** Shown by the batch system. */
  readonly name: string;
  /** Absolute; `{{JOB}}` stands for the job's id. */
  readonly logFile: string;
  /** What runs; in an argument `{{JOB}}` stands for the job's id. */
  readonly command: readonly string[];
  /** Variables that the job gets. */
  readonly environment: Readonly<Record<string, string>>;
  /** Further arguments of the submit command, of this submission only. */
  readonly extraArgs: readonly string[];
}

/** How a job stands. */
export type JobState =
  | {
      readonly type: "queued";
      /** Why, in the system's words; may be empty. */
      readonly reason: string;
    }
  | {
      readonly type: "running";
      /** Where; may be empty. */
      readonly host: string;
    }
  /** Well, cancelled, preempted or out of walltime. */
  | { readonly type: "ended"; readonly reason: string }
  | {
      readonly type: "failed";
      readonly reason: string;
      readonly exitCode?: number | undefined;
      readonly signal?: number | undefined;
    }
  /** The system does not know it (any more). */
  | { readonly type: "unknown" };

/** What starts workers. */
export interface Provider {
  /** For people, such as "Slurm". */
  readonly title: string;
  /** What would be submitted: the script, or the commands. */
  script(job: JobRequest): string;
  /** The command line that would submit it, for people. */
  commandLine(job: JobRequest, count: number): string;
  /**
   * Submits the job so many times.
   *
   * @throws ProviderError; it says what was submitted before
   */
  submit(job: JobRequest, count: number): Promise<JobId[]>;
  /**
   * How these jobs stand, asked for all at once.
   *
   * @returns a state for each
   * @throws ProviderError
   */
  status(ids: readonly JobId[]): Promise<Map<JobId, JobState>>;
  /**
   * Ends jobs, queued or running; ones that have ended are no error.
   *
   * @throws ProviderError
   */
  cancel(ids: readonly JobId[]): Promise<void>;
  /**
   * Removes what a system keeps of jobs that have ended, until it is told to.
   *
   * @throws ProviderError
   */
  forget?(ids: readonly JobId[]): Promise<void>;
  /** The command that shows a job's log, where it is no file. */
  logCommand?(id: JobId): string;
}
