/** The text of a configuration file as a table. */

import { ConfigError } from "./errors.js";

/**
 * Parses a configuration, loading the parser only when there is one.
 *
 * @param text the TOML
 * @param file for messages
 * @throws ConfigError with file, line and column
 * @example await parseTable('address = "cluster:7700"', "grain.toml")
 */
export async function parseTable(text: string, file: string): Promise<unknown> {
  const { parse, TomlError } = await import("smol-toml");
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const { line, column } = error;
    const what = error.message.split("\n")[0];
    throw new ConfigError(`${file}:${line}:${column}: ${what}`, { file, line, cause: error });
  }
}
