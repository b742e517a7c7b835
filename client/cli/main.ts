/** The `grain` command: what it understands, and its exit codes. Each subcommand is a file of its own. */

import { Command, CommanderError } from "commander";
import { ConfigError, messageOf } from "../../proto/errors.js";
import { usageLine } from "../../proto/usage.js";
import { VERSION } from "../../proto/version.js";
import { addAccess } from "./access.js";
import { addCache } from "./cache.js";
import { addCancel } from "./cancel.js";
import { addCompletion } from "./completion.js";
import { examples } from "./examples.js";
import { addExplain } from "./explain.js";
import { addJobs } from "./jobs.js";
import { addLs } from "./ls.js";
import { type RunFlags, runFile } from "./run.js";
import { addSimulate } from "./simulate.js";

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
  // Whoever reads has had enough, as `head` does: nothing is wrong.
  process.stdout.on("error", (error: NodeJS.ErrnoException) =>
    process.exit(error.code === "EPIPE" ? 0 : FAILURE),
  );
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
  common(program.command("run"))
    .description("Runs a TypeScript or JavaScript program, with no build step.")
    .argument("<file>", "the program")
    .argument("[args...]", "its arguments")
    .passThroughOptions()
    .addHelpText(
      "after",
      examples(
        ["grain run sweep.ts", "on this machine, if no head is named"],
        ["grain run --address cluster:7700 sweep.ts 10", "over a head; 10 is the program's"],
      ),
    )
    .action((file: string, args: string[], flags: RunFlags) => {
      choose(() => runFile(file, args, flags));
    });
  const report = (act: Action) => choose(() => reporting(act));
  addLs(program, common, report);
  addJobs(program, common, report);
  addCancel(program, common, report);
  addExplain(program, common, report);
  addCache(common(program.command("cache")), common, (act) => choose(() => reporting(act)));
  addSimulate(program, (act) => choose(() => reporting(act)));
  addAccess(program, (act) => choose(() => reporting(act)));
  addCompletion(program, common, report);
  return program;
}

function common(command: Command): Command {
  return command
    .option("-c, --config <file>", "the configuration (default: GRAIN_CONFIG, or ./grain.toml)")
    .option(
      "--address <address>",
      "the head, e.g. cluster:7700 (default: GRAIN_ADDRESS, or the configuration's)",
    )
    .option(
      "--access <path>",
      "credentials: a directory, or a file (default: GRAIN_ACCESS_DIR, or ~/.config/grain/access)",
    )
    .option("--insecure", "without TLS, for a head that was started so")
    .option("--yes-really", "--insecure to another machine as well")
    .exitOverride();
}
