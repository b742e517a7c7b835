/** The `grain-head` command: reads flags, starts a head, and ends it when told to or when nobody needs it. */

import { constants } from "node:os";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { parseAddress } from "../proto/address.js";
import { loadConfig } from "../proto/config/load.js";
import { parseDuration } from "../proto/duration.js";
import { ConfigError, messageOf } from "../proto/errors.js";
import { toBytes } from "../proto/resource/amount.js";
import { usageLine } from "../proto/usage.js";
import { VERSION } from "../proto/version.js";
import { enterEdge, type Tenure } from "./edge/tenure.js";
import { IdleQuit } from "./idle-quit.js";
import type { DaemonLog } from "./log-file.js";
import { swarmOptions } from "./scale/from-config.js";
import { type Flags, settingsOf } from "./settings.js";
import { DEFAULT_ADDRESS, startHead } from "./shell/start.js";
import type { TraceFile } from "./trace/file.js";

const OK = 0;
const FAILURE = 1;
const BAD_USAGE = 2;

/**
 * Runs the head until it is told to end.
 *
 * @param argv the command's arguments, without the program's name
 * @returns the exit code: 0, 1 for a failure, 2 for bad usage
 * @example
 * process.exitCode = await main(process.argv.slice(2));
 */
export async function main(argv: string[]): Promise<number> {
  const command = newCommand();
  try {
    command.parse(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return OK;
    process.stderr.write(usageLine(command, error));
    return BAD_USAGE;
  }
  const flags = command.opts<Flags>();
  try {
    await serve(flags);
    return OK;
  } catch (error) {
    const shown = flags.verbose && error instanceof Error ? error.stack : messageOf(error);
    process.stderr.write(`grain-head: ${shown}\n`);
    return error instanceof ConfigError ? BAD_USAGE : FAILURE;
  }
}

function newCommand(): Command {
  return new Command("grain-head")
    .description("The scheduler that clients and workers connect to.")
    .version(VERSION)
    .option(
      "--listen <address>",
      `host:port, unix:///path or edge:///path; may be repeated (default: ${DEFAULT_ADDRESS})`,
      addAddress,
    )
    .option("--edge <file>", "say in this file where the head listens: --listen edge:///FILE")
    .option("--max-clients <number>", "clients connected at a time (default: 8)", readCount)
    .option(
      "--idle-quit <duration>",
      "end after so long without clients, e.g. 30m (default: never)",
      readDuration,
    )
    .option(
      "--resume <duration>",
      "wait so long for a worker that is cut off before its tasks run elsewhere (default: 30s)",
      readDuration,
    )
    .option(
      "--lease <duration>",
      "keep the tasks of a client that is cut off for so long (default: 60s)",
      readDuration,
    )
    .option("-c, --config <file>", "the configuration (default: GRAIN_CONFIG, or ./grain.toml)")
    .option(
      "--memory <size>",
      "keep large values up to this in memory, e.g. 2G; more goes to disk (default: 512M)",
      readBytes,
    )
    .option("--spill <directory>", "where on disk (default: the system's for temporary files)")
    .option(
      "--swarm <number>",
      "keep so many workers through the batch system (default: the configuration's; see grain scale)",
      readWorkers,
    )
    .option("--log-file <file>", "write the log there (default: standard error)")
    .option("--trace <file>", "record what happens there, for `grain simulate`")
    .option(
      "--journal <directory>",
      "keep there what survives the head (default: one for the address it listens on)",
    )
    .option(
      "--cache <size>",
      "stored results (cacheKey) take at most so much room in the journal's directory (default: 16G)",
      readCache,
    )
    .option("--no-journal", "keep nothing that survives the head")
    .option(
      "--access <directory>",
      "credentials; made at the first start (default: GRAIN_ACCESS_DIR, or ~/.config/grain/access)",
    )
    .option("--tls-cert <file>", "a certificate of your own, PEM; with --tls-key and --tls-ca")
    .option("--tls-key <file>", "its private key")
    .option("--tls-ca <file>", "the authorities whose clients and workers are let in")
    .option("--insecure", "neither encryption nor credentials, on loopback addresses and unix sockets", false)
    .option("--yes-really", "--insecure on other addresses as well", false)
    .option("--verbose", "log more, and show where errors come from", false)
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ outputError: () => {} });
}

