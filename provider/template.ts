/** The job that settings describe, with the names that it gets at this moment. */

import { hostname } from "node:os";
import { isAbsolute, resolve } from "node:path";
import { ConfigError } from "../proto/errors.js";
import { fillTemplate } from "../proto/template.js";
import type { JobRequest } from "./provider.js";
import type { ProviderSettings } from "./settings.js";

/** What batch systems take as a name, of a common length. */
const JOB_NAME = /^[A-Za-z][\w.-]{0,62}$/;

/**
 * The job that settings describe, at this time.
 *
 * @param around the time; where a relative log file is; further arguments of the submit command
 * @throws ConfigError for a name that batch systems do not take
 * @example
 * requestOf(settings, { now: new Date(), cwd: process.cwd() }).name // "w142305"
 */
export function requestOf(
  settings: ProviderSettings,
  { now, cwd, extraArgs = [] }: { now: Date; cwd: string; extraArgs?: readonly string[] },
): JobRequest {
  const values = { now, host: hostname(), pid: process.pid };
  const name = fillTemplate(settings.jobName, values);
  if (!JOB_NAME.test(name))
    throw new ConfigError(
      `${JSON.stringify(name)} cannot name a job: a letter, then up to 62 letters, digits or _ . - are needed.`,
    );
  // Not known before it is submitted: it stays.
  const log = settings.logFile
    .split("{{JOB}}")
    .map((part) => fillTemplate(part, { ...values, name }))
    .join("{{JOB}}");
  return {
    name,
    logFile: isAbsolute(log) ? log : resolve(cwd, log),
    command: settings.workerCommand.map((word) => word.replaceAll("{{NAME}}", name)),
    environment: settings.environment,
    extraArgs,
  };
}
