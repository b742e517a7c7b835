/** What `grain doctor` looks at. Nothing is changed, and no check throws. */

import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { credentialFile, findCredential, readCredential } from "../../proto/access/credential.js";
import { type AccessFlags, chooseAccess } from "../../proto/access/place.js";
import { isPrivateDirectory } from "../../proto/access/private-file.js";
import type { Role } from "../../proto/access/role.js";
import { parseAddress } from "../../proto/address.js";
import type { Config } from "../../proto/config/config.js";
import type { Surroundings } from "../../proto/config/file.js";
import { loadConfig } from "../../proto/config/load.js";
import { formatDuration } from "../../proto/duration.js";
import { messageOf } from "../../proto/errors.js";
import { formatMemoryShort } from "../../proto/resource/amount.js";
import { sharedRoot } from "../../proto/share/directory.js";
import { checkHead } from "./diagnose-head.js";
import { PLACEHOLDER } from "./starter.js";

/** One thing that was looked at. */
export interface Check {
  /** E.g. "configuration". */
  readonly check: string;
  readonly status: "ok" | "warn" | "fail";
  readonly message: string;
  /** What to do, where the message does not say it. */
  readonly advice?: string;
}

/** Flags that say what to look at. */
export interface CheckFlags extends AccessFlags {
  readonly config?: string;
  readonly address?: string;
}

/** Looks at everything. */
export async function diagnose(flags: CheckFlags, around: Surroundings): Promise<Check[]> {
  const { checks, config } = await checkConfig(flags, around);
  const address = flags.address ?? config?.commandAddress ?? (around.env.GRAIN_ADDRESS || undefined);
  // Which head it names, and whose credentials, nobody can tell.
  const unread = config === undefined && address === undefined;
  return [
    checkNode(process.versions.node),
    ...checks,
    ...(config === undefined ? [] : checkSystem(config, around.env.PATH ?? "")),
    ...(config?.system === "kubernetes" ? [await checkPods(config)] : []),
    ...(unread ? [] : checkAccess(flags, around, config, address)),
    checkShared(around.env),
    ...(unread ? [NOT_LOOKED_FOR] : await checkHead(address, flags, around.env, config?.access)),
  ];
}

const NOT_LOOKED_FOR: Check = {
  check: "head",
  status: "warn",
  message: "It was not looked for: the configuration may name one.",
  advice: "Correct the configuration first.",
};

const OLDEST = [20, 19] as const;

/** Whether Node.js is new enough. */
export function checkNode(version: string): Check {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isOk = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
  if (isOk) return { check: "node", status: "ok", message: `Node.js ${version}` };
  const message = `Node.js ${version} is older than ${OLDEST.join(".")}.`;
  return { check: "node", status: "fail", message, advice: "Install a newer one from nodejs.org." };
}

async function checkConfig(
  { config: configFile }: CheckFlags,
  around: Surroundings,
): Promise<{ checks: Check[]; config?: Config }> {
  const check = "configuration";
  try {
    const config = await loadConfig({ ...around, configFile });
    const { file, warnings, entries } = config;
    if (file === undefined) {
      const message = "There is none: programs run on this machine.";
      return { checks: [{ check, status: "ok", message }], config };
    }
    const set = [...entries.values()].filter(({ origin }) => origin.type === "file").length;
    const ok: Check = { check, status: "ok", message: `${file}: ${set} entries set.` };
    const bad = warnings.map(
      (message): Check => ({ check, status: "warn", message, advice: "Remove the entry." }),
    );
    return { checks: [ok, ...bad, ...checkPlaceholders(config)], config };
  } catch (error) {
    return { checks: [{ check, status: "fail", message: messageOf(error) }] };
  }
}

/** Entries that are as `grain init` has written them, and stand for something. */
function checkPlaceholders({ entries, file }: Config): Check[] {
  return [...entries].flatMap(([key, { written, origin }]): Check[] => {
    const found = PLACEHOLDER.exec(JSON.stringify(written))?.[0];
    if (found === undefined || origin.type !== "file") return [];
    const message = `${file}:${origin.line}: ${key} still has ${found} in it.`;
    return [{ check: "configuration", status: "fail", message, advice: "Put in there what your site has." }];
  });
}

/** The commands of each way to start workers. */
const COMMANDS: Readonly<Partial<Record<Config["system"], readonly string[]>>> = {
  slurm: ["sbatch", "squeue", "scancel"],
  pbs: ["qsub", "qstat", "qdel"],
  lsf: ["bsub", "bjobs", "bkill"],
  sge: ["qsub", "qstat", "qdel"],
};

