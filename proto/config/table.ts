/** The text of a configuration file as a table. */

import { ConfigError } from "../errors.js";

/** What a TOML file comes to. */
export type Table = Readonly<Record<string, unknown>>;

/**
 * Parses a configuration, loading the parser only when there is one.
 *
 * @param text the TOML
 * @param file for messages
 * @throws ConfigError with file, line and column
 * @example await parseTable('address = "cluster:7700"', "grain.toml")
 */
export async function parseTable(text: string, file: string): Promise<Table> {
  const { parse, TomlError } = await import("smol-toml");
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const { line, column } = error;
    const what = error.message.split("\n")[0] + adviceOn(text.split("\n")[line - 1] ?? "");
    throw new ConfigError(`${file}:${line}:${column}: ${what}`, { file, line, cause: error });
  }
}

/** TOML cannot have both `system = "custom"` and the table that describes it. */
function adviceOn(line: string): string {
  return /^\s*\[\s*system\s*\./.test(line)
    ? '; leave out the line "system = …" above: the table [system.custom] says it'
    : "";
}

/** Whether a value is a table, and not a list, a date or a plain value. */
export function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
