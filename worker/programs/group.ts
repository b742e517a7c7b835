/** Process groups: a program and what it has started. */

import { existsSync, readdirSync, readFileSync } from "node:fs";

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

/** In a process's flags: it is still what its parent was. */
const FORKED_ONLY = 0x40;

/** Whether the system tells which processes a process has started. */
export function tellsChildren(): boolean {
  return existsSync(`/proc/${process.pid}/task/${process.pid}/children`);
}

/** The only process that another of one thread has started and that runs a program of its own; undefined: none yet. */
export function childOf(parent: number): number | undefined {
  try {
    const [pid = ""] = readFileSync(`/proc/${parent}/task/${parent}/children`, "latin1").split(" ");
    const flags = Number(fieldsOf(pid)[6]);
    return (flags & FORKED_ONLY) === 0 ? Number(pid) : undefined;
  } catch {
    return undefined;
  }
}

/** What `/proc/PID/stat` says after the name, which is in parentheses and may contain anything. */
function fieldsOf(pid: string): string[] {
  return readFileSync(`/proc/${pid}/stat`, "latin1")
    .replace(/^.*\) /s, "")
    .split(" ");
}

/** State and group of a process, from /proc; undefined when it has gone. */
function stateOf(pid: string): { readonly state: string; readonly group: number } | undefined {
  try {
    const fields = fieldsOf(pid);
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
