/**
 * The jobs that this user has submitted: a small file each, so that other commands find them again,
 * whatever the batch system. What has ended is forgotten.
 */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { JobId } from "./provider.js";
import type { System } from "./settings.js";

/** A job that was submitted. */
export interface BookedJob {
  readonly id: JobId;
  readonly system: System;
  readonly role: "worker" | "head";
  readonly name: string;
  /** Of its log; empty where it is no file. */
  readonly logFile: string;
  /** Shows its log, where it is no file. */
  readonly logCommand?: string | undefined;
  /** Milliseconds since 1970. */
  readonly submittedAtMs: number;
  /** The head that its worker joins; undefined: it is a head's. */
  readonly address?: string | undefined;
  /** That head has submitted it, and looks after it. */
  readonly swarm?: true | undefined;
}

/**
 * Where it is kept: `$XDG_STATE_HOME/grain/jobs`, `~/.local/state/grain/jobs`.
 *
 * @example
 * readJobs(bookDirectory(process.env));
 */
export function bookDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const state = env.XDG_STATE_HOME;
  const base = state !== undefined && isAbsolute(state) ? state : join(homedir(), ".local", "state");
  return join(base, "grain", "jobs");
}

/** Notes jobs. */
export function bookJobs(directory: string, jobs: readonly BookedJob[]): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const job of jobs) writeFileSync(fileOf(directory, job), `${JSON.stringify(job)}\n`, { mode: 0o600 });
}

/** Jobs that were noted, the first submitted first. Files that are none are passed over. */
export function readJobs(directory: string): BookedJob[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return [];
  }
  return names
    .flatMap((name) => {
      try {
        const job = JSON.parse(readFileSync(join(directory, name), "utf8")) as BookedJob;
        return typeof job.id === "string" && typeof job.name === "string" ? [job] : [];
      } catch {
        return [];
      }
    })
    .sort((a, b) => a.submittedAtMs - b.submittedAtMs || compareIds(a.id, b.id));
}

/** Forgets jobs. */
export function forgetJobs(directory: string, jobs: readonly BookedJob[]): void {
  for (const job of jobs) rmSync(fileOf(directory, job), { force: true });
}

function fileOf(directory: string, { system, id }: BookedJob): string {
  return join(directory, `${system}-${encodeURIComponent(id)}.json`);
}

function compareIds(a: JobId, b: JobId): number {
  return a.localeCompare(b, "en", { numeric: true });
}
