/** Slurm: sbatch, squeue (and sacct for what has gone from it), scancel. */

import { formatDuration } from "../proto/duration.js";
import { type Ask, batchSystem, SEE_DRY } from "./batch.js";
import type { JobId, JobRequest, JobState, Provider } from "./provider.js";
import { jobScript } from "./script.js";
import type { ProviderSettings } from "./settings.js";

const TITLE = "Slurm";
const MEBIBYTE = 2 ** 20;
/** Slurm counts minutes. */
const MINUTE_MS = 60_000;

/** The id that `submit` gives, in the job itself. */
const ID = "${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}";

const COLUMNS = [
  ["ArrayJobID", 24],
  ["ArrayTaskID", 24],
  ["State", 24],
  ["exit_code", 16],
  ["NodeList", 64],
  ["Reason", 200],
] as const;

const QUEUED = /^(PENDING|CONFIGURING|REQUEUED|REQUEUE_FED|REQUEUE_HOLD|RESV_DEL_HOLD|SPECIAL_EXIT)$/;
const RUNNING = /^(RUNNING|COMPLETING|RESIZING|SIGNALING|STAGE_OUT|STOPPED|SUSPENDED)$/;
/** The worker was told to go: by somebody, by its walltime, or for somebody more urgent. */
const ENDED = /^(COMPLETED|CANCELLED|TIMEOUT|PREEMPTED|REVOKED|DEADLINE)/;

/**
 * Jobs of Slurm.
 *
 * @example
 * const ids = await slurm(settings).submit(job, 4);
 */
export function slurm(settings: ProviderSettings): Provider {
  return batchSystem(settings, {
    title: TITLE,
    script: (job) => scriptOf(job, settings),
    submit: (job, elements) => [
      "sbatch",
      "--parsable",
      ...(elements === undefined ? [] : [`--array=0-${elements - 1}`]),
      ...job.extraArgs,
    ],
    ids(stdout, elements) {
      const id = /^(\d+)(?:;\S+)?\s*$/.exec(stdout)?.[1];
      if (id === undefined || elements === undefined) return id === undefined ? undefined : [id];
      return Array.from({ length: elements }, (_, i) => `${id}_${i}`);
    },
    advice: adviceOn,
    list(ids) {
      const format = COLUMNS.map(([name, width]) => `${name}:${width}`).join(",");
      return ["squeue", "-h", "-r", "-t", "all", "-j", jobsOf(ids), "-O", format];
    },
    states(answer) {
      // One unknown id alone is an error, several are not.
      const failed = answer.exitCode !== 0 && !/Invalid job id/i.test(answer.stderr);
      return failed ? undefined : readSqueue(answer.stdout);
    },
    gone: askAccounting,
    cancel: (ids) => ["scancel", ...ids],
  });
}

/** Where accounting is off, what is gone stays unknown. */
async function askAccounting(gone: readonly JobId[], ask: Ask): Promise<[JobId, JobState][]> {
  const sacct = ["sacct", "-n", "-P", "-X", "-j", jobsOf(gone), "-o", "JobID,State,ExitCode"];
  const answer = await ask(sacct).catch(() => undefined);
  if (answer?.exitCode !== 0) return [];
  return answer.stdout.split("\n").flatMap((line): [JobId, JobState][] => {
    const [id = "", state = "", exit = ""] = line.split("|");
    const [exitCode, signal] = exit.split(":").map(Number);
    return id === "" ? [] : [[id, stateOf(state, "", "", exitCode, signal)]];
  });
}

function scriptOf(job: JobRequest, settings: ProviderSettings): string {
  const { queue, walltimeMs, cores, memoryBytes, extraArgs } = settings.script;
  // "%j" is the number of the task within its cluster, "%A_%a" what people know it by.
  const id = settings.array ? "%A_%a" : "%j";
  const log = job.logFile.replaceAll("%", "%%").replaceAll("{{JOB}}", id);
  const options = [
    `--job-name=${job.name}`,
    `--output="${log.replaceAll('"', String.raw`\"`)}"`,
    "--open-mode=append",
    "--nodes=1",
    "--ntasks=1",
    ...(queue === undefined ? [] : [`--partition=${queue}`]),
    ...(walltimeMs === undefined
      ? []
      : [`--time=${formatDuration(Math.ceil(walltimeMs / MINUTE_MS) * MINUTE_MS)}`]),
    ...(cores === undefined ? [] : [`--cpus-per-task=${cores}`]),
    ...(memoryBytes === undefined ? [] : [`--mem=${Math.ceil(memoryBytes / MEBIBYTE)}M`]),
    ...extraArgs,
  ];
  const directives = options.map((option) => `#SBATCH ${option}`);
  return jobScript(job, settings.script, { system: "slurm", directives, id: ID });
}

/** Elements of an array are asked for by the array. */
function jobsOf(ids: readonly JobId[]): string {
  return [...new Set(ids.map((id) => id.split("_")[0]))].join(",");
}

function readSqueue(text: string): [JobId, JobState][] {
  return text.split("\n").flatMap((line) => {
    let at = 0;
    const cells = COLUMNS.map(([, width]) => {
      at += width;
      return line.slice(at - width, at).trim();
    });
    const [job = "", task = "", state = "", status = "", host = "", reason = ""] = cells;
    if (job === "") return [];
    const id = /^\d+$/.test(task) ? `${job}_${task}` : job;
    const raw = Number(status) || 0;
    return [[id, stateOf(state, reason, host, raw >> 8, raw & 0x7f)]];
  });
}

function stateOf(word: string, why: string, host: string, exitCode?: number, signal?: number): JobState {
  const reason = /^(None|\(null\))?$/.test(why) ? "" : why;
  if (QUEUED.test(word)) return { type: "queued", reason };
  if (RUNNING.test(word)) return { type: "running", host };
  if (ENDED.test(word)) return { type: "ended", reason: word.split(" ")[0]! };
  if (word === "") return { type: "unknown" };
  return { type: "failed", reason: reason === "" ? word : `${word}, ${reason}`, exitCode, signal };
}

function adviceOn(stderr: string): string {
  if (/invalid partition/i.test(stderr)) return "Set `queue` in [script] to one that sinfo lists.";
  if (/time ?limit/i.test(stderr)) return "Set a shorter `walltime` in [script].";
  if (/account/i.test(stderr)) return 'Name yours in [script]: extra_args = ["--account=…"].';
  if (/memory|cpu|node configuration|gres/i.test(stderr))
    return "Ask for less in [script] (cores, memory, extra_args): no machine there has as much.";
  return SEE_DRY;
}
