/** What has become of the swarm's jobs: which gave a worker, which did not, and what follows from that. */

import type { JobId, JobState } from "../../provider/provider.js";
import { MOST_FAILED_JOBS, waitAfter } from "./backoff.js";
import { mostOf } from "./goal.js";
import type { Observations } from "./observation.js";
import { spent } from "./quota.js";
import type { ScaleState, SwarmJob } from "./state.js";

/** One that runs for so long without a worker will not give one. */
export const START_MS = 10 * 60_000;
/** One that the batch system has not known for so long is gone. It may not be listed at once. */
export const VANISHED_MS = 120_000;

/** Somebody, or something more urgent, or a broken machine has ended it: nothing is wrong with the job. */
const INNOCENT =
  /cancel|preempt|revoked|delet|requeue|node.?fail|boot.?fail|TERM_(OWNER|ADMIN|PREEMPT)|by (user|owner|admin)/i;

/** What came of it. */
export interface Judgement {
  readonly state: ScaleState;
  /** Phrases. */
  readonly reasons: readonly string[];
  /** Jobs that are to be ended. */
  readonly hopeless: readonly JobId[];
}

type Verdict =
  | { readonly type: "goesOn"; readonly job: SwarmJob }
  /** As it should. */
  | { readonly type: "over"; readonly givesBack: boolean }
  /** Its worker was here, not for long, and did not end well. */
  | { readonly type: "early"; readonly reason: string }
  /** It gave no worker. @property runs it still does */
  | { readonly type: "failed"; readonly reason: string; readonly runs: boolean };

/** Looks at each job of the swarm. */
export function judgeJobs(before: ScaleState, seen: Observations, nowMs: number): Judgement {
  const connected = new Set(seen.workers.flatMap(({ job }) => job ?? []));
  const jobs = new Map<JobId, SwarmJob>();
  const reasons: string[] = [];
  const hopeless: JobId[] = [];
  let state = before;
  for (const old of before.jobs.values()) {
    const isHere = connected.has(old.id);
    const job = isHere || seen.joined.has(old.id) ? { ...old, joined: true } : old;
    // One that gives a worker shows that it can be done.
    if (job.joined && !old.joined) state = { ...state, failedJobs: 0, refusals: 0, notBeforeMs: 0 };
    const verdict = verdictOn(job, isHere, seen, state, nowMs);
    const name = `job ${job.id}`;
    switch (verdict.type) {
      case "goesOn":
        jobs.set(job.id, verdict.job);
        break;
      case "over":
        if (verdict.givesBack) state = withQuota(state, -1);
        break;
      case "early":
        state = withQuota(state, 1);
        reasons.push(`${name} ended early (${verdict.reason}); read its log ${job.logFile}`);
        break;
      case "failed":
        if (verdict.runs) hopeless.push(job.id);
        state = withFailure(state, job, nowMs);
        reasons.push(`${name} gave no worker (${verdict.reason}); read its log ${job.logFile}`);
        break;
      default:
        verdict satisfies never;
    }
  }
  return { state: { ...state, jobs }, reasons, hopeless };
}

function verdictOn(
  job: SwarmJob,
  isHere: boolean,
  seen: Observations,
  { rules }: ScaleState,
  nowMs: number,
): Verdict {
  // What the batch system says comes late.
  if (isHere) return { type: "goesOn", job: { ...job, unknownSinceMs: undefined } };
  if (seen.cancelled.has(job.id)) return { type: "over", givesBack: true };
  const now = seen.jobs?.get(job.id);
  if (now === undefined) return { type: "goesOn", job };
  switch (now.type) {
    case "queued":
      return { type: "goesOn", job: { ...revived(job, nowMs), phase: "queued" } };
    case "running":
      return running(job, nowMs);
    case "unknown":
      return unknown(job, nowMs);
    case "ended":
    case "failed":
      return over(job, now, rules.lifetimeMs, nowMs);
    default:
      return now satisfies never;
  }
}

function running(job: SwarmJob, nowMs: number): Verdict {
  const { runningSinceMs: sinceMs = nowMs } = job;
  if (!job.joined && job.endedAtMs === undefined && nowMs - sinceMs >= START_MS)
    return {
      type: "failed",
      reason: `it runs, and no worker has come within ${START_MS / 60_000} minutes`,
      runs: true,
    };
  return { type: "goesOn", job: { ...revived(job, nowMs), phase: "running", runningSinceMs: sinceMs } };
}

/** The batch system knows it, also if it was to be cancelled a while ago. */
function revived(job: SwarmJob, nowMs: number): SwarmJob {
  const { endedAtMs, joined } = job;
  const isDeaf = !joined && endedAtMs !== undefined && nowMs - endedAtMs >= VANISHED_MS;
  return { ...job, unknownSinceMs: undefined, endedAtMs: isDeaf ? undefined : endedAtMs };
}

function unknown(job: SwarmJob, nowMs: number): Verdict {
  // One that was submitted long ago is listed, if it still is anything.
  const { unknownSinceMs: sinceMs = isUnseen(job) ? job.submittedAtMs : nowMs } = job;
  if (nowMs - sinceMs < VANISHED_MS) return { type: "goesOn", job: { ...job, unknownSinceMs: sinceMs } };
  if (job.joined || job.endedAtMs !== undefined || isUnseen(job))
    return { type: "over", givesBack: job.endedAtMs !== undefined };
  return { type: "failed", reason: "the batch system does not know it any more", runs: false };
}

function over(
  job: SwarmJob,
  now: Extract<JobState, { type: "ended" | "failed" }>,
  lifetimeMs: number,
  nowMs: number,
): Verdict {
  if (job.endedAtMs !== undefined) return { type: "over", givesBack: true };
  if (isUnseen(job) || INNOCENT.test(now.reason)) return { type: "over", givesBack: false };
  const reason = howEnded(now);
  if (!job.joined) return { type: "failed", reason, runs: false };
  const livedMs = nowMs - (job.runningSinceMs ?? job.submittedAtMs);
  // One that was asked to leave, or had nothing to do any more, ends well.
  return now.type === "failed" && livedMs < lifetimeMs / 2
    ? { type: "early", reason }
    : { type: "over", givesBack: false };
}

/** It is not known what this head's earlier life knew of it. */
function isUnseen({ found, phase, joined }: SwarmJob): boolean {
  return found && phase === "submitted" && !joined;
}

function howEnded(state: Extract<JobState, { type: "ended" | "failed" }>): string {
  const reason = state.reason || state.type;
  if (state.type === "ended") return reason;
  if ((state.signal ?? 0) > 0) return `${reason}, signal ${state.signal}`;
  return (state.exitCode ?? 0) > 0 ? `${reason}, exit code ${state.exitCode}` : reason;
}

function withQuota(state: ScaleState, amount: number): ScaleState {
  return { ...state, quota: spent(state.quota, mostOf(state.goal), amount) };
}

function withFailure(before: ScaleState, { logFile, submittedAtMs }: SwarmJob, nowMs: number): ScaleState {
  const state = withQuota(before, 1);
  if (state.goal.type === "off" || submittedAtMs < state.sinceMs) return state;
  const failedJobs = state.failedJobs + 1;
  const notBeforeMs = Math.max(state.notBeforeMs, nowMs + waitAfter(failedJobs));
  if (failedJobs < MOST_FAILED_JOBS || state.pause !== undefined)
    return { ...state, failedJobs, notBeforeMs };
  const why = `${failedJobs} jobs in a row gave no worker`;
  return { ...state, failedJobs, notBeforeMs, pause: { why, logFile, sinceMs: nowMs } };
}
