/** The configuration as the parts of this package see it: what `grain.toml` says, with units in names. */

import { KEYS, type Key, type SYSTEM_NAMES } from "./entries.js";
import type { Taint } from "./kind.js";
import type { Found, Origin, Reading, Values } from "./read.js";
import type { Table } from "./table.js";

/** How workers are started. */
export type SystemName = (typeof SYSTEM_NAMES)[number] | "custom";

/** What a job script asks for; what is absent is left to the batch system. */
export interface ScriptConfig {
  readonly shebang: string;
  readonly queue?: string | undefined;
  readonly walltimeMs?: number | undefined;
  readonly cores?: number | undefined;
  readonly memoryBytes?: number | undefined;
  /** For the submit command. */
  readonly extraArgs: readonly string[];
  /** Lines; those that begin with "defer " are run at the end, in reverse order. */
  readonly setupCleanup: readonly string[];
  /** Several workers are one job array. */
  readonly array: boolean;
}

/** `[head.scheduling]`; what is absent is the head's to choose. */
export interface SchedulingConfig {
  readonly reserveAfterMs?: number;
  readonly policy?: "fit" | "spread";
  readonly ageingMs?: number;
  readonly weights?: ReadonlyMap<string, number>;
}

/** `[head]` and `[head.gnaw]`; what is absent is the head's to choose. */
export interface HeadConfig {
  /** A template: see fillTemplate. */
  readonly name: string;
  /** Where the output of the head's job goes; a template. */
  readonly mainLogFile?: string | undefined;
  /** The log of the head; a template. */
  readonly logFile?: string | undefined;
  readonly listen?: readonly string[] | undefined;
  /** The words of the command that the head's job runs. */
  readonly command?: readonly string[] | undefined;
  readonly maxClients?: number | undefined;
  readonly idleQuitMs?: number | undefined;
  /** How many workers to keep alive. */
  readonly swarm?: number | undefined;
  /** A directory; false: none. */
  readonly journal?: string | false | undefined;
  /** Of stored results. */
  readonly cacheBytes?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly spill?: string | undefined;
  readonly resumeMs?: number | undefined;
  readonly leaseMs?: number | undefined;
  /** A template. */
  readonly trace?: string | undefined;
  readonly scheduling: SchedulingConfig;
  readonly script: ScriptConfig;
}

/** `[worker]`; what is absent is the worker's to choose. */
export interface WorkerConfig {
  /** A template: see fillTemplate. */
  readonly name: string;
  /** A template. */
  readonly logFile?: string | undefined;
  /** The head, as workers reach it. */
  readonly address?: string | undefined;
  /** The words of the command that starts a worker. */
  readonly command?: readonly string[] | undefined;
  readonly walltimeMs?: number | undefined;
  readonly drainDeadlineMs?: number | undefined;
  readonly graceMs?: number | undefined;
  readonly imports: readonly string[];
  /** As `parsePool` takes it. */
  readonly res?: Table | undefined;
  readonly script: ScriptConfig;
}

/** `[system.custom]`: a batch system by its commands. */
export interface CustomConfig {
  /** Words; gets the script on standard input. */
  readonly submit?: readonly string[] | undefined;
  /** Source of a regular expression. Absent: the first word of the answer is the id. */
  readonly jobIdPattern?: string | undefined;
  /** Words; ids are added. */
  readonly status?: readonly string[] | undefined;
  /** Words; ids are added. */
  readonly cancel?: readonly string[] | undefined;
  /** Words of `status` for each state. */
  readonly states: Readonly<Record<"queued" | "running" | "ended" | "failed", readonly string[]>>;
  /** With places. */
  readonly directives: readonly string[];
  readonly idVariable?: string | undefined;
}

/** `[ssh]`. */
export interface SshConfig {
  readonly hosts: readonly string[];
  readonly command: readonly string[];
  readonly directory?: string | undefined;
}

