/** Processes by names that no other ever has: numbers of processes are given out again, and containers have their own. */

import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** A process. */
export interface ProcessName {
  /** See {@link thisMachine}. */
  readonly machine: string;
  readonly pid: number;
  /** When it started, as its system counts. Empty where the system does not say. */
  readonly started: string;
}

/** A process among those of one machine: its id, its start, the namespace of its id. */
const SHORT = /^(\d+)-(\d+)-(\d+)$/;
/** In a short name, in place of what the system does not say. */
const UNKNOWN = "0";

let machine: string | undefined;
let space: string | undefined;

/**
 * Names this start of this machine, and the processes that can be seen from here: containers on one
 * machine do not see each other's.
 */
export function thisMachine(): string {
  machine ??= [hostname(), read("/proc/sys/kernel/random/boot_id"), processSpace()].join(" ").trim();
  return machine;
}

/** This process. */
export function thisProcess(): ProcessName {
  return { machine: thisMachine(), pid: process.pid, started: lookAt(process.pid).started };
}

/** Whether a process runs; undefined: it is on another machine, where that cannot be seen. */
export function isRunning({ machine, pid, started }: ProcessName): boolean | undefined {
  if (machine !== thisMachine()) return undefined;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  const found = lookAt(pid);
  if (found.ended) return false;
  return started === "" || found.started === "" || found.started === started;
}

/** This process, for others on this machine: fit for names of files. */
export function ownProcess(): string {
  const { pid, started } = thisProcess();
  return `${pid}-${started || UNKNOWN}-${spaceNumber()}`;
}

/** Whether a process, as `ownProcess` has named it, is known to have ended. Of another namespace nothing is known. */
export function hasEnded(name: string): boolean {
  const [, pid, started, pids] = SHORT.exec(name) ?? [];
  if (pid === undefined || pids !== spaceNumber()) return false;
  const known = started === UNKNOWN ? "" : started!;
  return isRunning({ machine: thisMachine(), pid: Number(pid), started: known }) === false;
}

interface Look {
  /** In clock ticks since the machine did; empty where the system does not say. */
  readonly started: string;
  /** Its parent has not noticed yet; it does nothing any more. */
  readonly ended: boolean;
}

function lookAt(pid: number): Look {
  const stat = read(`/proc/${pid}/stat`);
  // The name, in parentheses, may hold anything; fields 3 and 22 are state and start.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { started: fields[19] ?? "", ended: fields[0] === "Z" || fields[0] === "X" };
}

function spaceNumber(): string {
  return /\d+/.exec(processSpace())?.[0] ?? UNKNOWN;
}

/** The namespace that this process's id belongs to. It never changes. */
function processSpace(): string {
  space ??= readSpace();
  return space;
}

function readSpace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1").trim();
  } catch {
    return "";
  }
}
