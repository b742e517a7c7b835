/** The machine that figures were measured on. */

import { execFileSync } from "node:child_process";
import { cpus, loadavg, release, totalmem } from "node:os";

/** What figures depend on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  /** Of the minute before: more than nothing means that others were at work. */
  readonly load: number;
  /** The version that was measured, as git names it. */
  readonly commit: string;
}

export function describeMachine(root: string): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    load: loadavg()[0] ?? 0,
    commit: commitOf(root),
  };
}

function commitOf(root: string): string {
  try {
    return execFileSync("git", ["describe", "--always", "--dirty"], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "unknown";
  }
}

/** One line. */
export function showMachine(machine: Machine): string {
  const { cpu, cores, memoryGiB, kernel, node, load } = machine;
  return `Node ${node}, ${cores} × ${cpu}, ${memoryGiB} GiB, Linux ${kernel}, load ${load.toFixed(2)}`;
}
