/** What this machine offers a worker, as far as this process may use it. */

import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import type { NumaNode, Pool } from "../proto/resource/pool.js";

/** Where to look; all of it is this machine by default. */
export interface DetectOptions {
  /** Where `/proc` and `/sys` are. Default: "/". */
  readonly root?: string;
  /** Default: this process's. */
  readonly env?: NodeJS.ProcessEnv;
  /** How many cores there are when the system does not say which. Default: Node's answer. */
  readonly coreCount?: number;
  /** The machine's memory in bytes. Default: Node's answer. */
  readonly memoryBytes?: number;
}

/** cgroup v1 says so much when there is no limit. */
const NO_LIMIT_BYTES = 2 ** 60;

/**
 * This machine's resources: cores of the affinity mask, no more of them than the
 * cgroup's CPU quota allows; memory within the cgroup's limit; NVIDIA devices
 * within `CUDA_VISIBLE_DEVICES`. Its NUMA nodes are those of all cores of the affinity mask, so
 * that a worker which is told to offer others than the first keeps their nodes.
 *
 * @example
 * const { cores, memoryBytes } = detectPool();
 */
export function detectPool(options: DetectOptions = {}): Pool {
  const { root = "/", env = process.env } = options;
  const groups = cgroups(root);
  const cores = coreIds(root, options.coreCount ?? availableParallelism());
  const quota = minimum(groups.map(cpuQuota));
  const memoryBytes = minimum([options.memoryBytes ?? totalmem(), ...groups.map(memoryLimit)]);
  return {
    cores: cores.slice(0, Math.max(1, Math.floor(Math.min(quota, cores.length)))),
    gpus: gpuIds(root, env),
    memoryBytes,
    others: [],
    tokens: [],
    numa: numaNodes(root, cores),
  };
}

/** `0-3,8` as ids; undefined when it is no such list. */
export function parseIdList(text: string): number[] | undefined {
  const ids: number[] = [];
  for (const part of text.trim().split(",")) {
    const range = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (range === null) return undefined;
    const first = Number(range[1]);
    const last = Number(range[2] ?? first);
    for (let id = first; id <= last; id++) ids.push(id);
  }
  return ids;
}

function coreIds(root: string, count: number): number[] {
  const line = /^Cpus_allowed_list:\s*(.+)$/m.exec(readText(root, "proc/self/status") ?? "");
  const ids = line === null ? undefined : parseIdList(line[1]!);
  return ids ?? Array.from({ length: count }, (_, id) => id);
}

/** The nodes of these cores; none where the system does not tell. */
function numaNodes(root: string, cores: readonly number[]): NumaNode[] {
  const nodes: NumaNode[] = [];
  for (const name of list(root, "sys/devices/system/node")) {
    if (!/^node\d+$/.test(name)) continue;
    const all = parseIdList(readText(root, join("sys/devices/system/node", name, "cpulist")) ?? "") ?? [];
    const here = all.filter((id) => cores.includes(id));
    const [first] = here;
    // Of memory alone, or of cores that are not ours.
    if (first !== undefined) nodes.push({ socket: socketOf(root, first), cores: here });
  }
  return nodes.sort((a, b) => (a.cores[0] ?? 0) - (b.cores[0] ?? 0));
}

/** Virtual machines may say -1, or nothing. */
function socketOf(root: string, core: number): number {
  const text = readText(root, join("sys/devices/system/cpu", `cpu${core}`, "topology/physical_package_id"));
  const socket = Number(text ?? 0);
  return Number.isInteger(socket) && socket > 0 ? socket : 0;
}

/** A directory of the cgroup file system that limits this process. */
export interface Cgroup {
  readonly root: string;
  readonly path: string;
}

/** Every group that this process is in, and those above: each may limit it. */
export function cgroups(root: string): Cgroup[] {
  const groups: Cgroup[] = [];
  for (const line of (readText(root, "proc/self/cgroup") ?? "").split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    const relevant = controllers === "" || /(^|,)(cpu|memory)(,|$)/.test(controllers);
    if (!relevant) continue;
    const mounts = controllers === "" ? [""] : [controllers, ...controllers.split(",")];
    for (const mount of mounts) {
      for (let at = path; ; at = at.slice(0, at.lastIndexOf("/"))) {
        groups.push({ root, path: join("sys/fs/cgroup", mount, at) });
        if (at === "" || at === "/") break;
      }
    }
  }
  return groups;
}

function cpuQuota({ root, path }: Cgroup): number {
  const v2 = /^(\d+) (\d+)/.exec(readText(root, join(path, "cpu.max")) ?? "");
  if (v2 !== null) return Number(v2[1]) / Number(v2[2]);
  const quota = Number(readText(root, join(path, "cpu.cfs_quota_us")) ?? -1);
  const period = Number(readText(root, join(path, "cpu.cfs_period_us")) ?? 0);
  return quota > 0 && period > 0 ? quota / period : Number.POSITIVE_INFINITY;
}

function memoryLimit({ root, path }: Cgroup): number {
  const text =
    readText(root, join(path, "memory.max")) ?? readText(root, join(path, "memory.limit_in_bytes"));
  const limit = Number(text?.trim() || Number.NaN);
  return limit > 0 && limit < NO_LIMIT_BYTES ? limit : Number.POSITIVE_INFINITY;
}

function gpuIds(root: string, env: NodeJS.ProcessEnv): number[] {
  const present = list(root, "proc/driver/nvidia/gpus").map((_, id) => id);
  const visible = env.CUDA_VISIBLE_DEVICES;
  if (visible === undefined) return present;
  if (visible.trim() === "") return [];
  const ids = parseIdList(visible);
  // Devices may also be named by their UUIDs, or be ended by -1; then the count is what is known.
  if (ids === undefined)
    return present.slice(0, visible.split(",").filter((name) => name.trim() !== "-1").length);
  return present.length === 0 ? ids : ids.filter((id) => present.includes(id));
}

function minimum(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
}

/** A file's text; undefined when it cannot be read. */
export function readText(root: string, path: string): string | undefined {
  try {
    return readFileSync(join(root, path), "utf8");
  } catch {
    return undefined;
  }
}

function list(root: string, path: string): string[] {
  try {
    return readdirSync(join(root, path)).sort();
  } catch {
    return [];
  }
}
