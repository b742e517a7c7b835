/** Which machine this is, and whether a process of it still runs. */

import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** A process, by a name that no other ever has. */
export interface ProcessName {
  /** See {@link thisMachine}. */
  readonly machine: string;
  readonly pid: number;
  /** When it started, as its system counts: numbers of processes are given out again. May be empty. */
  readonly started: string;
}

let known: string | undefined;

/**
 * Names this start of this machine, and the processes that can be seen from here: containers on one
 * machine do not see each other's.
 */
export function thisMachine(): string {
  known ??= [hostname(), read("/proc/sys/kernel/random/boot_id"), processSpace()].join(" ").trim();
  return known;
}

/** This process. */
export function thisProcess(): ProcessName {
  return { machine: thisMachine(), pid: process.pid, started: startOf(process.pid) };
}

/** Whether a process runs; undefined: it is on another machine, where that cannot be seen. */
export function isRunning({ machine, pid, started }: ProcessName): boolean | undefined {
  if (machine !== thisMachine()) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return startOf(pid) === started;
}

/** Empty where the system does not say. */
function startOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`);
  // Fields are counted behind the name, which may contain anything: the 22nd is the 20th from there.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // One that has ended, and whose parent has not noticed, serves nobody.
  return fields[0] === "Z" ? "ended" : (fields[19] ?? "");
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1").trim();
  } catch {
    return "";
  }
}

function processSpace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}
