/**
 * All that the swarm knows of itself between two decisions: plain values, replaced and never changed.
 * Times are milliseconds since 1970: they outlive the head.
 */

import type { JobId } from "../../provider/provider.js";
import { MOST_REFUSALS, waitAfter } from "./backoff.js";
import { type Goal, mostOf } from "./goal.js";
import { fullQuota, type Quota, spent } from "./quota.js";

/** What does not change from decision to decision. */
export interface Rules {
  /** By demand, no more jobs wait in the batch system at a time. */
  readonly backlog: number;
  /** How long a worker lives. */
  readonly lifetimeMs: number;
}

/** A job that was submitted and is not over. */
export interface SwarmJob {
  readonly id: JobId;
  /** Of its log, or the command that shows it. */
  readonly logFile: string;
  readonly submittedAtMs: number;
  /** As it was seen last. "submitted": not yet. */
  readonly phase: "submitted" | "queued" | "running";
  /** Since when it runs, as far as it was looked at. */
  readonly runningSinceMs: number | undefined;
  /** Its worker has been here. */
  readonly joined: boolean;
  /** Submitted by an earlier life of the head: what has become of it before it was looked at is not held against anybody. */
  readonly found: boolean;
  /** Since when the batch system does not know it. */
  readonly unknownSinceMs: number | undefined;
  /** When its worker was asked to leave, or it was cancelled. */
  readonly endedAtMs: number | undefined;
}

/** Why nothing is submitted until somebody says so. */
export interface Pause {
  /** A phrase, e.g. "3 jobs in a row gave no worker". */
  readonly why: string;
  /** What to read; undefined: there is none. */
  readonly logFile: string | undefined;
  readonly sinceMs: number;
}

/** Since when a worker has nothing to do, and how many tasks had ended there by then. */
export interface Idle {
  readonly sinceMs: number;
  readonly finished: number;
}

/** The whole state. */
export interface ScaleState {
  readonly goal: Goal;
  readonly rules: Rules;
  readonly jobs: ReadonlyMap<JobId, SwarmJob>;
  readonly quota: Quota;
  /** Submissions that were refused, in a row. */
  readonly refusals: number;
  /** Jobs that gave no worker, in a row. */
  readonly failedJobs: number;
  /** Jobs that were submitted before that are not held against those that are submitted now. */
  readonly sinceMs: number;
  /** Nothing is submitted before that. */
  readonly notBeforeMs: number;
  readonly pause: Pause | undefined;
  /** By the number of the worker. */
  readonly idle: ReadonlyMap<number, Idle>;
  /** Numbers of workers that end soon and for which a successor was asked for. */
  readonly replaced: ReadonlySet<number>;
  /** Since when more jobs wait than are wanted. */
  readonly surplusSinceMs: number | undefined;
}

/** Nothing is wanted, nothing is there. */
export function newState(rules: Rules, nowMs: number): ScaleState {
  return {
    goal: { type: "off" },
    rules,
    jobs: new Map(),
    quota: fullQuota(0, nowMs),
    refusals: 0,
    failedJobs: 0,
    sinceMs: nowMs,
    notBeforeMs: 0,
    pause: undefined,
    idle: new Map(),
    replaced: new Set(),
    surplusSinceMs: undefined,
  };
}

/** Something else is wanted: what has failed before counts no more. */
export function aimed(state: ScaleState, goal: Goal, nowMs: number): ScaleState {
  return resumed({ ...state, goal, surplusSinceMs: undefined }, nowMs);
}

/** It goes on as if nothing had failed. */
export function resumed(state: ScaleState, nowMs: number): ScaleState {
  const quota = fullQuota(mostOf(state.goal), nowMs);
  return { ...state, quota, refusals: 0, failedJobs: 0, sinceMs: nowMs, notBeforeMs: 0, pause: undefined };
}

/** Jobs of an earlier life of the head. */
export function foundAgain(
  state: ScaleState,
  jobs: readonly Pick<SwarmJob, "id" | "logFile" | "submittedAtMs">[],
): ScaleState {
  return { ...state, jobs: withJobs(state, jobs, true) };
}

/** Jobs were submitted. */
export function submitted(
  state: ScaleState,
  jobs: readonly Pick<SwarmJob, "id" | "logFile" | "submittedAtMs">[],
): ScaleState {
  if (jobs.length === 0) return state;
  const quota = spent(state.quota, mostOf(state.goal), jobs.length);
  return { ...state, jobs: withJobs(state, jobs, false), quota, refusals: 0 };
}

function withJobs(
  { jobs }: ScaleState,
  added: readonly Pick<SwarmJob, "id" | "logFile" | "submittedAtMs">[],
  found: boolean,
): Map<JobId, SwarmJob> {
  const all = new Map(jobs);
  for (const { id, logFile, submittedAtMs } of added)
    all.set(id, {
      id,
      logFile,
      submittedAtMs,
      phase: "submitted",
      runningSinceMs: undefined,
      joined: false,
      found,
      unknownSinceMs: undefined,
      endedAtMs: undefined,
    });
  return all;
}

/** A submission was refused. @param why a sentence */
export function refused(state: ScaleState, why: string, nowMs: number): ScaleState {
  const refusals = state.refusals + 1;
  const pause =
    refusals < MOST_REFUSALS
      ? state.pause
      : {
          why: `${refusals} submissions in a row were refused, the last: ${why}`,
          logFile: undefined,
          sinceMs: nowMs,
        };
  return { ...state, refusals, notBeforeMs: Math.max(state.notBeforeMs, nowMs + waitAfter(refusals)), pause };
}
