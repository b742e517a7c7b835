/**
 * The mark that every process of a task carries in its environment: whose executor started it.
 *
 * A process that leaves its group and session, and whose parent has ended, is still found by it.
 * A worker inside a task of another worker adds its mark to those that are there already.
 * Finding and ending processes is family.ts and orphans.ts.
 */

import { readlinkSync } from "node:fs";
import { readEntry } from "./table.js";

/** The variable with the marks, separated by blanks. */
export const MARK_VARIABLE = "GRAIN_EXECUTOR";

/** The process that owns an executor. */
export interface Owner {
  /** The namespace that its process id belongs to. */
  readonly namespace: string;
  readonly pid: number;
  /** When it started, in clock ticks since the machine did: process ids are used again. */
  readonly startTicks: number;
}

const MARK = /^grain-(\d+)\.(\d+)\.(\d+)\.(\d+)$/;

let mine: string | undefined;
let lastExecutor = 0;

/** What the marks of all executors of this process begin with. */
export function ownMarks(): string {
  mine ??= `grain-${namespace()}.${process.pid}.${readEntry(process.pid)?.startTicks ?? 0}.`;
  return mine;
}

/** A mark for one more executor of this process. */
export function newMark(): string {
  lastExecutor += 1;
  return `${ownMarks()}${lastExecutor}`;
}

/**
 * An environment with one more mark.
 *
 * @example
 * spawn(command, args, { env: withMark(process.env, newMark()) })
 */
export function withMark(env: NodeJS.ProcessEnv, mark: string): NodeJS.ProcessEnv {
  const before = env[MARK_VARIABLE];
  return { ...env, [MARK_VARIABLE]: before === undefined ? mark : `${before} ${mark}` };
}

/** The marks in an environment, as `/proc/PID/environ` shows it. */
export function marksIn(environ: string): string[] {
  const name = `${MARK_VARIABLE}=`;
  const variable = environ.split("\0").find((text) => text.startsWith(name));
  return variable === undefined ? [] : variable.slice(name.length).split(" ").filter(Boolean);
}

/** Whose mark it is; undefined when it is none. */
export function ownerOf(mark: string): Owner | undefined {
  const match = MARK.exec(mark);
  if (match === null) return undefined;
  return { namespace: match[1]!, pid: Number(match[2]), startTicks: Number(match[3]) };
}

/** Whether the owner of a mark is known to have ended; what is in another namespace cannot be known. */
export function hasEnded(owner: Owner): boolean {
  if (owner.namespace !== namespace() || owner.startTicks === 0) return false;
  const entry = readEntry(owner.pid);
  return entry === undefined || entry.ended || entry.startTicks !== owner.startTicks;
}

function namespace(): string {
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
  } catch {
    return "0";
  }
}
