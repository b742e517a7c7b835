/** Process groups: a program and what it has started. */

import { readdirSync, readFileSync } from "node:fs";

/**
 * Sends a signal to a process group.
 *
 * @returns whether there was one
 * @example
 * killGroup(pid, "SIGTERM")
 */
export function killGroup(group: number, signal: NodeJS.Signals): boolean {
  return send(group, signal);
}

function send(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}

/** State and group of a process, from /proc; undefined when it has gone. */
function stateOf(pid: string): { readonly state: string; readonly group: number } | undefined {
  try {
    // The name in parentheses may contain anything.
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\) /s, "")
      .split(" ");
    return { state: fields[0] ?? "", group: Number(fields[2]) };
  } catch {
    return undefined;
  }
}

/**
 * Whether a process of the group has not ended. One that nobody has collected (a zombie) has:
 * in a container it may stay for ever.
 *
 * @example
 * groupLives(pid)
 */
export function groupLives(group: number): boolean {
  if (!send(group, 0)) return false;
  if (process.platform !== "linux") return true;
  return readdirSync("/proc").some((pid) => {
    const process = /^\d+$/.test(pid) ? stateOf(pid) : undefined;
    return process?.group === group && process.state !== "Z" && process.state !== "X";
  });
}