/** `[kubernetes]`. */
export interface KubernetesConfig {
  readonly context?: string | undefined;
  readonly namespace?: string | undefined;
  readonly image?: string | undefined;
  /** A file. */
  readonly template?: string | undefined;
  readonly serviceAccount?: string | undefined;
  /** The Secret with the workers' credential. */
  readonly accessSecret: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly Taint[];
  readonly graceMs: number;
}

/** `[scale]`. */
export interface ScaleConfig {
  readonly min: number;
  /** Absent: the number of workers does not follow the work. */
  readonly max?: number | undefined;
  readonly idleMs: number;
  readonly pollMs: number;
  readonly backlog: number;
  /** A command of the batch system is given up after so long. */
  readonly commandTimeoutMs: number;
}

/** A whole configuration. */
export interface Config {
  /** The file; undefined: there is none. */
  readonly file: string | undefined;
  readonly system: SystemName;
  /** The module for --context. */
  readonly contextModule?: string | undefined;
  /** The head. */
  readonly address?: string | undefined;
  /** The head, as commands reach it. */
  readonly commandAddress?: string | undefined;
  /** Credentials: a directory or a file. */
  readonly access?: string | undefined;
  readonly head: HeadConfig;
  readonly worker: WorkerConfig;
  readonly custom: CustomConfig;
  /** Absent: what the installed commands say. */
  readonly pbsDialect?: "openpbs" | "torque" | undefined;
  readonly sgeParallelEnvironment: string;
  readonly ssh: SshConfig;
  readonly kubernetes: KubernetesConfig;
  readonly scale: ScaleConfig;
  /** Every entry that was set, by its name in the file: as it was written, and where. */
  readonly entries: ReadonlyMap<Key, Found>;
  /** Of entries that have no effect, a line each. To be shown once. */
  readonly warnings: readonly string[];
}

/** What set an entry. */
export function originOf(config: Config, key: Key): Origin {
  return config.entries.get(key)?.origin ?? { type: "default" };
}

/** Gives what was read its form. */
export function toConfig(file: string | undefined, { values, warnings }: Reading): Config {
  const address = values.value("address");
  return {
    file,
    system: isCustom(values) ? "custom" : values.value("system"),
    contextModule: values.value("contextmod"),
    address,
    commandAddress: fromEnvironment(values, "address") ?? values.value("worker.cli_dial") ?? address,
    access: values.value("access"),
    head: headOf(values),
    worker: workerOf(values, address),
    custom: customOf(values),
    pbsDialect: values.value("pbs.dialect"),
    sgeParallelEnvironment: values.value("sge.parallel_environment"),
    ssh: {
      hosts: values.value("ssh.hosts") ?? [],
      command: values.value("ssh.command"),
      directory: values.value("ssh.directory"),
    },
    kubernetes: kubernetesOf(values),
    scale: {
      min: values.value("scale.min"),
      max: values.value("scale.max"),
      idleMs: values.value("scale.idle"),
      pollMs: values.value("scale.poll"),
      backlog: values.value("scale.backlog"),
      commandTimeoutMs: values.value("scale.command_timeout"),
    },
    entries: entriesOf(values),
    warnings,
  };
}

function isCustom(values: Values): boolean {
  return KEYS.some((key) => key.startsWith("system.custom.") && values.found(key) !== undefined);
}

function entriesOf(values: Values): Map<Key, Found> {
  const found = new Map<Key, Found>();
  for (const key of KEYS) {
    const each = values.found(key);
    if (each !== undefined) found.set(key, each);
  }
  return found;
}

/** A variable goes before what a file says more precisely. */
function fromEnvironment(values: Values, key: "address"): string | undefined {
  return values.origin(key).type === "environment" ? values.value(key) : undefined;
}

/** `[head.scheduling]` without what is not set. */
export function schedulingOf(values: Values): SchedulingConfig {
  const reserveAfterMs = values.value("head.scheduling.reserve_after");
  const policy = values.value("head.scheduling.policy");
  const ageingMs = values.value("head.scheduling.ageing");
  const weights = values.value("head.scheduling.weights");
  return {
    ...(reserveAfterMs === undefined ? {} : { reserveAfterMs }),
    ...(policy === undefined ? {} : { policy }),
    ...(ageingMs === undefined ? {} : { ageingMs }),
    ...(weights === undefined ? {} : { weights }),
  };
}