/** Whether the commands that start workers are here. */
export function checkSystem(config: Config, path: string): Check[] {
  const { system, custom, ssh } = config;
  const check = "system";
  // Pods take no commands; the cluster itself is asked.
  if (system === "local" || system === "kubernetes") return [];
  const own = [custom.submit?.[0], custom.status?.[0], custom.cancel?.[0]];
  if (system === "custom" && own.includes(undefined)) {
    const message = "[system.custom] needs submit, status and cancel.";
    return [{ check, status: "fail", message, advice: "Give the commands of the batch system there." }];
  }
  if (system === "ssh" && ssh.hosts.length === 0)
    return [
      { check, status: "fail", message: "[ssh] names no hosts.", advice: 'Give some: hosts = ["n1"].' },
    ];
  const needed =
    system === "custom" ? own : system === "ssh" ? ssh.command.slice(0, 1) : (COMMANDS[system] ?? []);
  const missing = needed.filter((command) => command !== undefined && !isHere(command, path));
  if (missing.length === 0)
    return [{ check, status: "ok", message: `Workers are started through ${system}.` }];
  const message = `Workers are to be started through ${system}, and PATH has no ${missing.join(", ")}.`;
  return [
    { check, status: "fail", message, advice: "Run this where the batch system is, or correct system." },
  ];
}

async function checkPods(config: Config): Promise<Check> {
  const { askSettings } = await import("../../provider/index.js");
  const { checkKubernetes } = await import("../../provider/kubernetes/check.js");
  const { isOk, ...found } = await checkKubernetes(askSettings(config, "kubernetes"));
  return { check: "system", status: isOk ? "ok" : "fail", ...found };
}

function isHere(command: string, path: string): boolean {
  if (isAbsolute(command)) return existsSync(command);
  return path.split(delimiter).some((each) => each !== "" && existsSync(join(each, command)));
}

const DAY_MS = 24 * 60 * 60_000;
const SOON_MS = 14 * DAY_MS;

function checkAccess(
  flags: CheckFlags,
  { env }: Surroundings,
  config: Config | undefined,
  address: string | undefined,
): Check[] {
  const check = "credentials";
  try {
    const { place, insecure } = chooseAccess(flags, env, config?.access);
    if (insecure !== "no") {
      const advice = "Leave out --insecure and GRAIN_INSECURE.";
      return [{ check, status: "warn", message: "None are used, and nothing is encrypted.", advice }];
    }
    if (findCredential(place, "command") === undefined) return [noCredentials(place, address)];
    return credentialsAt(place).map(({ file, id, role, expiresAt }) => {
      const leftMs = expiresAt.getTime() - Date.now();
      const day = expiresAt.toISOString().slice(0, 10);
      const message = `${file}: ${role ?? "own"} ${id}, valid until ${day}.`;
      if (leftMs > SOON_MS) return { check, status: "ok", message };
      const advice = `It ends in ${formatDuration(Math.max(0, leftMs))}; have a new one made with "grain access new" or "grain access rotate".`;
      return { check, status: leftMs > 0 ? "warn" : "fail", message, advice };
    });
  } catch (error) {
    return [{ check, status: "fail", message: messageOf(error) }];
  }
}

function noCredentials(place: string, address: string | undefined): Check {
  const check = "credentials";
  const message = `There are none in ${place}.`;
  if (address === undefined || isUnneeded(address))
    return { check, status: "ok", message: `${message} None are needed.` };
  const advice =
    'A head makes them at its first start; for another machine\'s head, bring one made with "grain access new".';
  return { check, status: "fail", message, advice };
}

/** Unix sockets are guarded by the permissions of their files. */
function isUnneeded(address: string): boolean {
  try {
    return parseAddress(address).type === "unix";
  } catch {
    return false;
  }
}

const OWN_ROLES: readonly Role[] = ["admin", "client", "worker", "viewer"];

function credentialsAt(place: string) {
  const files = isPrivateDirectory(place) ? OWN_ROLES.map((role) => credentialFile(place, role)) : [place];
  return files.flatMap((file) => readCredential(file) ?? []);
}

/** Containers have 64 MiB by default, and values above that are copied instead. */
const LITTLE_BYTES = 256 * 1024 ** 2;

function checkShared(env: Surroundings["env"]): Check {
  const check = "shared memory";
  const root = sharedRoot(env as NodeJS.ProcessEnv);
  if (root === undefined) {
    const message = "There is none: large values are sent instead of shared on one machine.";
    return { check, status: "warn", message, advice: "Name a directory in memory with GRAIN_SHARED_DIR." };
  }
  try {
    accessSync(root, constants.W_OK);
    const { bavail, bsize } = statfsSync(root);
    const free = formatMemoryShort(bavail * bsize);
    if (bavail * bsize >= LITTLE_BYTES) return { check, status: "ok", message: `${root} has ${free} free.` };
    const advice = "Free some, or give the container more (docker run --shm-size=1g).";
    return { check, status: "warn", message: `${root} has only ${free} free.`, advice };
  } catch (error) {
    const advice = "Name another directory with GRAIN_SHARED_DIR.";
    return { check, status: "warn", message: `${root} cannot be used: ${messageOf(error)}.`, advice };
  }
}
