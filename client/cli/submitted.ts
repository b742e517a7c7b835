/** Jobs that were submitted and are no workers of the head (yet): how they stand, and what became of those that failed. */

import type { Config } from "../../proto/config/config.js";
import { formatDuration } from "../../proto/duration.js";
import { messageOf } from "../../proto/errors.js";
import type { BookedJob, JobState } from "../../provider/index.js";
import { lastLine } from "../../provider/last-line.js";
import { formatTable } from "./table.js";

/** A job with its state. */
export interface SeenJob extends BookedJob {
  readonly state: JobState;
}

/** All jobs that were not forgotten. */
export interface Seen {
  readonly jobs: readonly SeenJob[];
  /** Of batch systems that could not be asked, a sentence each. */
  readonly problems: readonly string[];
}

/** Of these nothing can be done any more. */
const FORGET_FAILED_MS = 24 * 3_600_000;
const FORGET_UNKNOWN_MS = 3_600_000;
/** A job may not be listed at once. */
const BECOMES_KNOWN_MS = 60_000;

/**
 * Asks each batch system once for the jobs that were submitted to it, and forgets those that have ended.
 *
 * @example
 * const { jobs } = await seeJobs(config, process.env, Date.now());
 */
export async function seeJobs(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
  nowMs: number,
): Promise<Seen> {
  const { askSettings, bookDirectory, forgetJobs, openProvider, readJobs } = await import(
    "../../provider/index.js"
  );
  const directory = bookDirectory(env);
  const booked = readJobs(directory);
  const jobs: SeenJob[] = [];
  const problems: string[] = [];
  for (const system of new Set(booked.map((job) => job.system))) {
    const ours = booked.filter((job) => job.system === system);
    try {
      const provider = await openProvider(askSettings(config, system));
      const states = await provider.status(ours.map(({ id }) => id));
      const seen = ours.map((job): SeenJob => ({ ...job, state: judged(job, states.get(job.id), nowMs) }));
      jobs.push(...seen);
      const over = seen.filter((job) => isForgotten(job, nowMs));
      if (over.length > 0) await provider.forget?.(over.map(({ id }) => id));
    } catch (error) {
      problems.push(messageOf(error));
      const asked = new Set(jobs.map((job) => `${job.system}:${job.id}`));
      for (const job of ours)
        if (!asked.has(`${system}:${job.id}`)) jobs.push({ ...job, state: { type: "unknown" } });
    }
  }
  const over = jobs.filter((job) => isForgotten(job, nowMs));
  // A head strikes out its own, and takes those that somebody else has struck out for cancelled.
  const isOurs = ({ swarm, submittedAtMs }: SeenJob) =>
    swarm !== true || nowMs - submittedAtMs > FORGET_FAILED_MS;
  forgetJobs(directory, over.filter(isOurs));
  return { jobs: jobs.filter((job) => !over.includes(job)), problems };
}

/** Systems that keep no exit codes, or forget jobs soon, leave it to the log to say how it ended. */
function judged(job: BookedJob, state: JobState = { type: "unknown" }, nowMs: number): JobState {
  const isBare = state.type === "ended" && (job.system === "local" || job.system === "ssh");
  const isOld = state.type === "unknown" && nowMs - job.submittedAtMs > BECOMES_KNOWN_MS;
  const last = isBare || isOld ? lastLine(job.logFile) : undefined;
  if (last === undefined) return state;
  return /^grain(-worker|-head)?: /.test(last)
    ? { type: "failed", reason: "it ended at once" }
    : { type: "ended", reason: "" };
}

function isForgotten({ state, submittedAtMs }: SeenJob, nowMs: number): boolean {
  const ageMs = nowMs - submittedAtMs;
  if (state.type === "ended") return true;
  return (
    (state.type === "failed" && ageMs > FORGET_FAILED_MS) ||
    (state.type === "unknown" && ageMs > FORGET_UNKNOWN_MS)
  );
}

/**
 * Jobs for people, at most 80 columns wide; what failed with its log.
 *
 * @param connected jobs whose workers the head shows already, as "system:id"
 * @returns empty when there is nothing to say
 */
export function showJobs({ jobs, problems }: Seen, connected: ReadonlySet<string>, nowMs: number): string {
  const others = jobs.filter(({ system, id }) => !connected.has(`${system}:${id}`));
  const parts: string[] = [];
  const alive = others.filter(({ state }) => state.type !== "failed");
  if (alive.length > 0)
    parts.push(
      formatTable(
        ["JOB", "NAME", "SYSTEM", "STATE", "SUBMITTED"],
        alive.map(({ id, name, system, role, state, submittedAtMs }) => [
          id,
          name,
          system,
          stateOf(state, role),
          ago(nowMs - submittedAtMs),
        ]),
      ),
    );
  parts.push(...longReasons(alive));
  for (const { id, name, state, logFile, logCommand } of others) {
    if (state.type !== "failed") continue;
    const last = logCommand === undefined ? lastLine(logFile) : undefined;
    const said = last === undefined ? "" : `\n  ${last}`;
    const log = logCommand === undefined ? logFile : `with: ${logCommand}`;
    parts.push(`Job ${id} (${name}) failed: ${howFailed(state)}. Read its log ${log}${said}\n`);
  }
  for (const problem of problems) parts.push(`${problem}\n`);
  return parts.join("\n");
}

/** The table has room for so much of a reason. */
const SHORT_REASON = 18;

/** Why jobs wait, where it does not fit the table: once for all that wait for the same. */
function longReasons(jobs: readonly SeenJob[]): string[] {
  const counts = new Map<string, number>();
  for (const { state } of jobs)
    if (state.type === "queued" && state.reason.length > SHORT_REASON)
      counts.set(state.reason, (counts.get(state.reason) ?? 0) + 1);
  return [...counts].map(
    ([reason, count]) =>
      `${count === 1 ? "1 job waits" : `${count} jobs wait`}: ${reason.replace(/\.$/, "")}.\n`,
  );
}

function stateOf(state: JobState, role: BookedJob["role"]): string {
  if (state.type === "queued" && state.reason !== "") return `queued (${state.reason})`;
  if (state.type === "running") {
    // It starts, or ends, or does not find the head.
    const what = role === "head" ? "runs" : "runs, no worker";
    return state.host === "" ? what : `${what} (${state.host})`;
  }
  return state.type;
}

function howFailed({ exitCode = 0, signal = 0, reason }: Extract<JobState, { type: "failed" }>): string {
  if (signal > 0) return `${reason}, signal ${signal}`;
  return exitCode > 0 ? `${reason}, exit code ${exitCode}` : reason;
}

function ago(ms: number): string {
  return `${formatDuration(Math.floor(ms / 1_000) * 1_000)} ago`;
}
