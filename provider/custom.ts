/** A batch system that the configuration describes: [system.custom]. */

import { formatDuration } from "../proto/duration.js";
import { ConfigError } from "../proto/errors.js";
import { batchSystem, SEE_DRY } from "./batch.js";
import type { JobId, JobRequest, JobState, Provider } from "./provider.js";
import { jobWord } from "./quote.js";
import { jobScript } from "./script.js";
import type { CustomSettings, ProviderSettings } from "./settings.js";

const MEBIBYTE = 2 ** 20;
const PLACE = /\{\{\s*(\w+)\s*\}\}/g;

/**
 * Jobs of a system of the site's own.
 *
 * @throws ConfigError when a command is missing
 * @example
 * const ids = await custom(settings).submit(job, 4);
 */
export function custom(settings: ProviderSettings): Provider {
  const system = settings.custom ?? NOTHING;
  const { submit, status, cancel, jobIdPattern } = system;
  const pattern = new RegExp(jobIdPattern ?? String.raw`\S+`, "m");
  return batchSystem(
    // There is no telling how it writes arrays.
    { ...settings, array: false },
    {
      title: "the batch system of [system.custom]",
      script: (job) => scriptOf(job, settings, system),
      submit: (job) => [...needed(submit, "submit"), ...job.extraArgs],
      ids(stdout) {
        const match = pattern.exec(stdout);
        const id = match?.[1] ?? match?.[0];
        return id === undefined ? undefined : [id];
      },
      advice: () => SEE_DRY,
      list: (ids) => [...needed(status, "status"), ...ids],
      states: (answer) => (answer.exitCode === 0 ? readStates(answer.stdout, system) : undefined),
      cancel: (ids) => [...needed(cancel, "cancel"), ...ids],
    },
  );
}

const NOTHING: CustomSettings = {
  states: { queued: [], running: [], ended: [], failed: [] },
  directives: [],
};

function needed(command: readonly string[] | undefined, key: string): readonly string[] {
  if (command !== undefined && command.length > 0) return command;
  throw new ConfigError(
    `[system.custom] has no \`${key}\` in grain.toml; give the command, such as ${key} = "my-${key}".`,
  );
}

/** Lines of three words or more: id, state, reason. Those with other words for a state are passed over. */
function readStates(text: string, { states }: CustomSettings): [JobId, JobState][] {
  return text.split("\n").flatMap((line): [JobId, JobState][] => {
    const [id = "", word = "", ...rest] = line.trim().split(/\s+/);
    const reason = rest.join(" ");
    if (states.queued.includes(word)) return [[id, { type: "queued", reason }]];
    if (states.running.includes(word)) return [[id, { type: "running", host: "" }]];
    if (states.failed.includes(word)) return [[id, { type: "failed", reason: reason || word }]];
    return states.ended.includes(word) ? [[id, { type: "ended", reason: reason || word }]] : [];
  });
}

function scriptOf(
  job: JobRequest,
  { script }: ProviderSettings,
  { directives, idVariable }: CustomSettings,
): string {
  const places: Readonly<Record<string, string>> = {
    name: job.name,
    log: job.logFile,
    queue: script.queue ?? "",
    walltime:
      script.walltimeMs === undefined ? "" : formatDuration(Math.ceil(script.walltimeMs / 1_000) * 1_000),
    cores: script.cores === undefined ? "" : String(script.cores),
    memoryMiB: script.memoryBytes === undefined ? "" : String(Math.ceil(script.memoryBytes / MEBIBYTE)),
  };
  let isLogNamed = false;
  const filled = directives.map((line) =>
    line.replaceAll(PLACE, (place, word: string) => {
      const value = places[word];
      if (value === undefined) throw new ConfigError(unknown(place, Object.keys(places)));
      isLogNamed ||= word === "log";
      return value;
    }),
  );
  if (isLogNamed && job.logFile.includes("{{JOB}}"))
    throw new ConfigError(
      "{{log}} in `directives` of [system.custom] would name a file before the job's id is known. Leave it out: the script writes its log itself.",
    );
  return jobScript(job, script, {
    system: "custom",
    directives: filled,
    // Where nothing tells the id, the process's has to do.
    id: idVariable === undefined ? "$$" : `\${${idVariable}}`,
    ...(isLogNamed ? {} : { before: [`exec >>${jobWord(job.logFile)} 2>&1`] }),
  });
}

function unknown(place: string, known: readonly string[]): string {
  const names = known.map((name) => `{{${name}}}`).join(", ");
  return `\`directives\` of [system.custom] mention ${place}; there are ${names}.`;
}
