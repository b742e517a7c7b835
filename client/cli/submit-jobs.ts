/** What `grain up` and `grain start` have in common: jobs are submitted, noted, and told of. */

import { chooseAccess } from "../../proto/access/place.js";
import type { Config } from "../../proto/config/config.js";
import { loadConfig } from "../../proto/config/load.js";
import type { Around } from "../../provider/from-config.js";
import type { BookedJob, JobRequest, Provider, ProviderSettings } from "../../provider/index.js";
import type { AskOptions } from "./ask-head.js";

/** Where what a command says goes. */
export interface Voice {
  /** What was asked for. */
  print(text: string): void;
  /** What else is to be known; a sentence. */
  warn(text: string): void;
}

/** Standard output and standard error. */
export const ALOUD: Voice = {
  print: (text) => void process.stdout.write(text),
  warn: (text) => void process.stderr.write(`grain: ${text}\n`),
};

/** The configuration that flags name, with its warnings told. */
export async function configOf(flags: AskOptions, { warn }: Voice): Promise<Config> {
  const config = await loadConfig({ configFile: flags.config, env: process.env, cwd: process.cwd() });
  for (const warning of config.warnings) warn(warning);
  return config;
}

/** What flags say beside the configuration. */
export function aroundOf(flags: AskOptions, config: Config): Around {
  return {
    address: flags.address,
    access: chooseAccess(flags, process.env, config.access),
  };
}

/**
 * Submits a job so many times, and notes what was submitted, also when it went wrong after a few.
 *
 * @throws ConfigError for a directory of logs that cannot be made; ProviderError
 */
export async function submitJobs(
  role: BookedJob["role"],
  settings: ProviderSettings,
  provider: Provider,
  job: JobRequest,
  count: number,
): Promise<BookedJob[]> {
  const { bookDirectory, ProviderError, submitBooked } = await import("../../provider/index.js");
  try {
    return await submitBooked(provider, settings, { role, job, count, book: bookDirectory(process.env) });
  } catch (error) {
    if (!(error instanceof ProviderError) || error.submitted.length === 0) throw error;
    const some = `${error.submitted.length} of ${count} jobs were submitted before that: ${idsOf(error.submitted.map((id) => ({ id })))}.`;
    throw new ProviderError(`${error.message} ${some}`, { cause: error, submitted: error.submitted });
  }
}

/** More than these are not spelt out. */
const MOST_IDS = 8;

/** Ids for people. */
export function idsOf(jobs: readonly { readonly id: string }[]): string {
  const shown = jobs.slice(0, MOST_IDS).map(({ id }) => id);
  const more = jobs.length - shown.length;
  return more === 0 ? shown.join(", ") : `${shown.join(", ")} and ${more} more`;
}
