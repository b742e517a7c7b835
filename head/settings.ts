/** What a head is started with: what its flags say, else its configuration, else what applies without both. */

import { hostname } from "node:os";
import { resolve } from "node:path";
import { chooseAccess } from "../proto/access/place.js";
import { parseAddress } from "../proto/address.js";
import type { Config } from "../proto/config/config.js";
import { ConfigError } from "../proto/errors.js";
import { fillTemplate } from "../proto/template.js";
import type { DoorOptions } from "./access/door.js";
import { journalDirectory } from "./journal/directory.js";
import type { Goal } from "./scale/goal.js";
import { configuredGoal } from "./scale/request.js";
import { DEFAULT_ADDRESS, type ListenOptions } from "./shell/start.js";

/** Flags of `grain-head`. */
export interface Flags {
  readonly listen?: string[];
  readonly edge?: string;
  readonly maxClients?: number;
  /** Milliseconds, as the other durations. */
  readonly idleQuit?: number;
  readonly resume?: number;
  readonly lease?: number;
  readonly config?: string;
  /** Bytes. */
  readonly memory?: number;
  readonly spill?: string;
  readonly logFile?: string;
  readonly trace?: string;
  /** False: --no-journal. */
  readonly journal?: string | boolean;
  /** Bytes. */
  readonly cache?: number;
  readonly access?: string;
  readonly insecure: boolean;
  readonly yesReally: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly verbose: boolean;
  /** Workers to keep. */
  readonly swarm?: number;
}

/** What flags and configuration come to. */
export interface Settings {
  readonly options: Omit<ListenOptions, "listen" | "log" | "trace" | "onClients" | "swarm">;
  /** How many workers are to be kept. */
  readonly goal: Goal;
  /** One of them may be an edge file. */
  readonly listen: readonly string[];
  /** Where credentials are; empty: there are none of ours. */
  readonly accessDirectory: string;
  readonly logFile: string | undefined;
  readonly traceFile: string | undefined;
  /** Undefined: never. */
  readonly idleQuitMs: number | undefined;
}

const MAX_CLIENTS = 8;
const RESUME_MS = 30_000;
const LEASE_MS = 60_000;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Puts flags over a configuration.
 *
 * @param env for where a journal is by default
 * @throws ConfigError for flags that do not go together
 */
export function settingsOf(flags: Flags, config: Config, env: Environment): Settings {
  const { head, access } = config;
  const listen = listenOf(flags, head.listen);
  const memoryBytes = flags.memory ?? head.memoryBytes;
  const spillParent = flags.spill ?? head.spill;
  const journal = flags.journal ?? head.journal;
  return {
    options: {
      maxClients: flags.maxClients ?? head.maxClients ?? MAX_CLIENTS,
      resumeMs: flags.resume ?? head.resumeMs ?? RESUME_MS,
      leaseMs: flags.lease ?? head.leaseMs ?? LEASE_MS,
      scheduling: head.scheduling,
      journalDirectory: journalDirectory(journal, nameOf(listen), env),
      resultBytes: flags.cache ?? head.cacheBytes,
      blobs: {
        ...(memoryBytes === undefined ? {} : { memoryBytes }),
        ...(spillParent === undefined ? {} : { spillParent }),
      },
      ...doorOptions(flags, flags.access ?? access),
    },
    goal: configuredGoal(flags.swarm, config),
    listen,
    accessDirectory: hasOwnCredentials(flags) ? chooseAccess(flags, env, access).place : "",
    logFile: flags.logFile ?? filled(head.logFile),
    traceFile: flags.trace ?? filled(head.trace),
    idleQuitMs: flags.idleQuit ?? head.idleQuitMs,
  };
}

function listenOf({ listen, edge }: Flags, configured: readonly string[] | undefined): readonly string[] {
  const named = listen ?? configured;
  if (edge === undefined) return named ?? [DEFAULT_ADDRESS];
  return [...new Set([...(named ?? []), `edge://${resolve(edge)}`])];
}

/** What a head's state is called by: where it can be found again. */
function nameOf(listen: readonly string[]): string {
  return listen.find((address) => parseAddress(address).type === "edge") ?? listen[0]!;
}

function hasOwnCredentials({ insecure, tlsCert }: Flags): boolean {
  return !insecure && tlsCert === undefined;
}

function filled(template: string | undefined): string | undefined {
  if (template === undefined) return undefined;
  return fillTemplate(template, { now: new Date(), host: hostname(), pid: process.pid });
}

function doorOptions(flags: Flags, access: string | undefined): DoorOptions {
  const { insecure, yesReally, tlsCert, tlsKey, tlsCa } = flags;
  const files = [tlsCert, tlsKey, tlsCa];
  if (files.every((file) => file === undefined)) return { access, insecure, yesReally };
  if (tlsCert === undefined || tlsKey === undefined || tlsCa === undefined)
    throw new ConfigError("--tls-cert, --tls-key and --tls-ca belong together; give all three, or none.");
  return { access, insecure, yesReally, tls: { cert: tlsCert, key: tlsKey, ca: tlsCa } };
}
