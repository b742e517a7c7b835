/**
 * The processes of this machine, from /proc. Elsewhere there are none to be seen.
 *
 * Read with plain synchronous calls into one buffer: a promise for each of some hundred files
 * would cost ten times as much.
 */

import { closeSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";

/** One process. */
export interface ProcessEntry {
  readonly pid: number;
  /** 1, or that of a subreaper, when its parent has ended. */
  readonly parent: number;
  readonly group: number;
  /** With the process id it names one process for ever. */
  readonly startTicks: number;
  /** A zombie: it holds nothing any more. */
  readonly ended: boolean;
  /** Resident memory, with what it shares. */
  readonly residentBytes: number;
}

const buffer = Buffer.allocUnsafe(4096);
/** The parent of all threads of the kernel. */
const KERNEL = 2;
/** Those are not read again for so long. */
const KERNEL_MS = 60_000;

let kernelThreads = new Set<number>();
let kernelSinceMs = 0;
let pageBytes = 0;

/** All processes but the kernel's threads; none where there is no /proc. */
export function listProcesses(): ProcessEntry[] {
  if (process.platform !== "linux") return [];
  const now = performance.now();
  if (now - kernelSinceMs > KERNEL_MS) {
    kernelThreads = new Set();
    kernelSinceMs = now;
  }
  const entries: ProcessEntry[] = [];
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!(pid > 0) || kernelThreads.has(pid)) continue;
    const entry = readEntry(pid);
    if (entry === undefined) continue;
    if (entry.parent === KERNEL || pid === KERNEL) kernelThreads.add(pid);
    else entries.push(entry);
  }
  return entries;
}

/** One process; undefined when it has gone. */
export function readEntry(pid: number): ProcessEntry | undefined {
  const text = readSmall(`/proc/${pid}/stat`);
  return text === undefined ? undefined : parseStat(pid, text);
}

/** A line of `/proc/PID/stat`. */
export function parseStat(pid: number, text: string): ProcessEntry | undefined {
  // The name in parentheses may contain anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  if (fields.length < 22) return undefined;
  const state = fields[0];
  return {
    pid,
    parent: Number(fields[1]),
    group: Number(fields[2]),
    startTicks: Number(fields[19]),
    ended: state === "Z" || state === "X",
    residentBytes: Number(fields[21]) * pageSize(),
  };
}

/** The environment that a process was started with; empty while it is being started; undefined when it is not ours to read. */
export function readEnvironment(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    return undefined;
  }
}

/** Its command line. */
export function readCommand(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").split("\0");
  } catch {
    return [];
  }
}

/** Its share of the memory that it has resident: what several processes share is divided among them. */
export function readShareBytes(pid: number): number | undefined {
  const match = /^Pss:\s+(\d+) kB/m.exec(readSmall(`/proc/${pid}/smaps_rollup`) ?? "");
  return match === null ? undefined : Number(match[1]) * 1024;
}

function readSmall(path: string): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch {
    return undefined;
  }
  try {
    return buffer.toString("latin1", 0, readSync(fd, buffer));
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/** Node does not tell it; it is the power of two by which two ways of asking for the same differ. */
function pageSize(): number {
  if (pageBytes === 0) {
    const pages = Number((readSmall("/proc/self/statm") ?? "").split(" ")[1]);
    const ratio = pages > 0 ? process.memoryUsage.rss() / pages : 4096;
    pageBytes = 2 ** Math.round(Math.log2(ratio));
  }
  return pageBytes;
}
