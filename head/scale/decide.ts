/**
 * The decisions of the swarm: what is to be submitted, cancelled and sent away, and why.
 *
 * It does no I/O and reads no clock; the shell (swarm.ts) looks, carries out, and says how it went (`submitted`,
 * `refused` of state.ts). What holds for every sequence of decisions (tests):
 * 1. workers that stay and jobs that are to give workers are never more than the goal allows, by what the swarm does;
 * 2. while submissions work, there are soon no fewer than it asks for;
 * 3. paused, or within a back-off, nothing is submitted;
 * 4. while nothing changes outside, it comes to rest, and without demand at the least number;
 * 5. only workers and jobs of the swarm are sent away or cancelled, and by demand no worker that has work.
 */

import type { JobId } from "../../provider/provider.js";
import { goalText, leastOf, mostOf } from "./goal.js";
import { judgeJobs } from "./judge.js";
import type { Observations, SeenWorker } from "./observation.js";
import { restored } from "./quota.js";
import { counted, missing, type Standing, standingOf, standingText } from "./standing.js";
import type { Idle, ScaleState } from "./state.js";

/** What is to be done. */
export type Action =
  | { readonly type: "submit"; readonly count: number }
  | { readonly type: "cancel"; readonly jobs: readonly JobId[] }
  /** Names of workers. What runs there ends first. */
  | { readonly type: "leave"; readonly workers: readonly string[] };

/** A decision. */
export interface Decision {
  readonly state: ScaleState;
  readonly actions: readonly Action[];
  /** Phrases, the first says how things stand. */
  readonly reasons: readonly string[];
}

/** What a decision is made of. */
interface Draft {
  readonly state: ScaleState;
  readonly seen: Observations;
  readonly standing: Standing;
  /** Those that end soon, have work, and have no successor yet. */
  readonly heirless: readonly SeenWorker[];
  /** Workers that work asks for beside those that stay. */
  readonly needed: number;
  readonly nowMs: number;
  readonly actions: Action[];
  readonly reasons: string[];
}

/**
 * Decides what is to be done now.
 *
 * @param before the state as the last decision left it, with what was noted since
 * @param nowMs the time, in milliseconds since 1970
 * @example
 * const { state, actions, reasons } = decide(before, seen, Date.now());
 */
export function decide(before: ScaleState, seen: Observations, nowMs: number): Decision {
  const { state: judged, reasons, hopeless } = judgeJobs(before, seen, nowMs);
  const { goal, rules } = judged;
  const state: ScaleState = {
    ...judged,
    quota: restored(judged.quota, mostOf(goal), rules.lifetimeMs, nowMs),
    idle: idleNow(judged.idle, seen.workers, nowMs),
    replaced: new Set(seen.workers.flatMap(({ worker }) => (judged.replaced.has(worker) ? worker : []))),
  };
  const standing = standingOf(state, seen);
  const actions: Action[] = hopeless.length > 0 ? [{ type: "cancel", jobs: hopeless }] : [];
  if (goal.type === "off") return { state, actions, reasons: [...reasons, "off"] };
  const heirless = goal.type === "demand" ? heirlessOf(state, standing) : [];
  const needed = seen.demand + heirless.length;
  const draft: Draft = { state, seen, standing, heirless, needed, nowMs, actions, reasons: [] };
  const decided = grownOrShrunk(draft);
  return { state: decided, actions, reasons: [situation(draft), ...reasons, ...draft.reasons] };
}

/** Idle workers can take over from as many. */
function heirlessOf({ replaced }: ScaleState, { ending, staying }: Standing): SeenWorker[] {
  const busy = ending.filter(({ worker, isIdle }) => !isIdle && !replaced.has(worker));
  return busy.slice(staying.filter(({ isIdle }) => isIdle).length);
}

function situation({ state, seen, standing }: Draft): string {
  const there = `${goalText(state.goal)}; there: ${standingText(standing)}`;
  if (state.goal.type !== "demand") return there;
  return seen.demand === 0 ? there : `${there}; ready tasks would fill ${seen.demand} more`;
}

function grownOrShrunk(draft: Draft): ScaleState {
  const { state, standing, needed } = draft;
  const more = missing(state, standing, needed);
  if (more < 0) return sendAway(draft, -more);
  const count = more > 0 ? submit(draft, more) : 0;
  const forQueue = Math.max(0, draft.seen.demand - standing.coming);
  const heirs = draft.heirless.slice(0, Math.max(0, count - forQueue)).map(({ worker }) => worker);
  return withoutIdle({ ...draft, state: { ...state, replaced: new Set([...state.replaced, ...heirs]) } });
}

