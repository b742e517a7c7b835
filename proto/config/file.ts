/** Which file is the configuration, and its text. */

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { ConfigError, messageOf } from "../errors.js";

/** The surroundings in which a configuration is looked for. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The working directory. */
  readonly cwd: string;
}

const DEFAULT_CONFIG = "grain.toml";

/** A file that was found. */
export interface ConfigText {
  /** Its absolute path. */
  readonly file: string;
  readonly text: string;
}

/**
 * Finds and reads the configuration.
 *
 * @param configFile a path; `false`: none. Default: GRAIN_CONFIG, or `grain.toml` in the working directory if there is one
 * @returns undefined: there is none
 * @throws ConfigError when it cannot be read
 */
export async function findConfig(
  configFile: string | false | undefined,
  { env, cwd }: Surroundings,
): Promise<ConfigText | undefined> {
  if (configFile === false) return undefined;
  const named = configFile ?? (env.GRAIN_CONFIG || undefined);
  const file = resolve(cwd, named ?? DEFAULT_CONFIG);
  try {
    return { file, text: await readFile(file, "utf8") };
  } catch (error) {
    if (named === undefined && (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    const origin = configFile === undefined && named !== undefined ? " (named by GRAIN_CONFIG)" : "";
    throw new ConfigError(`The configuration ${file}${origin} cannot be read: ${messageOf(error)}`, {
      file,
      cause: error,
    });
  }
}
