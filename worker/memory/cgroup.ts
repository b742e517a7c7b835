/**
 * Limits of the kernel's own, where this process may make control groups (cgroup v2, delegated): one
 * group for each executor, with the task's memory as its limit. Then nothing has to be noticed in
 * time, and what the kernel ended is known for certain. Elsewhere there are none, and measuring
 * (watch.ts) has to do.
 */

import {
  accessSync,
  constants,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { readText } from "../detect.js";

/** What the groups of executors are called, with this process's id and a number. */
const PREFIX = "grain-executor";
/** The group that this process moves into: one with members of its own may not divide its memory. */
const OWN = "grain-worker";
const NO_LIMIT = "max";

/** The group of one executor. */
export interface ExecutorGroup {
  /** Limits what the task may use on top of what the executor has; 0: no limit. */
  limit(askedBytes: number, baseBytes: number): void;
  /** Whether the kernel has ended a process of it for want of memory since `limit` was called last. */
  wasKilled(): boolean;
  /** The most that was used; undefined where the kernel does not tell. */
  peakBytes(): number | undefined;
  /** Removes it, with what may be left in it. */
  remove(): void;
}

/** The groups of one process. */
export class CgroupTree {
  readonly #parent: string;
  #made = 0;

  private constructor(parent: string) {
    this.#parent = parent;
  }

  /**
   * Takes charge of this process's group, if that was given to it.
   *
   * @param root where `/proc` and `/sys` are
   * @returns undefined where limits cannot be set
   */
  static open(root = "/"): CgroupTree | undefined {
    const path = /^0::(.*)$/m.exec(readText(root, "proc/self/cgroup") ?? "")?.[1];
    if (path === undefined) return undefined;
    for (const mount of ["sys/fs/cgroup", "sys/fs/cgroup/unified"]) {
      const own = join(root, mount, path);
      // After an earlier agent of this process, which has moved it.
      const parent = own.endsWith(`/${OWN}`) ? own.slice(0, -OWN.length - 1) : own;
      if (canDivide(parent)) return new CgroupTree(parent);
    }
    return undefined;
  }

  /** Makes a group for an executor that was just started; undefined when that does not work. */
  add(pid: number): ExecutorGroup | undefined {
    this.#made += 1;
    const path = join(this.#parent, `${PREFIX}-${process.pid}-${this.#made}`);
    try {
      mkdirSync(path);
      writeFileSync(join(path, "cgroup.procs"), String(pid));
      // All of a task's processes end together, none is left to wonder.
      writeFileSync(join(path, "memory.oom.group"), "1");
      return new Group(path);
    } catch {
      remove(path);
      return undefined;
    }
  }
}

class Group implements ExecutorGroup {
  readonly #path: string;
  #limit = NO_LIMIT;
  #killsBefore = 0;

  constructor(path: string) {
    this.#path = path;
  }

  limit(askedBytes: number, baseBytes: number): void {
    this.#killsBefore = this.#kills();
    const limit = askedBytes > 0 ? String(askedBytes + baseBytes) : NO_LIMIT;
    if (limit === this.#limit) return;
    try {
      writeFileSync(join(this.#path, "memory.max"), limit);
      this.#limit = limit;
    } catch {
      // It has been taken from us; what is measured still counts.
    }
  }

  wasKilled(): boolean {
    return this.#kills() > this.#killsBefore;
  }

  peakBytes(): number | undefined {
    const peak = Number(readText(this.#path, "memory.peak")?.trim() || Number.NaN);
    return Number.isNaN(peak) ? undefined : peak;
  }

  remove(): void {
    try {
      writeFileSync(join(this.#path, "cgroup.kill"), "1");
    } catch {
      // An older kernel: what carries our marks has ended anyway.
    }
    remove(this.#path);
  }

  #kills(): number {
    return Number(/^oom_kill (\d+)/m.exec(readText(this.#path, "memory.events") ?? "")?.[1] ?? 0);
  }
}

/** Whether groups with a limit can be made below this one; makes it so where that is ours to do. */
function canDivide(parent: string): boolean {
  try {
    if (!words(parent, "cgroup.controllers").includes("memory")) return false;
    accessSync(parent, constants.W_OK);
    accessSync(join(parent, "cgroup.procs"), constants.W_OK);
    if (words(parent, "cgroup.subtree_control").includes("memory")) return true;
    const members = words(parent, "cgroup.procs");
    // With somebody else in it the group is not ours alone.
    if (members.length !== 1 || members[0] !== String(process.pid)) return false;
    const own = join(parent, OWN);
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, "cgroup.procs"), String(process.pid));
    writeFileSync(join(parent, "cgroup.subtree_control"), "+memory");
    removeForsaken(parent);
    return true;
  } catch {
    return false;
  }
}

function words(group: string, file: string): string[] {
  return readFileSync(join(group, file), "utf8").split(/\s+/).filter(Boolean);
}

/** Groups of an earlier process; those in use cannot be removed. */
function removeForsaken(parent: string): void {
  for (const name of readdirSync(parent)) if (name.startsWith(PREFIX)) remove(join(parent, name));
}

function remove(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Somebody looks into it just now; it is empty and costs nothing.
  }
}
