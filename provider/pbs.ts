/** OpenPBS (PBS Professional) and Torque: qsub, qstat -f, qdel. They differ in how resources and arrays are written. */

import { formatDuration } from "../proto/duration.js";
import { batchSystem, complainsOnly, SEE_DRY } from "./batch.js";
import { runCommand } from "./command.js";
import type { JobId, JobRequest, JobState, Provider } from "./provider.js";
import { jobWord } from "./quote.js";
import { jobScript } from "./script.js";
import type { ProviderSettings } from "./settings.js";

const MEBIBYTE = 2 ** 20;
/** Of jobs that were killed: so much and the signal's number. */
const SIGNALLED = 256;
const SIGTERM = 15;

type PbsDialect = NonNullable<ProviderSettings["pbsDialect"]>;

/**
 * Jobs of PBS, in the dialect that is installed.
 *
 * @example
 * const provider = await pbs(settings);
 */
export async function pbs(settings: ProviderSettings): Promise<Provider> {
  const dialect = settings.pbsDialect ?? (await installedDialect(settings.commandTimeoutMs));
  const isTorque = dialect === "torque";
  return batchSystem(settings, {
    title: isTorque ? "Torque" : "PBS",
    script: (job) => scriptOf(job, settings, dialect),
    submit: (job, elements) => ["qsub", ...arrayOf(elements, isTorque), ...job.extraArgs],
    ids: (stdout, elements) => idsIn(stdout, elements),
    advice: adviceOn,
    // -x: those that have ended as well, -t: the elements of arrays.
    list: (ids) => ["qstat", ...(isTorque ? ["-f", "-t"] : ["-x", "-f", "-t"]), ...ids],
    states: (answer) =>
      answer.exitCode === 0 || complainsOnly(answer, /Unknown Job|has finished/i)
        ? readQstat(answer.stdout)
        : undefined,
    cancel: (ids) => ["qdel", ...ids],
    notCancelled: (answer) =>
      !complainsOnly(answer, /Unknown Job|has finished|invalid state|request invalid for state/i),
  });
}

/** OpenPBS, where nothing is installed. */
async function installedDialect(timeoutMs: number): Promise<PbsDialect> {
  try {
    const { stdout, stderr } = await runCommand(["qstat", "--version"], { title: "PBS", timeoutMs });
    return /pbs_version/i.test(stdout + stderr) || !/version:/i.test(stdout + stderr) ? "openpbs" : "torque";
  } catch {
    return "openpbs";
  }
}

/** OpenPBS has no arrays of one element. */
function arrayOf(elements: number | undefined, isTorque: boolean): string[] {
  if (elements === undefined || (!isTorque && elements === 1)) return [];
  return [isTorque ? "-t" : "-J", `0-${elements - 1}`];
}

/** "42.server", of an array "42[].server". */
function idsIn(stdout: string, elements: number | undefined): JobId[] | undefined {
  const match = /^(\d+)(\[\])?(\.\S+)?\s*$/.exec(stdout);
  if (match === null) return undefined;
  const [, number, brackets, server = ""] = match;
  if (brackets === undefined) return [`${number}${server}`];
  return Array.from({ length: elements ?? 0 }, (_, i) => `${number}[${i}]${server}`);
}

function scriptOf(job: JobRequest, settings: ProviderSettings, dialect: PbsDialect): string {
  const { queue, walltimeMs, cores, memoryBytes, extraArgs } = settings.script;
  const mebibytes = memoryBytes === undefined ? undefined : Math.ceil(memoryBytes / MEBIBYTE);
  const options = [
    `-N ${job.name}`,
    "-j oe",
    // The log is written by the script, since only Torque knows the job's id here.
    "-o /dev/null",
    ...(queue === undefined ? [] : [`-q ${queue}`]),
    ...(walltimeMs === undefined ? [] : [`-l walltime=${clock(walltimeMs)}`]),
    ...(dialect === "torque" ? torqueSize(cores, mebibytes) : openPbsSize(cores, mebibytes)),
    ...extraArgs,
  ];
  return jobScript(job, settings.script, {
    system: "pbs",
    directives: options.map((option) => `#PBS ${option}`),
    id: "$PBS_JOBID",
    // Jobs begin in the home directory, other systems' where they were submitted.
    before: [`exec >>${jobWord(job.logFile)} 2>&1`, 'cd "$PBS_O_WORKDIR" || exit'],
  });
}

function openPbsSize(cores: number | undefined, mebibytes: number | undefined): string[] {
  if (cores === undefined && mebibytes === undefined) return [];
  return [
    `-l select=1${cores === undefined ? "" : `:ncpus=${cores}`}${mebibytes === undefined ? "" : `:mem=${mebibytes}mb`}`,
  ];
}

function torqueSize(cores: number | undefined, mebibytes: number | undefined): string[] {
  return [
    ...(cores === undefined ? [] : [`-l nodes=1:ppn=${cores}`]),
    ...(mebibytes === undefined ? [] : [`-l mem=${mebibytes}mb`]),
  ];
}

/** Hours may be more than a day's. */
function clock(ms: number): string {
  const hours = Math.floor(ms / 3_600_000);
  return `${hours}:${formatDuration(Math.ceil((ms % 3_600_000) / 1_000) * 1_000).slice(-5)}`;
}

function readQstat(text: string): [JobId, JobState][] {
  return text
    .replaceAll(/\n\t/g, "")
    .split(/^Job Id: /m)
    .slice(1)
    .map((block) => {
      const id = block.split(/\s/)[0]!;
      const field = (name: string) => new RegExp(`^\\s*${name} = (.*)$`, "m").exec(block)?.[1]?.trim() ?? "";
      return [
        id,
        stateOf(
          field("job_state"),
          field("comment"),
          field("exec_host"),
          field("(?:Exit_status|exit_status)"),
        ),
      ];
    });
}

function stateOf(letter: string, comment: string, hosts: string, exit: string): JobState {
  if (/^[QHWTS]$/.test(letter)) return { type: "queued", reason: comment };
  // B: an array of which some run; U: its machine is used by its owner.
  if (/^[REBU]$/.test(letter)) return { type: "running", host: /^[^/+]*/.exec(hosts)?.[0] ?? "" };
  if (!/^[CFX]$/.test(letter)) return { type: "unknown" };
  const code = Number(exit);
  if (exit === "" || code === 0 || code === SIGNALLED + SIGTERM) return { type: "ended", reason: comment };
  if (code > SIGNALLED) return { type: "failed", reason: comment, signal: code - SIGNALLED };
  // Below zero: PBS itself could not run it.
  return {
    type: "failed",
    reason: comment || "it did not run well",
    ...(code > 0 ? { exitCode: code } : {}),
  };
}

function adviceOn(stderr: string): string {
  if (/unknown queue/i.test(stderr)) return 'Set `queue` in [script] to one that "qstat -Q" lists.';
  if (/resource|exceed|limit/i.test(stderr))
    return "Ask for less in [script] (walltime, cores, memory), or use another `queue`.";
  if (/account|project/i.test(stderr)) return 'Name yours in [script]: extra_args = ["-A …"].';
  return SEE_DRY;
}
