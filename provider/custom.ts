/** A batch system that the configuration describes: [system.custom]. */

import { ConfigError } from "../proto/errors.js";
import { batchSystem, SEE_DRY } from "./batch.js";
import type { JobId, JobRequest, JobState, Provider } from "./provider.js";
import { jobWord, shellWords } from "./quote.js";
import { jobScript } from "./script.js";
import type { CustomSettings, ProviderSettings } from "./settings.js";

const MEBIBYTE = 2 ** 20;
const PLACE = /\{\{\s*(\w+)\s*\}\}/g;
const COMMAND = "command";

/**
 * Jobs of a system of the site's own.
 *
 * @throws ConfigError when a command is missing
 * @example
 * const ids = await custom(settings).submit(job, 4);
 */
export function custom(settings: ProviderSettings): Provider {
  const { submit, status, cancel, ...more } = settings.custom ?? { queued: [], running: [], failed: [] };
  const title = "the batch system of [system.custom]";
  return batchSystem(
    // There is no telling how it writes arrays.
    { ...settings, array: false },
    {
      title,
      script: (job) => scriptOf(job, settings, more.template),
      submit: (job) => [...needed(submit, "submit"), ...job.extraArgs],
      ids(stdout) {
        const match = (more.jobId ?? /(\S+)/).exec(stdout);
        const id = match?.[1] ?? match?.[0];
        return id === undefined ? undefined : [id];
      },
      advice: () => SEE_DRY,
      list: (ids) => [...needed(status, "status"), ...ids],
      states: (answer) => (answer.exitCode === 0 ? readStates(answer.stdout, more) : undefined),
      cancel: (ids) => [...needed(cancel, "cancel"), ...ids],
    },
  );
}

function needed(command: readonly string[] | undefined, key: string): readonly string[] {
  if (command !== undefined && command.length > 0) return command;
  throw new ConfigError(
    `[system.custom] has no \`${key}\` in grain.toml; give the command, such as ${key} = "my-${key}".`,
  );
}

/** Lines that it does not understand are others'. */
function readStates(
  text: string,
  { jobState, queued, running, failed }: CustomSettings,
): [JobId, JobState][] {
  return text.split("\n").flatMap((line): [JobId, JobState][] => {
    const match = (jobState ?? /^\s*(\S+)\s+(\S+)/).exec(line);
    const [, id, word] = match ?? [];
    if (id === undefined || word === undefined) return [];
    if (queued.includes(word)) return [[id, { type: "queued", reason: "" }]];
    if (running.includes(word)) return [[id, { type: "running", host: "" }]];
    if (failed.includes(word)) return [[id, { type: "failed", reason: word }]];
    return [[id, { type: "ended", reason: word }]];
  });
}

/**
 * The usual script, whose log is written by itself; or the site's template.
 * In the job the id is what GRAIN_JOB_ID holds; where the system tells none, it is the process's.
 */
function scriptOf(job: JobRequest, settings: ProviderSettings, template: string | undefined): string {
  const { script } = settings;
  if (template === undefined) {
    const before = [`exec >>${jobWord(job.logFile)} 2>&1`];
    return jobScript(job, script, { system: "custom", directives: [], id: "${GRAIN_JOB_ID:-$$}", before });
  }
  const command = "GRAIN_COMMAND";
  const places: Readonly<Record<string, string>> = {
    name: job.name,
    queue: script.queue ?? "",
    walltime: script.walltimeMs === undefined ? "" : String(Math.ceil(script.walltimeMs / 1_000)),
    cores: script.cores === undefined ? "" : String(script.cores),
    memory: script.memoryBytes === undefined ? "" : String(Math.ceil(script.memoryBytes / MEBIBYTE)),
    log: job.logFile,
    extra_args: shellWords(script.extraArgs),
  };
  if (!new RegExp(String.raw`\{\{\s*${COMMAND}\s*\}\}`).test(template))
    throw new ConfigError("The template of [system.custom] has no {{command}}: nothing would be run.");
  const filled = template.replaceAll(PLACE, (place, word: string) => {
    if (word === COMMAND) return command;
    const value = places[word];
    if (value !== undefined) return value;
    throw new ConfigError(
      `The template of [system.custom] mentions ${place}; there are ${[...Object.keys(places), COMMAND].map((name) => `{{${name}}}`).join(", ")}.`,
    );
  });
  // Set-up, worker and clean-up stand where the template wants them; its own first line is the job's.
  const [, ...body] = jobScript(job, script, { system: "custom", directives: [], id: "${GRAIN_JOB_ID:-$$}" })
    .trimEnd()
    .split("\n");
  return filled.replace(command, () => body.join("\n"));
}
