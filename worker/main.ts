/** `grain-worker`: the command line of the worker daemon. What it runs is daemon.ts. */

import { Command, CommanderError } from "commander";
import { loadConfig } from "../proto/config/load.js";
import { ConfigError, messageOf } from "../proto/errors.js";
import { usageLine } from "../proto/usage.js";
import { VERSION } from "../proto/version.js";
import { Daemon } from "./daemon.js";
import { openLog } from "./log.js";
import { type Flags, settingsOf } from "./settings.js";

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

const SIGNALS: readonly NodeJS.Signals[] = ["SIGTERM", "SIGINT"];
/** Batch systems warn with these as well. */
const JOB_SIGNALS: readonly NodeJS.Signals[] = ["SIGUSR1", "SIGUSR2", "SIGXCPU"];

/**
 * Runs `grain-worker`.
 *
 * @param argv the arguments, without node and the script
 * @returns the exit code: 0 after it has left, 1 for failure, 2 for bad usage
 * @example
 * process.exitCode = await main(process.argv.slice(2));
 */
export async function main(argv: string[]): Promise<number> {
  const command = newCommand();
  try {
    command.parse(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    process.stderr.write(usageLine(command, error));
    return EXIT_USAGE;
  }
  const flags = command.opts<Flags>();
  try {
    return await serve(flags);
  } catch (error) {
    const text = flags.verbose && error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
    process.stderr.write(`grain-worker: ${text}\n`);
    return error instanceof ConfigError ? EXIT_USAGE : EXIT_FAILURE;
  }
}

async function serve(flags: Flags): Promise<number> {
  const around = { env: process.env, cwd: process.cwd() };
  const scope = ["worker", "address", "access"];
  const config = await loadConfig({ ...around, configFile: flags.config, scope });
  const { logFile, ...settings } = settingsOf(flags, config, process.env);
  const log = openLog({ file: logFile, verbose: flags.verbose ?? false });
  for (const warning of config.warnings) log.write("warn", warning);
  const daemon = new Daemon({ ...settings, log });
  const signals = settings.job === undefined ? SIGNALS : [...SIGNALS, ...JOB_SIGNALS];
  const onSignal = (signal: NodeJS.Signals) => daemon.signalled(signal);
  for (const signal of signals) process.on(signal, onSignal);
  try {
    return await daemon.run();
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
    log.close();
  }
}

function newCommand(): Command {
  return new Command("grain-worker")
    .description("Runs tasks of a Grain head with the resources of this machine.")
    .usage("[options]")
    .option("--cpus <n>", "how many cores to offer, or which (0-3,8); default: those this process may use")
    .option("--mem <size>", "memory to offer, such as 16G; default: what this process may use")
    .option("--gpus <n>", "how many GPUs to offer, or which (0,1); default: those of this machine")
    .option("--res <json>", 'further resources, such as {"capacity":8,"token":"fast-disk"}')
    .option("--walltime <time>", "how long this worker may live, such as 1:30:00; it leaves in time")
    .option(
      "--name <name>",
      "unique among the head's workers; default: the batch job's id, or host name and process id",
    )
    .option(
      "--address <address>",
      "the head's address, such as host:7700; default: GRAIN_ADDRESS, or the configuration's",
    )
    .option("-c, --config <file>", "the configuration; default: GRAIN_CONFIG, or ./grain.toml")
    .option(
      "--import <file>",
      "a module whose functions are here and need not be shipped (repeatable)",
      collect,
      [],
    )
    .option(
      "--access <path>",
      "credentials: a directory, or a file; default: GRAIN_ACCESS_DIR, or ~/.config/grain/access",
    )
    .option("--insecure", "without TLS, for a head that was started so")
    .option("--yes-really", "--insecure to another machine as well")
    .option(
      "--drain-deadline <time>",
      "told to leave, let tasks run for so long, such as 10m; default: to their end",
    )
    .option("--grace <time>", "between SIGTERM and SIGKILL for a task's processes; default: 5s")
    .option("--log-file <file>", "append the log to a file instead of standard error")
    .option("--verbose", "log more, and stacks of errors")
    .version(VERSION, "--version", "print the version")
    .helpOption("--help", "print this help")
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ outputError: () => {} });
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
