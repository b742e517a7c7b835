/** The head's part of a configuration: `[head.scheduling]`. What is in other tables is not looked at. */

import { schedulingOf } from "../proto/config/config.js";
import { findConfig, type Surroundings } from "../proto/config/file.js";
import { readText } from "../proto/config/load.js";
import type { SchedulingOptions } from "./core/options.js";

/**
 * Reads the scheduling options of a configuration file.
 *
 * @param configFile a path; undefined: GRAIN_CONFIG, or `grain.toml` in the working directory if there is one
 * @returns what is set there; empty without a file
 * @throws ConfigError, with file and line, when it cannot be read or is wrong
 * @example
 * await loadScheduling("site.toml", { env: process.env, cwd: process.cwd() }); // { reserveAfterMs: 10_000 }
 */
export async function loadScheduling(
  configFile: string | undefined,
  around: Surroundings,
): Promise<Partial<SchedulingOptions>> {
  const found = await findConfig(configFile, around);
  return found === undefined ? {} : schedulingIn(found.text, found.file);
}

/**
 * The scheduling options in a configuration.
 *
 * @param text the TOML
 * @param file for messages
 * @throws ConfigError with file and line
 */
export async function schedulingIn(text: string, file: string): Promise<Partial<SchedulingOptions>> {
  const { values } = await readText({ text, file }, ["head.scheduling"]);
  return schedulingOf(values);
}
