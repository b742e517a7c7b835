/** Every entry of `grain.toml`, in the order in which it is shown. */

import { type Entry, entry, initially } from "./entry.js";
import {
  address,
  addresses,
  boolean,
  count,
  duration,
  labels,
  lines,
  oneOf,
  path,
  pathOrNone,
  pathTemplate,
  pattern,
  period,
  resources,
  size,
  taints,
  template,
  text,
  texts,
  weights,
  words,
} from "./kind.js";

/** Batch systems and other ways to start workers; one more is described in [system.custom]. */
export const SYSTEM_NAMES = ["local", "slurm", "pbs", "lsf", "sge", "ssh", "kubernetes"] as const;

/** The same for [script], [head.script] and [worker.script]. */
const SCRIPT = {
  shebang: entry(text, "first line of the job script", { without: '"#!/bin/bash"' }),
  queue: entry(text, "queue or partition", { without: "the system's" }),
  walltime: entry(duration, "how long a job may last", { without: "the system's" }),
  cores: entry(count(1), "cores of a job", { without: "the system's" }),
  memory: entry(size, 'memory of a job: gigabytes, or a size such as "500M"', { without: "the system's" }),
  extra_args: entry(texts, "further arguments for the submit command, one each", { without: "none" }),
  setup_cleanup: entry(
    lines,
    "lines run before the worker; those that begin with `defer ` after it, in reverse order",
    { without: "none" },
  ),
  array: entry(boolean, "submits several workers as one job array", { without: "false" }),
};

type InTable<P extends string, T> = { [K in keyof T & string as `${P}.${K}`]: T[K] };

function inTable<P extends string, T extends Readonly<Record<string, Entry<unknown>>>>(
  table: P,
  entries: T,
): InTable<P, T> {
  return Object.fromEntries(
    Object.entries(entries).map(([key, value]) => [`${table}.${key}`, value]),
  ) as InTable<P, T>;
}

/** As [script], for one kind of job. */
function overScript<P extends string>(table: P): InTable<P, typeof SCRIPT> {
  const entries = Object.entries<Entry<unknown>>(SCRIPT).map(([key, each]) => [
    `${table}.${key}`,
    { ...each, without: "what [script] says" },
  ]);
  return Object.fromEntries(entries) as InTable<P, typeof SCRIPT>;
}

const TOP = {
  system: initially(oneOf(SYSTEM_NAMES), "local", 'how workers are started; "local" is on this machine'),
  contextmod: entry(path, "module whose value is at hand in each task of a worker", {
    without: "none",
    useless: (value) =>
      typeof value === "string" && !/\.[cm]?[jt]s$/.test(value)
        ? "it names no TypeScript or JavaScript file; write one and name that"
        : undefined,
  }),
  address: entry(address, "the head, for programs, commands and workers", {
    without: "none: a program brings its own head",
    variable: "GRAIN_ADDRESS",
  }),
  access: entry(path, "credentials: a directory, or a file", {
    without: "~/.config/grain/access",
    variable: "GRAIN_ACCESS_DIR",
  }),
};

const HEAD = {
  name: initially(template, "head{{HHMMSS}}", "name of the head's job"),
  main_log_file: entry(pathTemplate, "output of the head's job", { without: "the system's" }),
  log_file: entry(pathTemplate, "log of the head", { without: "standard error" }),
  listen: entry(addresses, "where the head listens: an address or a list", { without: "127.0.0.1:7700" }),
  cmd: entry(words, "command that the head's job runs", { without: "grain-head" }),
  max_clients: entry(count(1), "programs connected at a time", { without: "8" }),
  idle_quit: entry(period, "the head ends after so long without clients", { without: "never" }),
  swarm: entry(count(0), "workers to keep alive through the batch system", { without: "0: none" }),
  journal: entry(pathOrNone, "what survives the head is kept there; false: nothing", {
    without: "~/.local/state/grain/journal/ADDRESS",
  }),
  cache: entry(size, "stored results take at most so much room in the journal's directory", {
    without: "16G",
  }),
  memory: entry(size, "large values up to this stay in memory", { without: "512M" }),
  spill: entry(path, "where further large values go", { without: "the system's temporary directory" }),
  resume: entry(duration, "waits so long for a worker that is cut off", { without: "30s" }),
  lease: entry(duration, "keeps the tasks of a program that is cut off", { without: "60s" }),
  trace: entry(pathTemplate, "records there what happens, for grain simulate", { without: "none" }),
};

const GNAW = {
  enabled: entry(boolean, "of the original: whether programs share a head", {
    without: "true",
    useless: (value) => (value === false ? "a program without an address brings its own head" : undefined),
  }),
  log_file: entry(pathTemplate, "log of the head; goes before head.log_file", { without: "head.log_file" }),
  max_conn: entry(count(1), "the original's name of head.max_clients", { without: "head.max_clients" }),
  idle_quit: entry(period, "the same as head.idle_quit", { without: "head.idle_quit" }),
  swarm: entry(count(0), "the same as head.swarm", { without: "head.swarm" }),
  extra_args: entry(texts, "of the original: flags of its daemon", {
    without: "none",
    useless: (value) =>
      Array.isArray(value) && value.length === 0
        ? undefined
        : "they are flags of another program; grain-head --help shows ours",
  }),
};

