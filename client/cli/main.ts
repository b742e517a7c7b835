/** The `grain` command: what it understands, and its exit codes. Each subcommand is a file of its own. */

import { Command, CommanderError } from "commander";
import { ConfigError, messageOf } from "../../proto/errors.js";
import { usageLine } from "../../proto/usage.js";
import { VERSION } from "../../proto/version.js";
import { addAccess } from "./access.js";
import { addCache } from "./cache.js";
import { addConfig } from "./config.js";
import { addDoctor } from "./doctor.js";
import { type ExplainOptions, explain } from "./explain.js";
import { headFlags } from "./head-flags.js";
import { addInit } from "./init.js";
import { type LsOptions, ls } from "./ls.js";
import { addQuit } from "./quit.js";
import { type RunFlags, runFile } from "./run.js";
import { addSimulate } from "./simulate.js";
import { addStart } from "./start.js";
import { addUp } from "./up.js";

const FAILURE = 1;
const BAD_USAGE = 2;

/** What the command line asks for: resolves to the exit code. */
type Action = () => Promise<number>;

/**
 * Runs the command.
 *
 * @param argv its arguments, without the program's name
 * @returns the exit code: 0, 1 for a failure, 2 for bad usage; for `run` the program's own
 * @throws what a program that `run` runs throws while it is loaded
 * @example
 * process.exitCode = await main(process.argv.slice(2));
 */
export async function main(argv: string[]): Promise<number> {
  let action: Action | undefined;
  const program = commands((chosen) => {
    action = chosen;
  });
  try {
    program.parse(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    process.stderr.write(usageLine(program, error));
    return BAD_USAGE;
  }
  return action === undefined ? BAD_USAGE : action();
}

/** One line for an error, and the exit code it stands for. */
async function reporting(act: Action): Promise<number> {
  try {
    return await act();
  } catch (error) {
    process.stderr.write(`grain: ${messageOf(error)}\n`);
    return error instanceof ConfigError ? BAD_USAGE : FAILURE;
  }
}

function commands(choose: (action: Action) => void): Command {
  const program = new Command("grain")
    .description("Schedules functions and programs over many machines.")
    .version(VERSION)
    .enablePositionalOptions()
    // Errors are told in one line, see above.
    .configureOutput({ writeErr: () => {}, outputError: () => {} })
    .exitOverride();
  headFlags(program.command("run"))
    .description("Runs a TypeScript or JavaScript program, with no build step.")
    .argument("<file>", "the program")
    .argument("[args...]", "its arguments")
    .passThroughOptions()
    .action((file: string, args: string[], flags: RunFlags) => {
      choose(() => runFile(file, args, flags));
    });
  headFlags(program.command("ls"))
    .description("Shows the workers with what is free on them, the queue and the clients.")
    .option("--json", "as JSON")
    .action((options: LsOptions) => {
      choose(() => reporting(() => ls(options, (text) => process.stdout.write(text))));
    });
  headFlags(program.command("explain"))
    .description("Says where a task is and, while it waits, why.")
    .argument("<task>", "its session and number, as in errors, e.g. 1.6")
    .option("--json", "as JSON")
    .action((task: string, options: ExplainOptions) => {
      choose(() => reporting(() => explain(task, options, (text) => process.stdout.write(text))));
    });
  addCache(headFlags(program.command("cache")), headFlags, (act) => choose(() => reporting(act)));
  addUp(program, (act) => choose(() => reporting(act)));
  addStart(program, (act) => choose(() => reporting(act)));
  addQuit(program, (act) => choose(() => reporting(act)));
  addSimulate(program, (act) => choose(() => reporting(act)));
  addAccess(program, (act) => choose(() => reporting(act)));
  addInit(program, (act) => choose(() => reporting(act)));
  addConfig(program, (act) => choose(() => reporting(act)));
  addDoctor(program, (act) => choose(() => reporting(act)));
  return program;
}
