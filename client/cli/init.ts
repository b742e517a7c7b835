/** `grain init`: writes a commented `grain.toml` to start from. */

import { existsSync, statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { delimiter, dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { type Command, InvalidArgumentError } from "commander";
import { SYSTEM_NAMES } from "../../proto/config/entries.js";
import { ConfigError, GrainError } from "../../proto/errors.js";
import { nearest } from "../../proto/resource/show.js";
import { examples } from "./examples.js";
import { type StarterSystem, starterText } from "./starter.js";

/** Flags of `grain init`. */
export interface InitFlags {
  readonly config?: string;
  readonly system?: StarterSystem;
  readonly force?: boolean;
}

const EXAMPLES = examples(
  ["grain init", "asks which system there is"],
  ["grain init --system slurm", "for Slurm; then edit grain.toml"],
  ["grain init -c site.toml --force", "writes over site.toml"],
);

/** Adds the command. */
export function addInit(program: Command, choose: (act: () => Promise<number>) => void): void {
  program
    .command("init")
    .description("Writes a commented grain.toml to start from.")
    .option("-c, --config <file>", "the file to write (default: ./grain.toml)")
    .option("--system <system>", `how workers are started: ${SYSTEM_NAMES.join(", ")}`, readSystem)
    .option("--force", "replaces a file that is there")
    .allowExcessArguments(false)
    .addHelpText("after", EXAMPLES)
    .exitOverride()
    .action((flags: InitFlags) => choose(() => init(flags)));
}

function readSystem(text: string): StarterSystem {
  const system = systemOf(text);
  if (system !== undefined) return system;
  throw new InvalidArgumentError(`Expected one of ${SYSTEM_NAMES.join(", ")}.`);
}

/** They are not written everywhere as they are here. */
function systemOf(text: string): StarterSystem | undefined {
  return SYSTEM_NAMES.find((name) => name === text.toLowerCase());
}

async function init({ config, system, force = false }: InitFlags): Promise<number> {
  const file = resolve(config ?? "grain.toml");
  checkPlace(file, force);
  const likely = likelySystem(process.env.PATH ?? "");
  const chosen = system ?? (process.stdin.isTTY === true ? await askSystem(likely, process) : likely);
  try {
    await writeFile(file, starterText(chosen), { flag: force ? "w" : "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw alreadyThere(file);
    throw new GrainError(`${file} cannot be written: ${(error as Error).message}`, { cause: error });
  }
  process.stdout.write(`Wrote ${file} for ${nameOf(chosen)}.\n${nextStep(chosen, config)}`);
  return 0;
}

/** Before anything is asked. */
function checkPlace(file: string, force: boolean): void {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats?.isDirectory() === true)
    throw new ConfigError(`${file} is a directory; name a file in it, such as ${join(file, "grain.toml")}.`);
  if (!force && stats !== undefined) throw alreadyThere(file);
  if (!existsSync(dirname(file)))
    throw new GrainError(`${file} cannot be written: there is no directory ${dirname(file)}; make it first.`);
}

function alreadyThere(file: string): GrainError {
  return new GrainError(`${file} is there already; name another with -c, or replace it with --force.`);
}

/** By their commands, the more telling ones first. */
const COMMANDS: readonly (readonly [command: string, system: StarterSystem])[] = [
  ["sbatch", "slurm"],
  ["bsub", "lsf"],
  ["qconf", "sge"],
  ["qsub", "pbs"],
];

/**
 * The system that this machine seems to have.
 *
 * @param path the variable PATH
 */
export function likelySystem(path: string): StarterSystem {
  const has = (command: string) =>
    path.split(delimiter).some((each) => each !== "" && existsSync(join(each, command)));
  return COMMANDS.find(([command]) => has(command))?.[1] ?? "local";
}

/** Where questions are asked. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream;
}

/**
 * Asks until there is an answer.
 *
 * @param likely what an empty answer means
 * @throws ConfigError when the input ends
 */
export async function askSystem(likely: StarterSystem, { stdin, stdout }: Terminal): Promise<StarterSystem> {
  const lines = createInterface({ input: stdin, output: stdout });
  // Before the question: who answers at once is heard.
  const answers = lines[Symbol.asyncIterator]();
  try {
    lines.setPrompt(`How are workers started (${SYSTEM_NAMES.join(", ")})?\n[${likely}] `);
    lines.prompt();
    for await (const line of answers) {
      const answer = line.trim();
      const system = answer === "" ? likely : systemOf(answer);
      if (system !== undefined) return system;
      const near = nearest(answer, SYSTEM_NAMES);
      stdout.write(
        `${JSON.stringify(answer)} is none of them${near === undefined ? "." : `; did you mean ${near}?`}\n`,
      );
      lines.prompt();
    }
  } finally {
    lines.close();
  }
  throw new ConfigError("Nothing was answered and nothing written; say it with --system.");
}

function nameOf(system: StarterSystem): string {
  return system === "local" ? "this machine" : system;
}

/** @param named the file, where it is not the one that commands take by themselves */
function nextStep(system: StarterSystem, named: string | undefined): string {
  const edit = system === "local" ? "" : "Edit what is marked with <…> in it.\n";
  const flag = named === undefined ? "" : ` -c ${named}`;
  return `${edit}Check it with "grain doctor${flag}".\nSee all of it with "grain config show${flag}".\n`;
}