function headOf(values: Values): HeadConfig {
  return {
    name: values.value("head.name"),
    mainLogFile: values.value("head.main_log_file"),
    logFile: values.value("head.gnaw.log_file") ?? values.value("head.log_file"),
    listen: values.value("head.listen"),
    command: values.value("head.cmd"),
    maxClients: values.value("head.max_clients") ?? values.value("head.gnaw.max_conn"),
    idleQuitMs: values.value("head.idle_quit") ?? values.value("head.gnaw.idle_quit"),
    swarm: values.value("head.swarm") ?? values.value("head.gnaw.swarm"),
    journal: values.value("head.journal"),
    cacheBytes: values.value("head.cache"),
    memoryBytes: values.value("head.memory"),
    spill: values.value("head.spill"),
    resumeMs: values.value("head.resume"),
    leaseMs: values.value("head.lease"),
    trace: values.value("head.trace"),
    scheduling: schedulingOf(values),
    script: scriptOf(values, "head"),
  };
}

function workerOf(values: Values, address: string | undefined): WorkerConfig {
  return {
    name: values.value("worker.name"),
    logFile: values.value("worker.log_file"),
    address: fromEnvironment(values, "address") ?? values.value("worker.dial") ?? address,
    command: values.value("worker.cmd"),
    walltimeMs: values.value("worker.walltime"),
    drainDeadlineMs: values.value("worker.drain_deadline"),
    graceMs: values.value("worker.grace"),
    imports: values.value("worker.import") ?? [],
    res: values.value("worker.res"),
    script: scriptOf(values, "worker"),
  };
}

/** `[script]`, and over it what the job's own table says. */
function scriptOf(values: Values, job: "head" | "worker"): ScriptConfig {
  return {
    shebang: values.value(`${job}.script.shebang`) ?? values.value("script.shebang") ?? "#!/bin/bash",
    queue: values.value(`${job}.script.queue`) ?? values.value("script.queue"),
    walltimeMs: values.value(`${job}.script.walltime`) ?? values.value("script.walltime"),
    cores: values.value(`${job}.script.cores`) ?? values.value("script.cores"),
    memoryBytes: values.value(`${job}.script.memory`) ?? values.value("script.memory"),
    extraArgs: values.value(`${job}.script.extra_args`) ?? values.value("script.extra_args") ?? [],
    setupCleanup: values.value(`${job}.script.setup_cleanup`) ?? values.value("script.setup_cleanup") ?? [],
    array: values.value(`${job}.script.array`) ?? values.value("script.array") ?? false,
  };
}

function customOf(values: Values): CustomConfig {
  return {
    submit: values.value("system.custom.submit"),
    jobIdPattern: values.value("system.custom.job_id"),
    status: values.value("system.custom.status"),
    cancel: values.value("system.custom.cancel"),
    states: {
      queued: values.value("system.custom.queued"),
      running: values.value("system.custom.running"),
      ended: values.value("system.custom.ended"),
      failed: values.value("system.custom.failed"),
    },
    directives: values.value("system.custom.directives") ?? [],
    idVariable: values.value("system.custom.id_variable"),
  };
}

function kubernetesOf(values: Values): KubernetesConfig {
  return {
    context: values.value("kubernetes.context"),
    namespace: values.value("kubernetes.namespace"),
    image: values.value("kubernetes.image"),
    template: values.value("kubernetes.template"),
    serviceAccount: values.value("kubernetes.service_account"),
    accessSecret: values.value("kubernetes.access_secret"),
    labels: values.value("kubernetes.labels") ?? {},
    nodeSelector: values.value("kubernetes.node_selector") ?? {},
    tolerations: values.value("kubernetes.tolerations") ?? [],
    graceMs: values.value("kubernetes.grace"),
  };
}
