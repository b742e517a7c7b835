/**
 * The batch job that a worker runs in: its id, how long it may still run, and what of the machine is its own.
 * What the batch system says goes before what the job script was told to ask for (GRAIN_JOB_…).
 */

import { spawnSync } from "node:child_process";
import { parseDuration } from "../proto/duration.js";
import { memoryInJob, walltimeInJob } from "../proto/resource/job-share.js";
import type { Pool } from "../proto/resource/pool.js";

/** What is known of a job. */
export interface BatchJob {
  /** Such as "slurm". */
  readonly system: string;
  /** As the system's commands take it. */
  readonly id: string;
  /** Undefined: no end is known. */
  readonly remainingMs?: number | undefined;
  /** On this machine. Undefined: not told, the affinity mask says it. */
  readonly cores?: number | undefined;
  /** On this machine. Undefined: not told. */
  readonly memoryBytes?: number | undefined;
  /** Told to end, it is left so long for what runs. Undefined: no time to speak of. */
  readonly noticeMs?: number | undefined;
}

/** Where to look; all of it is this process's by default. */
export interface JobSources {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The time, in milliseconds since 1970. */
  readonly nowMs?: number;
  /** What a command prints; undefined: it is not there, fails, or takes too long. */
  readonly ask?: (argv: readonly string[]) => string | undefined;
}

type Environment = NonNullable<JobSources["env"]>;
type Facts = Omit<BatchJob, "system">;
type Reader = (
  env: Environment,
  ask: (argv: readonly string[]) => string | undefined,
  nowMs: number,
) => Facts | undefined;

const MEBIBYTE = 2 ** 20;
/** A batch system that does not answer must not keep a worker from starting. */
const ASK_TIMEOUT_MS = 10_000;

/**
 * The job that this process is in.
 *
 * @returns undefined outside of any
 * @example
 * detectJob()?.id // "4711"
 */
export function detectJob({
  env = process.env,
  nowMs = Date.now(),
  ask = run,
}: JobSources = {}): BatchJob | undefined {
  for (const [system, read] of READERS) {
    const facts = read(env, ask, nowMs);
    if (facts !== undefined) return { system, ...told(env, nowMs), ...known(facts) };
  }
  const { GRAIN_JOB_ID: id, GRAIN_JOB_SYSTEM: system } = env;
  return id && system ? { system, id, ...told(env, nowMs) } : undefined;
}

/**
 * What a worker offers in a job: no more than the job's cores, 14/15 of its memory, and its time less a
 * margin of three minutes, or of a twentieth if that is less.
 *
 * @example
 * poolInJob(detectPool(), detectJob()!)
 */
export function poolInJob(pool: Pool, { cores, memoryBytes, remainingMs }: BatchJob): Pool {
  const memory = Math.min(pool.memoryBytes, memoryBytes ?? Number.POSITIVE_INFINITY);
  return {
    ...pool,
    cores: pool.cores.slice(0, Math.max(1, cores ?? pool.cores.length)),
    memoryBytes: memoryInJob(memory),
    ...(remainingMs === undefined ? {} : { remainingMs: walltimeInJob(remainingMs) }),
  };
}

function run([program = "", ...args]: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(program, args, {
    encoding: "utf8",
    timeout: ASK_TIMEOUT_MS,
    killSignal: "SIGKILL",
    stdio: ["ignore", "pipe", "ignore"],
  });
  return status === 0 ? stdout : undefined;
}

/** What the job's own script says. */
function told(env: Environment, nowMs: number): Omit<Facts, "id"> {
  const seconds = numberIn(env.GRAIN_JOB_SECONDS);
  const started = numberIn(env.GRAIN_JOB_STARTED);
  const passedMs = started === undefined ? 0 : Math.max(0, nowMs - started * 1_000);
  const notice = numberIn(env.GRAIN_JOB_NOTICE_SECONDS);
  return known({
    remainingMs: seconds === undefined ? undefined : Math.max(1, seconds * 1_000 - passedMs),
    // 0 is what Kubernetes says where nothing was asked for.
    cores: numberIn(env.GRAIN_JOB_CORES) || undefined,
    memoryBytes: numberIn(env.GRAIN_JOB_BYTES) || undefined,
    noticeMs: notice === undefined ? undefined : notice * 1_000,
  });
}

