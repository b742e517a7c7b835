/** Grid Engine (SGE, Univa, Altair): qsub, qstat -xml (and qacct for what has gone from it), qdel. */

import { type Ask, batchSystem, complainsOnly, SEE_DRY } from "./batch.js";
import type { JobId, JobRequest, JobState, Provider } from "./provider.js";
import { jobScript } from "./script.js";
import type { ProviderSettings } from "./settings.js";

const MEBIBYTE = 2 ** 20;
const SIGTERM = 15;
const SIGKILL = 9;
/** Of jobs that were killed: so much and the signal's number. */
const SIGNALLED = 128;

/**
 * Jobs of Grid Engine.
 *
 * @example
 * const ids = await sge(settings).submit(job, 4);
 */
export function sge(settings: ProviderSettings): Provider {
  return batchSystem(settings, {
    title: "Grid Engine",
    script: (job, isArray) => scriptOf(job, settings, isArray),
    submit: (job, elements) => [
      "qsub",
      "-terse",
      ...(elements === undefined ? [] : ["-t", `1-${elements}`]),
      ...job.extraArgs,
    ],
    ids(stdout, elements) {
      // "42", of an array "42.1-4:1".
      const id = /^(\d+)(?:\.\d+-\d+:\d+)?\s*$/.exec(stdout)?.[1];
      if (id === undefined || elements === undefined) return id === undefined ? undefined : [id];
      return Array.from({ length: elements }, (_, i) => `${id}.${i + 1}`);
    },
    advice: adviceOn,
    // It can only be asked for all that are queued or run; -g d: the elements of arrays.
    list: () => ["qstat", "-xml", "-g", "d"],
    states: (answer) => (answer.exitCode === 0 ? readQstat(answer.stdout) : undefined),
    gone: askAccounting,
    cancel: (ids) => ["qdel", ...ids],
    notCancelled: (answer) =>
      !complainsOnly(
        { ...answer, stderr: answer.stdout + answer.stderr },
        /does not exist|has registered|has deleted|already in deletion/i,
      ),
  });
}

function scriptOf(job: JobRequest, settings: ProviderSettings, isArray: boolean): string {
  const { shebang, queue, walltimeMs, cores, memoryBytes, extraArgs } = settings.script;
  const id = isArray ? "$JOB_ID.$TASK_ID" : "$JOB_ID";
  // What is asked for is asked for each slot.
  const mebibytes = memoryBytes === undefined ? undefined : Math.ceil(memoryBytes / (cores ?? 1) / MEBIBYTE);
  const options = [
    `-N ${job.name}`,
    // Many queues do not look at the first line.
    `-S ${shebang.replace(/^#!\s*/, "").split(/\s/)[0]}`,
    "-cwd",
    "-j y",
    `-o "${job.logFile.replaceAll("{{JOB}}", id)}"`,
    ...(queue === undefined ? [] : [`-q ${queue}`]),
    ...(walltimeMs === undefined ? [] : [`-l h_rt=${Math.ceil(walltimeMs / 1_000)}`]),
    ...(cores === undefined || cores === 1
      ? []
      : [`-pe ${settings.sgeParallelEnvironment ?? "smp"} ${cores}`]),
    // Not h_vmem: it limits addresses, of which Node.js reserves far more than it uses.
    ...(mebibytes === undefined ? [] : [`-l mem_free=${mebibytes}M`]),
    ...extraArgs,
  ];
  return jobScript(job, settings.script, {
    system: "sge",
    directives: options.map((option) => `#$ ${option}`),
    id: '$JOB_ID$([ "${SGE_TASK_ID:-undefined}" = undefined ] || echo ".$SGE_TASK_ID")',
  });
}

function readQstat(text: string): [JobId, JobState][] {
  return [...text.matchAll(/<job_list\b[^>]*>([\s\S]*?)<\/job_list>/g)].map(([, block = ""]) => {
    const field = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(block)?.[1]?.trim() ?? "";
    const [job, task] = [field("JB_job_number"), field("tasks")];
    return [task === "" ? job : `${job}.${task}`, stateOf(field("state"), field("queue_name"))];
  });
}

function stateOf(letters: string, queue: string): JobState {
  // Something is wrong with it or its machine; it would wait for ever.
  if (letters.includes("E")) return { type: "failed", reason: `${letters}: "qstat -j" says why` };
  if (/[rtsSTdR]/.test(letters.replace(/[hqw]/g, "")) && !letters.includes("qw"))
    return { type: "running", host: queue.split("@")[1] ?? "" };
  return { type: "queued", reason: letters === "qw" ? "" : letters };
}

/** Its records come some seconds after the end. */
async function askAccounting(gone: readonly JobId[], ask: Ask): Promise<[JobId, JobState][]> {
  const states: [JobId, JobState][] = [];
  for (const job of new Set(gone.map((id) => id.split(".")[0]!))) {
    const answer = await ask(["qacct", "-j", job]).catch(() => undefined);
    if (answer?.exitCode !== 0) continue;
    for (const block of answer.stdout.split(/^=+$/m)) {
      const field = (name: string) => new RegExp(`^${name}\\s+(.*)$`, "m").exec(block)?.[1]?.trim() ?? "";
      if (field("jobnumber") !== job) continue;
      const task = field("taskid");
      states.push([
        /^\d+$/.test(task) && task !== "0" ? `${job}.${task}` : job,
        endOf(field("failed"), field("exit_status")),
      ]);
    }
  }
  return states;
}

function endOf(failed: string, exit: string): JobState {
  const code = Number(exit);
  const [number = "0", ...words] = failed.split(/\s*:\s*/);
  // 37: past its h_rt; 100: ended by a signal, as qdel does.
  if (code === 0 && number === "0") return { type: "ended", reason: "" };
  const signal = code > SIGNALLED ? code - SIGNALLED : undefined;
  if (number === "37" || (number === "100" && (signal === SIGTERM || signal === SIGKILL)))
    return { type: "ended", reason: words.join(": ") };
  const reason = words.join(": ") || "it did not end well";
  return signal === undefined
    ? { type: "failed", reason, exitCode: code }
    : { type: "failed", reason, signal };
}

function adviceOn(stderr: string): string {
  if (/unknown (cluster )?queue|queue .* does not exist|is unknown/i.test(stderr))
    return 'Set `queue` in [script] to one that "qconf -sql" lists.';
  if (/parallel environment|\bpe\b/i.test(stderr))
    return 'Name the site\'s in grain.toml, as "qconf -spl" lists them: [sge] parallel_environment = "…".';
  if (/no suitable queues/i.test(stderr))
    return "Ask for less in [script] (walltime, cores, memory), or use another `queue`.";
  return SEE_DRY;
}
