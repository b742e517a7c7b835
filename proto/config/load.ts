/**
 * Reads `grain.toml`. Everything that concerns the file comes through here: programs and the head
 * read the part that concerns them, workers and commands the whole.
 */

import { dirname } from "node:path";
import { ConfigError, messageOf } from "../errors.js";
import { type Config, toConfig } from "./config.js";
import { entryOf, KEYS, type Key } from "./entries.js";
import { type ConfigText, findConfig, type Surroundings } from "./file.js";
import { Refusal } from "./kind.js";
import { Lines } from "./lines.js";
import { type Found, type Reading, readValues, Values } from "./read.js";
import { parseTable } from "./table.js";

/** Which configuration, in which surroundings. */
export interface LoadOptions extends Surroundings {
  /** A path; `false`: none. Default: GRAIN_CONFIG, or `grain.toml` in the working directory if there is one. */
  readonly configFile?: string | false | undefined;
  /** Tables and entries that are of interest, e.g. "head"; what stands elsewhere is not checked. Default: all. */
  readonly scope?: readonly string[] | undefined;
}

/**
 * Loads the configuration. Without a file, it holds what variables and defaults say.
 *
 * @throws ConfigError, with file and line, when it cannot be read or is wrong
 * @example
 * const { worker } = await loadConfig({ env: process.env, cwd: process.cwd() });
 */
export async function loadConfig({ configFile, env, cwd, scope }: LoadOptions): Promise<Config> {
  const found = await findConfig(configFile, { env, cwd });
  const reading = found === undefined ? { values: new Values(), warnings: [] } : await readText(found, scope);
  const values = reading.values.with(fromVariables({ env, cwd }, scope));
  return toConfig(found?.file, { ...reading, values });
}

/**
 * What a configuration's text sets.
 *
 * @param scope as of {@link LoadOptions}
 * @throws ConfigError with file and line
 */
export async function readText({ text, file }: ConfigText, scope?: readonly string[]): Promise<Reading> {
  const table = await parseTable(text, file);
  return readValues({ file, directory: dirname(file), table, lines: new Lines(text) }, scope);
}

/** Entries that variables set. An empty variable counts as one that is not set. */
function fromVariables({ env, cwd }: Surroundings, scope: readonly string[] | undefined): Map<Key, Found> {
  const found = new Map<Key, Found>();
  for (const key of KEYS) {
    const { kind, variable } = entryOf(key);
    const written = variable === undefined ? undefined : env[variable];
    if (variable === undefined || !written || scope?.includes(key) === false) continue;
    found.set(key, {
      value: fromVariable(variable, () => kind.read(written, cwd)),
      written,
      origin: { type: "environment", variable },
    });
  }
  return found;
}

function fromVariable<T>(variable: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new ConfigError(`The variable ${variable} ${messageOf(error)}.`, { cause: error });
  }
}
