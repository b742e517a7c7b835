/** `grain cache`: the stored results of a head, or, where none is named, of this user's programs without one. */

import type { Command } from "commander";
import { formatDuration } from "../../proto/duration.js";
import { ConfigError, GrainError } from "../../proto/errors.js";
import type { CacheAnswer } from "../../proto/grain.js";
import { formatMemoryShort } from "../../proto/resource/amount.js";
import { chooseHead } from "../config.js";
import { type AskOptions, askHead } from "./ask-head.js";
import { examples } from "./examples.js";
import { formatTable } from "./table.js";

/** Flags of `grain cache rm`. */
export interface RemoveOptions extends AskOptions {
  readonly all?: boolean;
}

type Print = (text: string) => void;

/** So much of an id is shown; `rm` takes it. */
const ID_DIGITS = 12;

/** Adds the commands. @param common adds the flags that name a head */
export function addCache(
  cache: Command,
  common: (command: Command) => Command,
  choose: (act: () => Promise<number>) => void,
): void {
  const print: Print = (text) => void process.stdout.write(text);
  cache.description("Shows and removes stored results (cacheKey, detach).");
  const pattern = 'a function\'s name, in which "*" is anything, or the beginning of an id';
  common(cache.command("ls"))
    .description("Shows the stored results, used last first.")
    .argument("[pattern]", pattern)
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      examples(
        ["grain cache ls", "all of them"],
        ["grain cache ls 'energy*'", "of functions named like this"],
      ),
    )
    .action((text: string | undefined, options: AskOptions) =>
      choose(() => listResults(text ?? "", options, print)),
    );
  common(cache.command("rm"))
    .description("Removes stored results: they are computed again when they are needed.")
    .argument("[pattern]", pattern)
    .option("--all", "all of them")
    .option("--json", "what was removed, as JSON")
    .addHelpText(
      "after",
      examples(["grain cache rm energy", "results of this function"], ["grain cache rm --all", "everything"]),
    )
    .action((text: string | undefined, options: RemoveOptions) =>
      choose(() => removeResults(text ?? "", options, print)),
    );
}

/** Prints what is stored. */
export async function listResults(pattern: string, options: AskOptions, print: Print): Promise<number> {
  const answer = await ask(options, pattern, false);
  print(options.json === true ? json(answer) : show(answer, pattern));
  return 0;
}

/**
 * Removes results.
 *
 * @throws ConfigError when it is not said which; GrainError when there are none of those
 */
export async function removeResults(pattern: string, options: RemoveOptions, print: Print): Promise<number> {
  if ((pattern === "") === (options.all !== true))
    throw new ConfigError(
      pattern === ""
        ? "Which results are to be removed? Give a function's name or an id, as `grain cache ls` shows them, or --all."
        : "Give a pattern or --all, not both.",
    );
  const answer = await ask(options, pattern, true);
  if (answer.stores && answer.count === 0 && pattern !== "")
    throw new GrainError(`No stored result is like ${pattern}: \`grain cache ls\` shows what there is.`);
  if (options.json === true) print(json(answer));
  else {
    print(answer.count === 0 ? nothing(answer, pattern) : `Removed ${sum(answer)}.\n`);
  }
  return 0;
}

async function ask(options: AskOptions, pattern: string, remove: boolean): Promise<CacheAnswer> {
  const head = await chooseHead(
    { address: options.address, configFile: options.config },
    { env: process.env, cwd: process.cwd() },
  );
  if (head.type === "embedded") {
    const { embeddedResults } = await import("../embedded.js");
    return embeddedResults(pattern, remove);
  }
  return askHead(options, (connection) =>
    remove ? connection.removeResults(pattern) : connection.listResults(pattern),
  );
}

function json(answer: CacheAnswer): string {
  return `${JSON.stringify(answer.entries, undefined, 2)}\n`;
}

function show(answer: CacheAnswer, pattern: string): string {
  const { entries, limitBytes } = answer;
  if (entries.length === 0) return nothing(answer, pattern);
  const nowMs = Date.now();
  const table = formatTable(
    ["ID", "FUNCTION", "SIZE", "STORED", "USED", "FOR"],
    entries.map(({ id, function: name, byteLength, storedMs, usedMs, detached }) => [
      id.slice(0, ID_DIGITS),
      name,
      formatMemoryShort(byteLength),
      age(nowMs - storedMs),
      age(nowMs - usedMs),
      detached,
    ]),
  );
  const more = answer.count > entries.length ? `… and ${answer.count - entries.length} more\n` : "";
  return `${table}\n${more}${sum(answer)}, of at most ${formatMemoryShort(limitBytes)}.\n`;
}

function nothing({ stores }: CacheAnswer, pattern: string): string {
  if (!stores) return "This head stores no results: it was started without a journal.\n";
  return pattern === "" ? "No results are stored.\n" : `No stored result is like ${pattern}.\n`;
}

function sum({ count, byteLength }: CacheAnswer): string {
  return `${count} result${count === 1 ? "" : "s"}, ${formatMemoryShort(byteLength)}`;
}

function age(ms: number): string {
  return `${formatDuration(Math.max(0, Math.floor(ms / 1_000)) * 1_000)} ago`;
}
