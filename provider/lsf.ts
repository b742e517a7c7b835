/** LSF: bsub, bjobs, bkill. */

import { batchSystem, complainsOnly, SEE_DRY } from "./batch.js";
import type { JobId, JobRequest, JobState, Provider } from "./provider.js";
import { jobScript } from "./script.js";
import type { ProviderSettings } from "./settings.js";

const MEBIBYTE = 2 ** 20;
const MINUTE_MS = 60_000;
const FIELDS = ["jobid", "jobindex", "stat", "exit_code", "exec_host", "exit_reason", "pend_reason"];
/** The worker was told to go: by somebody, by its walltime, or for somebody more urgent. */
const TOLD = /TERM_(OWNER|ADMIN|RUNLIMIT|PREEMPT|FORCE_OWNER|FORCE_ADMIN|REQUEUE_OWNER|REQUEUE_ADMIN)/;

/**
 * Jobs of LSF.
 *
 * @example
 * const ids = await lsf(settings).submit(job, 4);
 */
export function lsf(settings: ProviderSettings): Provider {
  return batchSystem(settings, {
    title: "LSF",
    script: (job, isArray) => scriptOf(job, settings, isArray),
    // Of an array the name says how many, and what the command line says goes before the script.
    submit: (job, elements) => [
      "bsub",
      ...(elements === undefined ? [] : ["-J", `${job.name}[1-${elements}]`]),
      ...job.extraArgs,
    ],
    ids(stdout, elements) {
      const id = /^Job <(\d+)> is submitted/m.exec(stdout)?.[1];
      if (id === undefined || elements === undefined) return id === undefined ? undefined : [id];
      return Array.from({ length: elements }, (_, i) => `${id}[${i + 1}]`);
    },
    advice: adviceOn,
    list: (ids) => ["bjobs", "-a", "-noheader", "-o", `${FIELDS.join(" ")} delimiter='|'`, ...jobsOf(ids)],
    states: (answer) =>
      answer.exitCode === 0 || complainsOnly(answer, /is not found|No (unfinished )?job found/i)
        ? readBjobs(answer.stdout)
        : undefined,
    cancel: (ids) => ["bkill", ...ids],
    notCancelled: (answer) =>
      !complainsOnly(answer, /has already finished|is not found|No (unfinished|matching) job/i),
  });
}

function scriptOf(job: JobRequest, settings: ProviderSettings, isArray: boolean): string {
  const { queue, walltimeMs, cores, memoryBytes, extraArgs } = settings.script;
  const id = isArray ? "%J[%I]" : "%J";
  const mebibytes = memoryBytes === undefined ? undefined : Math.ceil(memoryBytes / MEBIBYTE);
  const options = [
    `-J ${job.name}`,
    `-o "${job.logFile.replaceAll("{{JOB}}", id)}"`,
    ...(queue === undefined ? [] : [`-q ${queue}`]),
    ...(walltimeMs === undefined ? [] : [`-W ${Math.ceil(walltimeMs / MINUTE_MS)}`]),
    ...(cores === undefined ? [] : [`-n ${cores}`]),
    '-R "span[hosts=1]"',
    ...(mebibytes === undefined ? [] : [`-M ${mebibytes}MB`, `-R "rusage[mem=${mebibytes}MB]"`]),
    ...extraArgs,
  ];
  return jobScript(job, settings.script, {
    system: "lsf",
    directives: options.map((option) => `#BSUB ${option}`),
    // The index is 0 outside of arrays.
    id: '$LSB_JOBID$([ "${LSB_JOBINDEX:-0}" = 0 ] || echo "[$LSB_JOBINDEX]")',
  });
}

/** Elements of an array are asked for by the array. */
function jobsOf(ids: readonly JobId[]): string[] {
  return [...new Set(ids.map((id) => id.split("[")[0]!))];
}

function readBjobs(text: string): [JobId, JobState][] {
  return text.split("\n").flatMap((line): [JobId, JobState][] => {
    const [job = "", index = "", stat = "", exit = "", host = "", why = "", ...pending] = line
      .split("|")
      .map((cell) => cell.trim());
    if (!/^\d+$/.test(job)) return [];
    const id = /^[1-9]\d*$/.test(index) ? `${job}[${index}]` : job;
    return [[id, stateOf(stat, exit, host, why, pending.join("|"))]];
  });
}

function stateOf(stat: string, exit: string, host: string, why: string, pending: string): JobState {
  const reason = why === "-" ? "" : why;
  switch (stat) {
    case "PEND":
    case "PSUSP":
    case "WAIT":
      return { type: "queued", reason: pending === "-" ? "" : pending };
    case "RUN":
    case "USUSP":
    case "SSUSP":
    case "PROV":
      // "4*node7": four slots there.
      return { type: "running", host: /^(?:\d+\*)?([^:]*)/.exec(host)?.[1]?.replace(/^-$/, "") ?? "" };
    case "DONE":
      return { type: "ended", reason: "DONE" };
    case "EXIT":
      if (TOLD.test(reason)) return { type: "ended", reason };
      return {
        type: "failed",
        reason: reason || "EXIT",
        ...(/^\d+$/.test(exit) ? { exitCode: Number(exit) } : {}),
      };
    default:
      return { type: "unknown" };
  }
}

function adviceOn(stderr: string): string {
  if (/no such queue|queue does not exist|cannot use the queue/i.test(stderr))
    return "Set `queue` in [script] to one that bqueues lists.";
  if (/RUNLIMIT|run limit|exceed/i.test(stderr))
    return "Ask for less in [script] (walltime, cores, memory), or use another `queue`.";
  if (/project/i.test(stderr)) return 'Name yours in [script]: extra_args = ["-P …"].';
  return SEE_DRY;
}
