/** Processor time and memory of processes, from /proc. */

import { readdirSync, readFileSync } from "node:fs";

/** Processor time of all threads of a process that live, in milliseconds. */
export function cpuMs(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    // To the nanosecond; /proc/PID/stat counts in hundredths of a second.
    const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8");
    nanoseconds += Number(text.split(" ", 1)[0]);
  }
  return nanoseconds / 1e6;
}

/** Resident memory of a process, in MiB. */
export function residentMiB(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(match?.[1]) / 1024;
}

/** The Node processes that a process has started. */
export function nodeChildren(parent: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && isNodeChild(name, parent))
    .map(Number);
}

function isNodeChild(pid: string, parent: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // "pid (name) state ppid …"; the name may hold anything.
    const ppid = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    return ppid === parent && readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith(process.execPath);
  } catch {
    // It has ended meanwhile.
    return false;
  }
}
