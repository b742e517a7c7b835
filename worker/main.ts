/** `grain-worker`: the command line of the worker daemon. What it runs is daemon.ts. */

import { existsSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { Command, CommanderError } from "commander";
import { type Access, chooseAccess } from "../proto/access/place.js";
import { parseAddress } from "../proto/address.js";
import { parseDuration } from "../proto/duration.js";
import { ConfigError, messageOf } from "../proto/errors.js";
import { parsePool } from "../proto/resource/parse-pool.js";
import type { Pool } from "../proto/resource/pool.js";
import { usageLine } from "../proto/usage.js";
import { VERSION } from "../proto/version.js";
import { Daemon } from "./daemon.js";
import { detectPool } from "./detect.js";
import { openLog } from "./log.js";

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

interface Flags {
  readonly cpus?: string;
  readonly mem?: string;
  readonly gpus?: string;
  readonly res?: string;
  readonly walltime?: string;
  readonly name?: string;
  readonly address?: string;
  readonly import: readonly string[];
  readonly access?: string;
  readonly insecure?: true;
  readonly yesReally?: true;
  readonly drainDeadline?: string;
  readonly grace?: string;
  readonly context?: string;
  readonly service?: string;
  readonly setupLimit?: string;
  readonly teardownLimit?: string;
  readonly logFile?: string;
  readonly verbose?: true;
}

/** What the flags come to. */
interface Settings {
  readonly address: string;
  readonly name: string;
  readonly pool: Pool;
  readonly imports: readonly string[];
  readonly access: Access;
  readonly drainMs: number | undefined;
  readonly graceMs: number | undefined;
  readonly context: string | undefined;
  readonly service: string | undefined;
  readonly setupMs: number | undefined;
  readonly teardownMs: number | undefined;
}

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
    return await serve(flags, settingsOf(flags));
  } catch (error) {
    const text = flags.verbose && error instanceof Error ? (error.stack ?? error.message) : messageOf(error);
    process.stderr.write(`grain-worker: ${text}\n`);
    return error instanceof ConfigError ? EXIT_USAGE : EXIT_FAILURE;
  }
}

async function serve(flags: Flags, settings: Settings): Promise<number> {
  const log = openLog({ file: flags.logFile, verbose: flags.verbose ?? false });
  const daemon = new Daemon({ ...settings, log });
  const onTerm = () => daemon.stop("SIGTERM");
  const onInterrupt = () => daemon.stop("SIGINT");
  process.on("SIGTERM", onTerm).on("SIGINT", onInterrupt);
  try {
    return await daemon.run();
  } finally {
    process.off("SIGTERM", onTerm).off("SIGINT", onInterrupt);
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
    .option("--name <name>", "unique among the head's workers; default: host name and process id")
    .option("--address <address>", "the head's address, such as host:7700; default: GRAIN_ADDRESS")
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
    .option("--context <file>", "a module that is set up around the worker's life, for its tasks")
    .option("--service <file>", "a module that runs a server here, for its tasks")
    .option("--setup-limit <time>", "how long setting these up may take; default: 10m")
    .option("--teardown-limit <time>", "how long tearing them down may take; default: 10s")
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

function settingsOf(flags: Flags): Settings {
  const { cpus, mem, gpus, walltime, res } = flags;
  return {
    address: addressOf(flags.address),
    name: flags.name === undefined ? `${hostname()}-${process.pid}` : checkName(flags.name),
    pool: asUsage(() => parsePool({ cpus, mem, gpus, walltime, res, base: detectPool() })),
    imports: flags.import.map(checkImport),
    access: chooseAccess(flags),
    drainMs: durationOf("--drain-deadline", flags.drainDeadline),
    graceMs: durationOf("--grace", flags.grace),
    context: moduleOf("--context", flags.context),
    service: moduleOf("--service", flags.service),
    setupMs: durationOf("--setup-limit", flags.setupLimit),
    teardownMs: durationOf("--teardown-limit", flags.teardownLimit),
  };
}

function addressOf(flag: string | undefined): string {
  const [address, origin] =
    flag === undefined ? [process.env.GRAIN_ADDRESS, "GRAIN_ADDRESS"] : [flag, "--address"];
  // A variable that is empty counts as one that is not set.
  if (address === undefined || (flag === undefined && address === "")) {
    throw new ConfigError(
      "No head is named. Give its address, as in --address host:7700, or set GRAIN_ADDRESS.",
    );
  }
  asUsage(() => parseAddress(address), `${origin}: `);
  return address;
}

function durationOf(flag: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : asUsage(() => parseDuration(text), `${flag}: `);
}

/** Names stand in log lines, messages and tables. */
function checkName(name: string): string {
  if (/^[^\p{C}\p{Zl}\p{Zp}]{1,100}$/u.test(name) && name.trim() === name) return name;
  throw new ConfigError(
    `--name: ${JSON.stringify(name)} cannot name a worker; give 1 to 100 printable characters without blanks at the ends.`,
  );
}

/** As it was given: tasks name it so. */
function checkImport(file: string): string {
  if (!existsSync(resolve(file))) {
    throw new ConfigError(`--import: there is no file ${resolve(file)}. Give the path of a module.`);
  }
  return file;
}

function moduleOf(flag: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  const path = resolve(file);
  const entry = statSync(path, { throwIfNoEntry: false });
  if (entry === undefined)
    throw new ConfigError(
      `${flag}: there is no file ${path}. Give the path of a module, such as ./context.ts.`,
    );
  if (!entry.isFile())
    throw new ConfigError(`${flag}: ${path} is not a file. Give the path of a module, such as ./context.ts.`);
  return path;
}

/** What is wrong with a flag's value is wrong with the command line. */
function asUsage<T>(read: () => T, prefix = ""): T {
  try {
    return read();
  } catch (error) {
    throw new ConfigError(`${prefix}${messageOf(error)}`, { cause: error });
  }
}
