/** What a worker is started with: what its flags say, else variables, else its configuration, else what its machine has. */

import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import { type Access, chooseAccess } from "../proto/access/place.js";
import { parseAddress } from "../proto/address.js";
import { type Config, originOf } from "../proto/config/config.js";
import { parseDuration } from "../proto/duration.js";
import { ConfigError, messageOf } from "../proto/errors.js";
import { parsePool } from "../proto/resource/parse-pool.js";
import type { Pool } from "../proto/resource/pool.js";
import { fillTemplate, type TemplateValues } from "../proto/template.js";
import { detectPool } from "./detect.js";
import { type BatchJob, detectJob, poolInJob } from "./job.js";

/** Flags of `grain-worker`. */
export interface Flags {
  readonly cpus?: string;
  readonly mem?: string;
  readonly gpus?: string;
  readonly res?: string;
  readonly walltime?: string;
  readonly name?: string;
  readonly address?: string;
  readonly config?: string;
  readonly import: readonly string[];
  readonly access?: string;
  readonly insecure?: true;
  readonly yesReally?: true;
  readonly drainDeadline?: string;
  readonly grace?: string;
  readonly logFile?: string;
  readonly verbose?: true;
}

/** What flags and configuration come to. */
export interface Settings {
  readonly address: string;
  readonly name: string;
  readonly pool: Pool;
  readonly imports: readonly string[];
  readonly access: Access;
  readonly drainMs: number | undefined;
  readonly graceMs: number | undefined;
  readonly logFile: string | undefined;
  /** Undefined: it is in none. */
  readonly job: BatchJob | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Puts flags over a configuration.
 *
 * @throws ConfigError for what is wrong, or missing
 */
export function settingsOf(flags: Flags, config: Config, env: Environment): Settings {
  const { worker } = config;
  const job = detectJob({ env });
  const values: TemplateValues = {
    now: new Date(),
    host: hostname(),
    pid: process.pid,
    job: job?.id,
  };
  const name = nameOf(flags, config, values, job);
  return {
    address: addressOf(flags.address, worker.address),
    name,
    job,
    pool: poolOf(flags, config, job),
    imports: (flags.import.length > 0 ? flags.import : worker.imports).map(checkImport),
    access: chooseAccess(flags, env, config.access),
    drainMs: durationOf("--drain-deadline", flags.drainDeadline) ?? worker.drainDeadlineMs,
    graceMs: durationOf("--grace", flags.grace) ?? worker.graceMs,
    logFile:
      flags.logFile ??
      (worker.logFile === undefined ? undefined : fillTemplate(worker.logFile, { ...values, name })),
  };
}

function addressOf(flag: string | undefined, configured: string | undefined): string {
  if (flag !== undefined) {
    asUsage(() => parseAddress(flag), "--address: ");
    return flag;
  }
  if (configured !== undefined) return configured;
  throw new ConfigError(
    "No head is named. Give its address, as in --address host:7700, or set GRAIN_ADDRESS, or `address` in grain.toml.",
  );
}

function poolOf(
  { cpus, mem, gpus, res, walltime }: Flags,
  { worker }: Config,
  job: BatchJob | undefined,
): Pool {
  // The batch system knows better, where it says anything.
  const isConfigured = worker.walltimeMs !== undefined && job?.remainingMs === undefined;
  const configured = isConfigured ? worker.walltimeMs! / 1_000 : undefined;
  const machine = detectPool();
  return asUsage(() =>
    parsePool({
      cpus,
      mem,
      gpus,
      res: res ?? worker.res,
      // In --res it is as much a flag as alone.
      walltime: walltime ?? (res === undefined ? configured : undefined),
      base: job === undefined ? machine : poolInJob(machine, job),
    }),
  );
}

function nameOf(flags: Flags, config: Config, values: TemplateValues, job: BatchJob | undefined): string {
  if (flags.name !== undefined) return checkName(flags.name, "--name");
  const origin = originOf(config, "worker.name");
  // What applies otherwise is the name of a job, and jobs may start within one second.
  if (origin.type !== "file")
    return job === undefined ? `${hostname()}-${process.pid}` : `${job.system}-${job.id}`;
  return checkName(fillTemplate(config.worker.name, values), `${origin.file}:${origin.line}: worker.name`);
}

/** Names stand in log lines, messages and tables. */
function checkName(name: string, origin: string): string {
  if (/^[^\p{C}\p{Zl}\p{Zp}]{1,100}$/u.test(name) && name.trim() === name) return name;
  throw new ConfigError(
    `${origin}: ${JSON.stringify(name)} cannot name a worker; give 1 to 100 printable characters without blanks at the ends.`,
  );
}

function durationOf(flag: string, text: string | undefined): number | undefined {
  return text === undefined ? undefined : asUsage(() => parseDuration(text), `${flag}: `);
}

/** As it was given: tasks name it so. */
function checkImport(file: string): string {
  if (!existsSync(resolve(file))) {
    throw new ConfigError(`--import: there is no file ${resolve(file)}. Give the path of a module.`);
  }
  return file;
}

/** What is wrong with a flag's value is wrong with the command line. */
function asUsage<T>(read: () => T, prefix = ""): T {
  try {
    return read();
  } catch (error) {
    throw new ConfigError(`${prefix}${messageOf(error)}`, { cause: error });
  }
}
