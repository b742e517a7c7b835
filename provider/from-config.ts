/** The settings of providers, from a configuration: what runs in the jobs, and what they ask for. */

import { extname, join } from "node:path";
import type { Access } from "../proto/access/place.js";
import { isLocal, parseAddress } from "../proto/address.js";
import { type Config, originOf, type ScriptConfig } from "../proto/config/config.js";
import { ConfigError } from "../proto/errors.js";
import { builtFile } from "../proto/module/own-files.js";
import type { ProviderSettings } from "./settings.js";

/** Where a head listens if nothing says so. */
const DEFAULT_PORT = 7700;
/** What a worker gives a task's processes if nothing says so. */
const TASK_GRACE_MS = 5_000;
/** Logs go there if nothing says so, below the working directory. */
const LOG_DIRECTORY = "grain-logs";
const MEBIBYTE = 2 ** 20;

/** What a command line says beside the configuration. */
export interface Around {
  /** The head's address. Default: the configuration's. */
  readonly address?: string | undefined;
  readonly access: Access;
}

/**
 * What jobs of workers are.
 *
 * @throws ConfigError when no head is named
 * @example
 * const settings = workerSettings(config, { access: chooseAccess() });
 */
export function workerSettings(config: Config, { address, access }: Around): ProviderSettings {
  const { worker } = config;
  const head = address ?? worker.address;
  if (head === undefined)
    throw new ConfigError(
      "No head is named, so workers would not find it. Start one (grain start), and give its address with --address, GRAIN_ADDRESS, or `address` in grain.toml.",
    );
  parseAddress(head);
  // Where no batch system says how long a worker may live.
  const walltimeMs = worker.script.walltimeMs === undefined ? worker.walltimeMs : undefined;
  // Pods have an image of their own, and their names hold that of the job; their credential is a Secret.
  const isPod = config.system === "kubernetes";
  const settings = common(config, worker.script);
  return {
    ...settings,
    ...(isPod && access.insecure !== "no"
      ? { kubernetes: { ...settings.kubernetes!, accessSecret: undefined } }
      : {}),
    address: head,
    jobName: worker.name,
    logFile: withJob(worker.logFile ?? join(LOG_DIRECTORY, "{{NAME}}.log")),
    workerCommand: [
      ...(worker.command ?? (isPod ? ["grain-worker"] : ownCommand("grain-worker"))),
      ...["--name", isPod ? "{{JOB}}" : "{{NAME}}-{{JOB}}", "--address", head],
      ...(isPod && access.insecure === "no" ? [] : accessFlags(access)),
      // Machines that are reached by ssh need not have this one's files.
      ...(isPod || config.system === "ssh" ? [] : flag("--config", config.file)),
      // What it says goes into the job's log.
      ...flag("--log-file", isPod || worker.logFile === undefined ? undefined : "/dev/stderr"),
      ...flag("--walltime", seconds(walltimeMs)),
      ...flag("--drain-deadline", seconds(worker.drainDeadlineMs)),
      ...flag("--grace", seconds(worker.graceMs)),
      ...flag("--res", worker.res === undefined ? undefined : JSON.stringify(worker.res)),
      ...worker.imports.flatMap((file) => ["--import", file]),
    ],
  };
}

/**
 * What the job of a head is.
 *
 * @param local on this machine, whatever the configuration's system is
 * @example
 * const settings = headSettings(config, { access: chooseAccess() }, true);
 */
