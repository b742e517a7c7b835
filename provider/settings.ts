/** What a job of workers asks for, as plain values. Reading them from a configuration is from-config.ts. */

/** Systems that jobs can be given to. */
export const SYSTEMS = ["local", "slurm", "pbs", "lsf", "sge", "ssh", "kubernetes", "custom"] as const;

/** One of {@link SYSTEMS}. */
export type System = (typeof SYSTEMS)[number];

/** The job script and what it asks the batch system for. */
export interface ScriptSettings {
  /** Its first line; a Bourne shell. */
  readonly shebang: string;
  /** Partition or queue. Default: the system's own. */
  readonly queue?: string | undefined;
  /** Default: the queue's own. */
  readonly walltimeMs?: number | undefined;
  /** Default: the system's own, often 1. */
  readonly cores?: number | undefined;
  /** Of the whole job. Default: the system's own. */
  readonly memoryBytes?: number | undefined;
  /** Further arguments of the submit command, written into the script. */
  readonly extraArgs: readonly string[];
  /** Lines of shell; one that begins with `defer ` is run at the end of the job, the last first. */
  readonly setupCleanup: readonly string[];
}

/** Commands of a batch system that is not known here. */
export interface CustomSettings {
  /** Gets the script on standard input, and prints the job's id. */
  readonly submit: readonly string[];
  /** Finds the id in what `submit` prints: the first group, or the whole match. Default: the first word. */
  readonly idPattern?: string | undefined;
  /** Gets ids as further arguments, and prints a line for each: id, state, and a reason if there is one. */
  readonly status: readonly string[];
  /** Gets ids as further arguments. */
  readonly cancel: readonly string[];
  /** Words of `status` for each state. */
  readonly states: {
    readonly queued: readonly string[];
    readonly running: readonly string[];
    readonly ended: readonly string[];
    readonly failed: readonly string[];
  };
  /** Lines after the first of the script, with `{{name}}`, `{{log}}`, `{{queue}}`, `{{walltime}}`, `{{cores}}`, `{{memoryMiB}}`. */
  readonly directives: readonly string[];
  /** The environment variable that holds the id inside a job. */
  readonly idVariable: string;
}

/** All that a provider needs to know. */
export interface ProviderSettings {
  readonly system: System;
  readonly script: ScriptSettings;
  /** May hold `{{HHMMSS}}`, the time of submission. */
  readonly jobName: string;
  /** May hold `{{HHMMSS}}`, `{{NAME}}` (the job's name) and `{{JOB}}` (its id). */
  readonly logFile: string;
  /** What runs in the job; in an argument `{{NAME}}` and `{{JOB}}` stand for the job's name and id. */
  readonly workerCommand: readonly string[];
  /** Variables that the job gets. */
  readonly environment: Readonly<Record<string, string>>;
  /** Several jobs are submitted as one job array, where the system has them. */
  readonly array: boolean;
  /** A command of the batch system is given up after so long. */
  readonly commandTimeoutMs: number;
  /** Of "ssh": machines, as `ssh` takes them. */
  readonly hosts?: readonly string[] | undefined;
  /** Of "ssh": the command and its options. Default: `ssh`. */
  readonly sshCommand?: readonly string[] | undefined;
  /** Of "pbs": which dialect of its directives. Default: what `qstat --version` says. */
  readonly pbsDialect?: "openpbs" | "torque" | undefined;
  /** Of "sge": the parallel environment that several cores are asked from. Default: "smp". */
  readonly sgeParallelEnvironment?: string | undefined;
  /** Of "custom". */
  readonly custom?: CustomSettings | undefined;
}
