/** `grain config show`: what the configuration comes to, and what says so. */

import type { Command } from "commander";
import type { Config } from "../../proto/config/config.js";
import { originOf } from "../../proto/config/config.js";
import { ENTRIES, entryOf, KEYS, type Key } from "../../proto/config/entries.js";
import { loadConfig } from "../../proto/config/load.js";
import { type Paint, painter } from "./colour.js";
import { examples } from "./examples.js";
import { configFlag } from "./head-flags.js";
import { tomlText } from "./toml-text.js";

/** Flags of `grain config show`. */
export interface ShowFlags {
  readonly config?: string;
  readonly json?: boolean;
  readonly all?: boolean;
}

/** An entry as `--json` gives it. */
export interface ShownEntry {
  /** E.g. "worker.log_file". */
  readonly key: string;
  /** As it is written in the file; null: nothing is set. */
  readonly value: unknown;
  readonly source: "file" | "environment" | "default";
  /** From 1; of source "file". */
  readonly line?: number;
  /** Of source "environment". */
  readonly variable?: string;
  /** Where nothing is set: what applies, in words. */
  readonly applies?: string;
}

const EXAMPLES = examples(
  ["grain config show", "what is set, and what applies otherwise"],
  ["grain config show --all", "every entry there is"],
  ["grain config show --json | jq .file", "for programs: see docs/config.md"],
);

/** Adds the commands. */
export function addConfig(program: Command, choose: (act: () => Promise<number>) => void): void {
  const config = program.command("config").description("Shows the configuration.").exitOverride();
  configFlag(config.command("show"))
    .description("Shows the effective values and where each comes from.")
    .option("--all", "entries that are not set, too")
    .option("--json", "as JSON")
    .allowExcessArguments(false)
    .addHelpText("after", EXAMPLES)
    .exitOverride()
    .action((flags: ShowFlags) => choose(() => show(flags)));
}

async function show(flags: ShowFlags): Promise<number> {
  const config = await loadConfig({ configFile: flags.config, env: process.env, cwd: process.cwd() });
  for (const warning of config.warnings) process.stderr.write(`grain: ${warning}\n`);
  const text =
    flags.json === true
      ? `${JSON.stringify({ file: config.file ?? null, entries: shownEntries(config), warnings: config.warnings }, undefined, 2)}\n`
      : showConfig(config, flags.all === true, painter(process.stdout, process.env));
  process.stdout.write(text);
  return 0;
}

/** Every entry, in the order of the documentation. */
export function shownEntries(config: Config): ShownEntry[] {
  return KEYS.map((key) => {
    const { initial, without } = entryOf(key);
    const found = config.entries.get(key);
    const origin = originOf(config, key);
    const value = found?.written ?? initial ?? null;
    const rest = value === null && without !== undefined ? { applies: without } : {};
    if (origin.type === "file") return { key, value, source: "file", line: origin.line };
    if (origin.type === "environment")
      return { key, value, source: "environment", variable: origin.variable };
    return { key, value, source: "default", ...rest };
  });
}

/**
 * A configuration for people, in the form of the file.
 *
 * @param all entries that are not set, too
 */
export function showConfig(config: Config, all: boolean, paint: Paint): string {
  const title =
    config.file === undefined ? "There is no configuration file." : `The configuration ${config.file}`;
  const lines = [paint("bold", `# ${title}`)];
  let table = "";
  for (const entry of shownEntries(config)) {
    const at = entry.key.lastIndexOf(".");
    const [own, name] = at < 0 ? ["", entry.key] : [entry.key.slice(0, at), entry.key.slice(at + 1)];
    if (!all && !isOfInterest(entry, own, config)) continue;
    if (own !== table) lines.push("", paint("bold", `[${own}]`));
    table = own;
    lines.push(...entryLines(name, entry, paint));
  }
  return `${lines.join("\n")}\n`;
}

/** Tables that matter to one way of starting workers only. */
const OF_SYSTEMS: readonly string[] = ["ssh", "kubernetes", "pbs", "sge", "system.custom"];
/** Tables that say little until something in them is set. */
const QUIET: readonly string[] = ["head.gnaw", "head.script", "worker.script"];

function isOfInterest(entry: ShownEntry, table: string, { system }: Config): boolean {
  if (entry.source !== "default") return true;
  if ("useless" in ENTRIES[entry.key as Key] || QUIET.includes(table)) return false;
  return !OF_SYSTEMS.includes(table) || table === (system === "custom" ? "system.custom" : system);
}

const WIDTH = 80;
const COMMENT_COLUMN = 44;

function entryLines(name: string, entry: ShownEntry, paint: Paint): string[] {
  if (entry.applies !== undefined) {
    const text = `# ${name}: ${entry.applies}`;
    return [paint("dim", text.padEnd(COMMENT_COLUMN) + (text.length < COMMENT_COLUMN ? " # default" : ""))];
  }
  const comment = `# ${commentOn(entry)}`;
  const text = `${name} = ${tomlText(entry.value)}`;
  if (text.includes("\n") || Math.max(text.length, COMMENT_COLUMN) + comment.length + 1 > WIDTH)
    return [paint("dim", comment), text];
  return [`${text.padEnd(COMMENT_COLUMN)} ${paint("dim", comment)}`];
}

function commentOn({ source, line, variable }: ShownEntry): string {
  if (source === "file") return `line ${line}`;
  return source === "environment" ? (variable ?? "") : "default";
}
