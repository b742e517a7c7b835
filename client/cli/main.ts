/** The `grain` command: what it understands, and its exit codes. Each subcommand is a file of its own. */

import { Command, CommanderError } from "commander";
import { ConfigError, ConnectionError, messageOf, ResourceError } from "../../proto/errors.js";
import { usageLine } from "../../proto/usage.js";
import { VERSION } from "../../proto/version.js";
import { addAccess } from "./access.js";
import { addCache } from "./cache.js";
import { addCancel } from "./cancel.js";
import { addCompletion } from "./completion.js";
import { addConfig } from "./config.js";
import { addDoctor } from "./doctor.js";
import { examples } from "./examples.js";
import { addExplain } from "./explain.js";
import { addVerbose, headFlags } from "./head-flags.js";
import { addHealth } from "./health.js";
import { addInit } from "./init.js";
import { addJobs } from "./jobs.js";
import { leaveSoon } from "./leave.js";
import { addLs } from "./ls.js";
import { addQuit } from "./quit.js";
import { type RunFlags, runFile } from "./run.js";
import { addScale } from "./scale.js";
import { stackOf } from "./show-error.js";
import { addSimulate } from "./simulate.js";
import { addStart } from "./start.js";
import { addUp } from "./up.js";
import { addWait } from "./wait.js";

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

/** One line for an error, and the exit code it stands for. @param verbose where it comes from as well */
async function reporting(act: Action, verbose: boolean): Promise<number> {
  process.stdout.off("error", leaveUnread).on("error", leaveUnread);
  try {
    return await act();
  } catch (error) {
    process.stderr.write(`grain: ${verbose ? stackOf(error) : messageOf(error)}\n`);
    if (error instanceof ConnectionError) leaveSoon();
    return error instanceof ConfigError || error instanceof ResourceError ? BAD_USAGE : FAILURE;
  }
}

/** Whoever reads has had enough, as `head` does: nothing is wrong. */
function leaveUnread(error: NodeJS.ErrnoException): void {
  process.exit(error.code === "EPIPE" ? 0 : FAILURE);
}

/**
 * All that the command understands.
 *
 * @param choose is told what the command line asks for, when it has been parsed
 */
export function commands(choose: (action: Action) => void): Command {
  let verbose = false;
  const program = new Command("grain")
    .description("Schedules functions and programs over many machines.")
    .version(VERSION)
    .enablePositionalOptions()
    // Errors are told in one line, see above.
    .configureOutput({ writeErr: () => {}, outputError: () => {} })
    .hook("preAction", (_, command) => {
      verbose = command.optsWithGlobals<{ verbose?: true }>().verbose === true;
    })
    .addHelpText("after", "\n`grain COMMAND --help` shows a command's flags and examples.\n")
    .exitOverride();
  headFlags(program.command("run"))
    .description("Runs a TypeScript or JavaScript program, with no build step.")
    .argument("<file>", "the program")
    .argument("[args...]", "its arguments")
    .passThroughOptions()
    .addHelpText(
      "after",
      examples(
        ["grain run sweep.ts", "on this machine"],
        ["grain run --address cluster:7700 sweep.ts 10", "10 is the program's"],
      ),
    )
    .action((file: string, args: string[], flags: RunFlags) => {
      choose(() => runFile(file, args, { ...flags, verbose }));
    });
  const report = (act: Action) => choose(() => reporting(act, verbose));
  addLs(program, headFlags, report);
  addJobs(program, headFlags, report);
  addWait(program, headFlags, report);
  addCancel(program, headFlags, report);
  addExplain(program, headFlags, report);
  addCache(program.command("cache").exitOverride(), headFlags, report);
  addUp(program, report);
  addStart(program, report);
  addScale(program, headFlags, report);
  addQuit(program, report);
  addSimulate(program, report);
  addAccess(program, report);
  addInit(program, report);
  addConfig(program, report);
  addDoctor(program, report);
  addHealth(program, headFlags, report);
  addCompletion(program, headFlags, report);
  addVerbose(program);
  return program;
}
