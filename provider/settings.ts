/** What a job of workers asks for, as plain values. Reading them from a configuration is from-config.ts. */

import type { CustomConfig, KubernetesConfig, ScriptConfig, SystemName } from "../proto/config/config.js";

/** How workers are started. */
export type System = SystemName;

/** The job script and what it asks the batch system for. */
export type ScriptSettings = Omit<ScriptConfig, "array">;

/** Commands of a batch system that is not known here. */
export type CustomSettings = CustomConfig;

/** Pods of workers. */
export interface KubernetesSettings extends Omit<KubernetesConfig, "graceMs" | "accessSecret"> {
  /** The Secret that holds the workers' credential as worker.pem. Absent: they need none. */
  readonly accessSecret?: string | undefined;
  /** From SIGTERM to SIGKILL. Default: the template's, or five minutes. */
  readonly graceMs?: number | undefined;
  /** What a task's processes get of that. */
  readonly taskGraceMs: number;
}

/** All that a provider needs to know. */
export interface ProviderSettings {
  readonly system: System;
  readonly script: ScriptSettings;
  /** A template, filled in at submission: see proto/template.ts. */
  readonly jobName: string;
  /** The same; in it `{{JOB}}` stands for the job's id as well. */
  readonly logFile: string;
  /** What runs in the job; in an argument `{{NAME}}` and `{{JOB}}` stand for the job's name and id. */
  readonly workerCommand: readonly string[];
  /** The head that workers join; undefined: it is a head's job. */
  readonly address?: string | undefined;
  /** Variables that the job gets. */
  readonly environment: Readonly<Record<string, string>>;
  /** Several jobs are submitted as one job array, where the system has them. */
  readonly array: boolean;
  /** A command of the batch system is given up after so long. */
  readonly commandTimeoutMs: number;
  /** Of "ssh": machines, as `ssh` takes them. */
  readonly hosts?: readonly string[] | undefined;
  /** Of "ssh": working directory there. Default: the home directory. */
  readonly sshDirectory?: string | undefined;
  /** Of "ssh": the command and its options. Default: `ssh`. */
  readonly sshCommand?: readonly string[] | undefined;
  /** Of "pbs": which dialect of its directives. Default: what `qstat --version` says. */
  readonly pbsDialect?: "openpbs" | "torque" | undefined;
  /** Of "sge": the parallel environment that several cores are asked from. Default: "smp". */
  readonly sgeParallelEnvironment?: string | undefined;
  /** Of "kubernetes". */
  readonly kubernetes?: KubernetesSettings | undefined;
  /** Of "custom". */
  readonly custom?: CustomSettings | undefined;
}