const READERS: readonly (readonly [system: string, read: Reader])[] = [
  ["slurm", slurm],
  ["pbs", pbs],
  ["lsf", lsf],
  ["sge", sge],
];

function slurm(
  env: Environment,
  ask: (argv: readonly string[]) => string | undefined,
  nowMs: number,
): Facts | undefined {
  const job = env.SLURM_JOB_ID;
  if (!job) return undefined;
  const { SLURM_ARRAY_JOB_ID: array, SLURM_ARRAY_TASK_ID: element } = env;
  const cores = numberIn(env.SLURM_CPUS_ON_NODE);
  const perCore = numberIn(env.SLURM_MEM_PER_CPU);
  // 0 is all of the machine's.
  const mebibytes =
    numberIn(env.SLURM_MEM_PER_NODE) || (perCore === undefined ? undefined : perCore * (cores ?? 1));
  const end = numberIn(env.SLURM_JOB_END_TIME);
  return {
    id: array && element ? `${array}_${element}` : job,
    cores,
    memoryBytes: mebibytes === undefined ? undefined : mebibytes * MEBIBYTE,
    remainingMs:
      end === undefined
        ? durationIn(ask(["squeue", "-h", "-j", job, "-o", "%L"]))
        : Math.max(1, end * 1_000 - nowMs),
  };
}

function pbs(env: Environment, ask: (argv: readonly string[]) => string | undefined): Facts | undefined {
  const id = env.PBS_JOBID;
  if (!id) return undefined;
  const said = ask(["qstat", "-f", id]) ?? "";
  const field = (name: string) => new RegExp(`^\\s*${name} = (\\S+)`, "m").exec(said)?.[1];
  // Torque counts down itself, in seconds; and it may tell the whole time in the environment.
  const left = numberIn(field("Walltime\\.Remaining"));
  const whole = durationIn(field("Resource_List\\.walltime") ?? env.PBS_WALLTIME);
  const used = durationIn(field("resources_used\\.walltime")) ?? 0;
  return {
    id,
    cores: numberIn(env.NCPUS) ?? numberIn(env.PBS_NUM_PPN),
    memoryBytes: sizeIn(field("Resource_List\\.mem")),
    remainingMs:
      left !== undefined ? left * 1_000 : whole === undefined ? undefined : Math.max(1, whole - used),
  };
}

function lsf(env: Environment, ask: (argv: readonly string[]) => string | undefined): Facts | undefined {
  const job = env.LSB_JOBID;
  if (!job) return undefined;
  const index = numberIn(env.LSB_JOBINDEX) || undefined;
  const id = index === undefined ? job : `${job}[${index}]`;
  // "0:59 L": hours and minutes, and what limits them.
  const left = /^(\d+):(\d+)/.exec(ask(["bjobs", "-noheader", "-o", "time_left", id])?.trim() ?? "");
  return {
    id,
    // "host1 4 host2 2": the first is this one.
    cores: numberIn(env.LSB_MCPU_HOSTS?.split(/\s+/)[1]) ?? numberIn(env.LSB_DJOB_NUMPROC),
    remainingMs: left === null ? undefined : Math.max(1, (Number(left[1]) * 60 + Number(left[2])) * 60_000),
  };
}

function sge(env: Environment): Facts | undefined {
  const { JOB_ID: job, SGE_TASK_ID: element } = env;
  if (!job || (env.SGE_ROOT ?? env.SGE_TASK_ID) === undefined) return undefined;
  return { id: element && element !== "undefined" ? `${job}.${element}` : job, cores: numberIn(env.NSLOTS) };
}

function known<T extends object>(facts: T): T {
  return Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as T;
}

function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text.trim()) ? Number(text) : undefined;
}

/** "UNLIMITED" and "INVALID" are none. */
function durationIn(text: string | undefined): number | undefined {
  const written = text?.trim() ?? "";
  return /^[\d:.-]+$/.test(written) && /\d/.test(written) ? Math.max(1, parseDuration(written)) : undefined;
}

/** "8gb", "8388608kb", "512mb": powers of 1024. */
function sizeIn(text: string | undefined): number | undefined {
  const match = /^(\d+)([kmgt]?)b?$/i.exec(text ?? "");
  return match === null
    ? undefined
    : Number(match[1]) * 1024 ** " kmgt".indexOf(match[2]!.toLowerCase() || " ");
}