export function headSettings(config: Config, { address, access }: Around, local: boolean): ProviderSettings {
  const { head } = config;
  const isHere = local || config.system === "local";
  if (!isHere && config.system === "kubernetes")
    throw new ConfigError(
      "A head in Kubernetes is a StatefulSet: apply the manifests in deploy/kubernetes of this package (kubectl apply -k), or start one on this machine with --local.",
    );
  const named = address ?? config.address;
  const listen = head.listen ?? [listenAddress(named, isHere)];
  return {
    ...common(config, head.script),
    // Whoever waits for it wants to know where it is.
    script: {
      ...head.script,
      setupCleanup: ['echo "grain: on $(hostname)"', ...head.script.setupCleanup],
    },
    ...(isHere ? { system: "local" as const } : {}),
    array: false,
    jobName: head.name,
    logFile: withJob(head.mainLogFile ?? join(LOG_DIRECTORY, "{{NAME}}.log")),
    workerCommand: [
      ...(head.command ?? ownCommand("grain-head")),
      ...listen.flatMap((each) => ["--listen", each]),
      ...accessFlags(access),
      ...flag("--config", config.file),
      ...flag("--max-clients", text(head.maxClients)),
      ...flag("--idle-quit", seconds(head.idleQuitMs)),
      ...(head.journal === false ? ["--no-journal"] : flag("--journal", head.journal)),
      ...flag(
        "--memory",
        head.memoryBytes === undefined ? undefined : `${Math.ceil(head.memoryBytes / MEBIBYTE)}M`,
      ),
      ...flag("--spill", head.spill),
      ...flag("--resume", seconds(head.resumeMs)),
      ...flag("--lease", seconds(head.leaseMs)),
      ...flag("--log-file", head.logFile),
      ...flag("--trace", head.trace),
    ],
  };
}

/** What it takes to ask a system about jobs that were submitted before. */
export function askSettings(config: Config, system: ProviderSettings["system"]): ProviderSettings {
  return { ...common(config, config.worker.script), system, jobName: "", logFile: "", workerCommand: [] };
}

/** Why workers of these settings may not reach the head; undefined: nothing is known against it. */
export function reachWarning(settings: ProviderSettings, address: string | undefined): string | undefined {
  if (settings.system === "local" || address === undefined || !isLocal(parseAddress(address)))
    return undefined;
  return `the head's address ${address} is that of this machine only: workers elsewhere cannot reach it. Let the head listen on an address of the network (grain-head --listen 0.0.0.0:${DEFAULT_PORT}), and name that.`;
}

function common(
  config: Config,
  script: ScriptConfig,
): Omit<ProviderSettings, "jobName" | "logFile" | "workerCommand"> {
  const { array, ...rest } = script;
  return {
    system: config.system,
    script: rest,
    array,
    environment: {},
    commandTimeoutMs: config.scale.commandTimeoutMs,
    hosts: config.ssh.hosts,
    sshCommand: config.ssh.command,
    sshDirectory: config.ssh.directory,
    pbsDialect: config.pbsDialect,
    sgeParallelEnvironment: config.sgeParallelEnvironment,
    kubernetes: {
      ...config.kubernetes,
      // A template's goes before what applies otherwise.
      graceMs:
        originOf(config, "kubernetes.grace").type === "default" ? undefined : config.kubernetes.graceMs,
      taskGraceMs: config.worker.graceMs ?? TASK_GRACE_MS,
    },
    custom: config.custom,
  };
}

function listenAddress(named: string | undefined, isHere: boolean): string {
  if (named === undefined) return `${isHere ? "127.0.0.1" : "0.0.0.0"}:${DEFAULT_PORT}`;
  const address = parseAddress(named);
  if (isHere || address.type !== "tcp") return named;
  // Which machine the job will run on is not known yet.
  return `0.0.0.0:${address.port}`;
}

/** Several jobs do not write into one file. */
function withJob(file: string): string {
  const mentioned = file.replaceAll(/\{\{\s*JOB\s*\}\}/g, "{{JOB}}");
  if (mentioned.includes("{{JOB}}")) return mentioned;
  const end = extname(file);
  return `${file.slice(0, file.length - end.length)}-{{JOB}}${end}`;
}

function accessFlags({ place, insecure }: Access): string[] {
  if (insecure === "no") return ["--access", place];
  return insecure === "here" ? ["--insecure"] : ["--insecure", "--yes-really"];
}

function flag(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [name, value];
}

function text(value: number | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

function seconds(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : String(ms / 1_000);
}

/** This package's own, by this very Node: PATH may be another one in a job. */
function ownCommand(name: "grain-worker" | "grain-head"): string[] {
  return [process.execPath, builtFile(`bin/${name}.js`)];
}
