/**
 * The hostfiles of gangs: which machines MPI may use, and how many processes on each.
 * Kept by the agent, not by executors: they outlive a process that is killed.
 */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TaskNode } from "../../proto/task.js";

/**
 * Writes a hostfile's text: a line a machine, in the order of the nodes. Workers of one
 * machine share a line, with the cores of both.
 *
 * @example
 * hostfileText([{ worker: "w1", host: "n1", cores: 16 }]) // "n1 slots=16\n"
 */
export function hostfileText(nodes: readonly TaskNode[]): string {
  const slots = new Map<string, number>();
  for (const { host, cores } of nodes) slots.set(host, (slots.get(host) ?? 0) + cores);
  return [...slots].map(([host, count]) => `${host} slots=${count}\n`).join("");
}

/** The hostfiles of the tasks that run, each in a directory that only this user can look into. */
export class Hostfiles {
  /** By the task's ref. */
  readonly #directories = new Map<number, string>();

  /**
   * Writes a task's hostfile, unless it is there from an earlier start of the same task.
   *
   * @returns its path
   * @throws what the file system says
   */
  write(ref: number, nodes: readonly TaskNode[]): string {
    let directory = this.#directories.get(ref);
    if (directory === undefined) {
      directory = mkdtempSync(join(tmpdir(), "grain-hosts-"));
      this.#directories.set(ref, directory);
      writeFileSync(join(directory, "hostfile"), hostfileText(nodes));
    }
    return join(directory, "hostfile");
  }

  /** Removes a task's hostfile, if it has one. */
  remove(ref: number): void {
    const directory = this.#directories.get(ref);
    if (directory === undefined) return;
    this.#directories.delete(ref);
    rmSync(directory, { recursive: true, force: true });
  }

  /** Removes all. */
  clear(): void {
    for (const ref of [...this.#directories.keys()]) this.remove(ref);
  }
}
