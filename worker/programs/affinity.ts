/**
 * Which cores processes are bound to. What this process may use is read when this module is loaded:
 * before it binds itself to the cores of a task.
 */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { findProgram } from "./find.js";

/** The cores that this process may use now, as `taskset` takes them; undefined where the system does not say. */
export function currentCores(): string | undefined {
  try {
    return /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  } catch {
    return undefined;
  }
}

const all = currentCores();
let canBind: boolean | undefined;

/** The cores that this process may use when it is not bound; undefined: nothing can be bound here. */
export function allCores(): string | undefined {
  canBind ??= findProgram("taskset", undefined) !== undefined;
  return canBind ? all : undefined;
}

/** Binds this process: all threads that it has, and so those that they start. */
export class Affinity {
  /** Ids, separated by commas; empty: not bound. */
  #bound = "";

  /**
   * Binds this process to cores; does nothing when it is bound so already.
   *
   * @param cores empty: to all that it may use
   * @returns why it could not be bound; undefined when it is, or when nothing can be bound here
   * @example
   * const problem = affinity.bind([2, 3]);
   */
  bind(cores: readonly number[]): string | undefined {
    const wanted = cores.join(",");
    const everything = allCores();
    if (wanted === this.#bound || everything === undefined) return undefined;
    this.#bound = wanted;
    const list = wanted === "" ? everything : wanted;
    const { status, stderr, error } = spawnSync("taskset", ["-a", "-c", "-p", list, String(process.pid)], {
      stdio: ["ignore", "ignore", "pipe"],
      encoding: "utf8",
    });
    if (status === 0) return undefined;
    return error?.message ?? stderr.trim().replaceAll("\n", "; ");
  }
}