/** Asks for more, as far as nothing speaks against it. @returns for how many */
function submit({ state, seen, standing, nowMs, actions, reasons }: Draft, wanted: number): number {
  const { pause, quota, failedJobs, refusals, goal, rules } = state;
  const hold = (why: string) => {
    reasons.push(`more are wanted, but ${why}`);
    return 0;
  };
  if (pause !== undefined) return hold(`it is paused: ${pause.why}`);
  if (seen.problem !== undefined) return hold(`the batch system cannot be asked: ${seen.problem}`);
  if (state.notBeforeMs > nowMs) {
    const what = failedJobs >= refusals ? "jobs that gave no worker" : "submissions that were refused";
    return hold(`it waits after ${what}`);
  }
  const least = Math.max(0, leastOf(goal) - standing.alive);
  const room = goal.type === "fixed" ? wanted : Math.max(least, rules.backlog - standing.waiting.length);
  if (room <= 0) return hold(`as many jobs wait as may (backlog ${rules.backlog})`);
  const count = Math.min(wanted, room, Math.floor(quota.left));
  if (count < 1) return hold("the quota is spent: too many jobs have ended early");
  actions.push({ type: "submit", count });
  reasons.push(
    `submits ${counted(count, "job")}${count < wanted ? ` of ${wanted} wanted${count === room ? ` (backlog ${rules.backlog})` : ""}` : ""}`,
  );
  return count;
}

/** Too many: jobs that wait go first, then workers with the least walltime left. Those of others stay. */
function sendAway(draft: Draft, count: number): ScaleState {
  const { standing, actions, reasons } = draft;
  const cancelled = standing.waiting.slice(0, count).map(({ id }) => id);
  let state = draft.state;
  if (cancelled.length > 0) {
    actions.push({ type: "cancel", jobs: cancelled });
    reasons.push(`cancels ${counted(cancelled.length, "job")}, as there are too many`);
    state = ended(state, cancelled, draft.nowMs);
  }
  const leaving = byWalltime(ownWorkers(state, standing.staying)).slice(0, count - cancelled.length);
  if (leaving.length > 0) {
    reasons.push(`asks ${counted(leaving.length, "worker")} to leave, as there are too many`);
    state = leave(draft, state, leaving);
  }
  const stuck = count - cancelled.length - leaving.length;
  if (stuck > 0) reasons.push(`${stuck} too many stay, as others started them or they are starting`);
  return state;
}

/** Lets those go that have had nothing to do for a while, and jobs that nobody has wanted for as long. */
function withoutIdle(draft: Draft): ScaleState {
  const { standing, nowMs, reasons, actions } = draft;
  let { state } = draft;
  const { goal } = state;
  if (goal.type !== "demand") return state;
  const isStaying = new Set(standing.staying);
  let spare = standing.staying.length - goal.min;
  const leaving = byWalltime(ownWorkers(state, [...standing.staying, ...standing.ending])).filter(
    (worker) => {
      const idle = state.idle.get(worker.worker);
      if (idle === undefined || nowMs - idle.sinceMs < goal.idleMs) return false;
      if (isStaying.has(worker)) spare -= 1;
      return !isStaying.has(worker) || spare >= 0;
    },
  );
  if (leaving.length > 0) {
    reasons.push(`asks ${counted(leaving.length, "idle worker")} to leave`);
    state = leave(draft, state, leaving);
  }
  const busy = standing.ending.filter(({ isIdle }) => !isIdle).length;
  const wanted = Math.max(draft.seen.demand + busy, goal.min - standing.staying.length);
  const surplus = Math.min(standing.waiting.length, standing.coming - wanted);
  if (surplus <= 0) return { ...state, surplusSinceMs: undefined };
  const sinceMs = state.surplusSinceMs ?? nowMs;
  if (nowMs - sinceMs < goal.idleMs) return { ...state, surplusSinceMs: sinceMs };
  const jobs = standing.waiting.slice(0, surplus).map(({ id }) => id);
  actions.push({ type: "cancel", jobs });
  reasons.push(`cancels ${counted(jobs.length, "job")}, as there is no work for them any more`);
  return { ...ended(state, jobs, nowMs), surplusSinceMs: undefined };
}

function leave({ actions, nowMs }: Draft, state: ScaleState, workers: readonly SeenWorker[]): ScaleState {
  actions.push({ type: "leave", workers: workers.map(({ name }) => name) });
  return ended(
    state,
    workers.flatMap(({ job }) => job ?? []),
    nowMs,
  );
}

function ended(state: ScaleState, ids: readonly JobId[], nowMs: number): ScaleState {
  const jobs = new Map(state.jobs);
  for (const id of ids) {
    const job = jobs.get(id);
    if (job !== undefined) jobs.set(id, { ...job, endedAtMs: nowMs });
  }
  return { ...state, jobs };
}

function ownWorkers({ jobs }: ScaleState, workers: readonly SeenWorker[]): SeenWorker[] {
  return workers.filter(({ job }) => job !== undefined && jobs.has(job));
}

function byWalltime(workers: readonly SeenWorker[]): SeenWorker[] {
  const left = ({ remainingMs = Number.POSITIVE_INFINITY }: SeenWorker) => remainingMs;
  return [...workers].sort((a, b) => (left(a) === left(b) ? b.worker - a.worker : left(a) - left(b)));
}

/** One that has finished something since it was looked at was not idle. */
function idleNow(
  before: ReadonlyMap<number, Idle>,
  workers: readonly SeenWorker[],
  nowMs: number,
): Map<number, Idle> {
  const idle = new Map<number, Idle>();
  for (const { worker, isIdle, finished } of workers) {
    const known = before.get(worker);
    if (isIdle) idle.set(worker, known?.finished === finished ? known : { sinceMs: nowMs, finished });
  }
  return idle;
}
