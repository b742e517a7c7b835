/** Names with places for the time of submission: `w{{HHMMSS}}`. */

import { isAbsolute, resolve } from "node:path";
import { ConfigError } from "../proto/errors.js";
import type { JobRequest } from "./provider.js";
import type { ProviderSettings } from "./settings.js";

/** What batch systems take as a name, of a common length. */
const JOB_NAME = /^[A-Za-z][\w.-]{0,62}$/;

function two(n: number): string {
  return String(n).padStart(2, "0");
}

/** The time as in `{{HHMMSS}}`, of this machine's zone. */
export function timeName(now: Date): string {
  return `${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
}

/** Fills in places; what is not known here stays as it is. */
export function fill(text: string, places: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{\{(\w+)\}\}/g, (whole, name: string) => places[name] ?? whole);
}

/**
 * The job that settings describe, at this time.
 *
 * @param extraArgs further arguments of the submit command
 * @param cwd where a relative log file is
 * @throws ConfigError for a name that batch systems do not take
 * @example
 * requestOf(settings, { now: new Date(), cwd: process.cwd() }).name // "w142305"
 */
export function requestOf(
  settings: ProviderSettings,
  { now, cwd, extraArgs = [] }: { now: Date; cwd: string; extraArgs?: readonly string[] },
): JobRequest {
  const HHMMSS = timeName(now);
  const name = fill(settings.jobName, { HHMMSS });
  if (!JOB_NAME.test(name))
    throw new ConfigError(
      `${JSON.stringify(name)} cannot name a job: a letter, then up to 62 letters, digits or _ . - are needed.`,
    );
  const log = fill(settings.logFile, { HHMMSS, NAME: name });
  return {
    name,
    logFile: isAbsolute(log) ? log : resolve(cwd, log),
    command: settings.workerCommand.map((word) => fill(word, { HHMMSS, NAME: name })),
    environment: settings.environment,
    extraArgs,
  };
}
