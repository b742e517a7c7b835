/** The tables of docs/config.md, from the entries there are. */

import { tomlText } from "../../client/cli/toml-text.js";
import { entryOf, KEYS, type Key } from "../../proto/config/entries.js";

/** Tables whose entries are those of [script]. */
const LIKE_SCRIPT = ["head.script", "worker.script"];

/** A table of the documentation. */
export interface DocumentedTable {
  /** E.g. "head.gnaw"; "" for the top. */
  readonly name: string;
  /** With header, and a newline after each line. */
  readonly text: string;
}

/** What docs/config.md must hold. */
export function configTables(): DocumentedTable[] {
  const rows = new Map<string, string[]>();
  for (const key of KEYS) {
    const at = key.lastIndexOf(".");
    const table = key.slice(0, Math.max(0, at));
    if (LIKE_SCRIPT.includes(table)) continue;
    rows.set(table, [...(rows.get(table) ?? []), row(key, key.slice(at + 1))]);
  }
  return [...rows].map(([name, lines]) => ({
    name,
    text: `| entry | value | default | |\n| --- | --- | --- | --- |\n${lines.join("\n")}\n`,
  }));
}

function row(key: Key, name: string): string {
  const { kind, initial, without, about, variable } = entryOf(key);
  const byDefault = initial === undefined ? (without ?? "") : `\`${tomlText(initial)}\``;
  const before = variable === undefined ? "" : `; the variable \`${variable}\` goes before it`;
  return `| \`${name}\` | ${kind.expected} | ${byDefault} | ${about}${before} |`;
}