const SCHEDULING = {
  reserve_after: entry(duration, "calls that found no room for so long get a worker kept free", {
    without: "30s",
  }),
  policy: entry(oneOf(["fit", "spread"]), "which worker gets a task", { without: '"fit"' }),
  ageing: entry(period, "waiting for so long raises the priority by one", { without: "never" }),
  weights: entry(weights, "shares of clients, by name", { without: "1 each" }),
};

const WORKER = {
  name: initially(template, "w{{HHMMSS}}", "name of a worker's job"),
  log_file: entry(pathTemplate, "log of a worker", { without: "standard error" }),
  dial: entry(address, "the head, as workers reach it", { without: "address" }),
  cli_dial: entry(address, "the head, as commands reach it", { without: "address" }),
  specialized_type: entry(text, "of the original: a Python class", {
    without: "none",
    useless: () => "workers here have no Python classes",
  }),
  cmd: entry(words, "command that starts a worker", { without: "this package's grain-worker" }),
  walltime: entry(period, "how long a worker may live, where no batch system says it", { without: "no end" }),
  drain_deadline: entry(duration, "told to leave, a worker lets tasks run for so long", {
    without: "to their end",
  }),
  grace: entry(duration, "between SIGTERM and SIGKILL for a task's processes", { without: "5s" }),
  import: entry(texts, "modules whose functions need not be sent, as programs name them", {
    without: "none",
  }),
  res: entry(resources, "what a worker offers: see grain-worker --res", { without: "what its machine has" }),
};

const CUSTOM = {
  submit: entry(words, "command that gets the script on standard input and prints the job's id", {
    without: "required",
  }),
  job_id: entry(pattern, "finds the id in what submit prints", { without: "its first word" }),
  status: entry(words, "command that prints a line for each job: id, state, reason; ids are added to it", {
    without: "required",
  }),
  cancel: entry(words, "command that cancels jobs; ids are added to it", { without: "required" }),
  queued: initially(texts, ["PENDING", "QUEUED", "PD", "Q"], "words of status for jobs that wait"),
  running: initially(texts, ["RUNNING", "R"], "words of status for jobs that run"),
  ended: initially(texts, ["COMPLETED", "DONE", "CANCELLED"], "words of status for jobs that ended"),
  failed: initially(texts, ["FAILED", "F"], "words of status for jobs that failed"),
  directives: entry(
    lines,
    "lines after the first of the job script, with {{name}}, {{log}}, {{queue}}, {{walltime}}, {{cores}}, {{memoryMiB}}",
    { without: "none" },
  ),
  id_variable: entry(text, "variable that holds the id inside a job", { without: "none" }),
};

const SSH = {
  hosts: entry(texts, "machines for workers, as ssh names them", { without: "none" }),
  command: initially(words, ["ssh"], "the ssh command with its options"),
  directory: entry(text, "working directory there", { without: "the home directory" }),
};

const PBS = {
  dialect: entry(oneOf(["openpbs", "torque"]), "how job scripts are written", {
    without: "what qstat --version says",
  }),
};

const SGE = {
  parallel_environment: initially(text, "smp", "where several cores are asked from"),
};

const KUBERNETES = {
  context: entry(text, "context of the kubectl configuration", { without: "the current one" }),
  namespace: entry(text, "namespace of the workers' pods", { without: "the context's" }),
  image: entry(text, "image of the workers' container", { without: "required" }),
  template: entry(path, "file with a pod to build the workers' on", { without: "none" }),
  service_account: entry(text, "service account of the pods", { without: "the namespace's default" }),
  access_secret: initially(
    text,
    "grain-worker",
    "Secret with the workers' credential, under the key worker.pem",
  ),
  labels: entry(labels, "further labels of the pods", { without: "none" }),
  node_selector: entry(labels, "labels that a node must have", { without: "none" }),
  tolerations: entry(taints, 'taints of nodes that pods bear, such as "gpu=yes:NoSchedule"', {
    without: "none",
  }),
  grace: initially(duration, "5m", "what a pod that is told to end gets"),
};

const SCALE = {
  min: initially(count(0), 0, "workers to keep even without work"),
  max: entry(count(1), "most workers; makes the number follow the work", { without: "the number is fixed" }),
  idle: initially(duration, "5m", "workers without work for so long leave"),
  poll: initially(period, "60s", "how often the batch system is asked"),
  backlog: initially(count(1), 1, "most jobs that wait in the batch system at a time"),
  command_timeout: initially(period, "60s", "a command of the batch system is given up after so long"),
};

/** All of them. */
export const ENTRIES = {
  ...TOP,
  ...inTable("system.custom", CUSTOM),
  ...inTable("head", HEAD),
  ...inTable("head.gnaw", GNAW),
  ...inTable("head.scheduling", SCHEDULING),
  ...overScript("head.script"),
  ...inTable("worker", WORKER),
  ...overScript("worker.script"),
  ...inTable("script", SCRIPT),
  ...inTable("pbs", PBS),
  ...inTable("sge", SGE),
  ...inTable("ssh", SSH),
  ...inTable("kubernetes", KUBERNETES),
  ...inTable("scale", SCALE),
};

/** The name of an entry, e.g. "worker.log_file". */
export type Key = keyof typeof ENTRIES;

/** What an entry comes to. */
export type ValueOf<K extends Key> = (typeof ENTRIES)[K] extends Entry<infer T> ? T : never;

/** What there is to know of an entry. */
export function entryOf<K extends Key>(key: K): Entry<ValueOf<K>> {
  return ENTRIES[key] as unknown as Entry<ValueOf<K>>;
}

export const KEYS = Object.keys(ENTRIES) as Key[];