function addAddress(text: string, before: string[] | undefined): string[] {
  try {
    parseAddress(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
  return [...(before ?? []), text];
}

function readCount(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 1) return count;
  throw new InvalidArgumentError("Expected a whole number from 1.");
}

function readWorkers(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(count)) return count;
  throw new InvalidArgumentError("Expected a whole number from 0.");
}

function readDuration(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

const readBytes = sizeOf("--memory");
const readCache = sizeOf("--cache");

function sizeOf(flag: string): (text: string) => number {
  return (text) => {
    try {
      return toBytes(text, flag);
    } catch (error) {
      throw new InvalidArgumentError(messageOf(error));
    }
  };
}

async function serve(flags: Flags): Promise<void> {
  const around = { env: process.env, cwd: process.cwd() };
  const config = await loadConfig({
    ...around,
    configFile: flags.config,
    scope: ["head", "scale", "access"],
  });
  const settings = settingsOf(flags, config, process.env);
  const { options, listen, accessDirectory, logFile, traceFile, idleQuitMs } = settings;
  const { openLog } = await import("./log-file.js");
  const log = openLog(logFile, flags.verbose);
  for (const warning of config.warnings) log.warn(warning);
  const trace = await beginTrace(traceFile, log);
  const idle = new IdleQuit(idleQuitMs);
  const signals = new Signals(log);
  let tenure: Tenure | undefined;
  try {
    const edge = await enterEdge(listen, {
      insecure: flags.insecure,
      access: accessDirectory,
      warn: (text) => log.warn(text),
      stopped: signals.received,
    });
    if (edge.type === "elsewhere") {
      log.info(edge.message);
      process.stdout.write(`grain-head: ${edge.message}\n`);
      return;
    }
    tenure = edge.tenure;
    const { head, addresses, close } = await startHead({
      ...options,
      listen: edge.listen,
      swarm: swarmOptions(flags, settings, around),
      trace: trace?.sink,
      log,
      onClients: (connected) => idle.clients(connected),
    });
    idle.clients(head.connectedClients);
    await tenure.publish(addresses);
    log.info(`listening on ${addresses.join(", ")} (grain-head ${VERSION}, pid ${process.pid})`);
    process.stdout.write(`grain-head ${VERSION} listening on ${addresses.join(", ")}\n`);
    const why = await Promise.race([signals.received, idle.quit, tenure.over]);
    log.info(`ending: ${why}`);
    await tenure.close();
    await close(why);
    log.info("ended");
  } finally {
    await tenure?.close();
    idle.close();
    signals.close();
    await trace?.close();
  }
}

async function beginTrace(file: string | undefined, log: DaemonLog): Promise<TraceFile | undefined> {
  if (file === undefined) return undefined;
  const { openTrace } = await import("./trace/file.js");
  return openTrace(file, (text) => log.warn(text));
}

/** The first signal asks to end, the second ends at once. */
class Signals {
  /** Resolves to why. */
  readonly received: Promise<string>;
  readonly #listener: (signal: "SIGTERM" | "SIGINT") => void;

  constructor(log: DaemonLog) {
    let ending: (why: string) => void = () => {};
    let count = 0;
    this.received = new Promise((resolve) => {
      ending = resolve;
    });
    this.#listener = (signal) => {
      count += 1;
      if (count === 1) return ending(`got ${signal}`);
      log.warn(`got ${signal} again: ending at once`);
      process.exit(128 + constants.signals[signal]);
    };
    process.on("SIGTERM", this.#listener);
    process.on("SIGINT", this.#listener);
  }

  close(): void {
    process.off("SIGTERM", this.#listener);
    process.off("SIGINT", this.#listener);
  }
}
