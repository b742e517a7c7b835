/** Who is there and who is on the way. */

import { leastOf, mostOf } from "./goal.js";
import type { Observations, SeenWorker } from "./observation.js";
import type { ScaleState, SwarmJob } from "./state.js";

/** A worker whose walltime ends within so long needs a successor… */
const REPLACE_MS = 5 * 60_000;
/** …or, of short ones, within this share of a lifetime. */
const REPLACE_SHARE = 1 / 4;

/** How many there are. */
export interface Standing {
  /** They stay for a while. */
  readonly staying: readonly SeenWorker[];
  /** Their walltime is about to end. */
  readonly ending: readonly SeenWorker[];
  readonly leaving: number;
  /** Jobs of the swarm that wait in the batch system, the last submitted first. */
  readonly waiting: readonly SwarmJob[];
  /** Jobs of the swarm that run, and whose worker has not been here. */
  readonly starting: number;
  /** Jobs of others that are to give workers. */
  readonly otherJobs: number;
  /** Jobs that are to give workers. */
  readonly coming: number;
  /** Workers that stay, and jobs that are to give workers: what the goal is about. */
  readonly alive: number;
}

/** Counts. */
export function standingOf({ jobs, rules }: ScaleState, seen: Observations): Standing {
  const leadMs = Math.min(REPLACE_MS, rules.lifetimeMs * REPLACE_SHARE);
  const isEnding = ({ remainingMs }: SeenWorker) => remainingMs !== undefined && remainingMs <= leadMs;
  const present = seen.workers.filter(({ isLeaving }) => !isLeaving);
  const staying = present.filter((worker) => !isEnding(worker));
  const coming = [...jobs.values()].filter(({ joined, endedAtMs }) => !joined && endedAtMs === undefined);
  const waiting = coming.filter(({ phase }) => phase !== "running");
  const all = coming.length + seen.otherJobs;
  return {
    staying,
    ending: present.filter(isEnding),
    leaving: seen.workers.length - present.length,
    waiting: waiting.sort((a, b) => b.submittedAtMs - a.submittedAtMs || (a.id < b.id ? 1 : -1)),
    starting: coming.length - waiting.length,
    otherJobs: seen.otherJobs,
    coming: all,
    alive: staying.length + all,
  };
}

/** For people, e.g. "2 workers, 1 more that ends soon, 1 job waiting". */
export function standingText({ staying, ending, leaving, waiting, starting, otherJobs }: Standing): string {
  const parts = [counted(staying.length, "worker")];
  if (ending.length > 0) parts.push(`${ending.length} more ending soon`);
  if (leaving > 0) parts.push(`${leaving} leaving`);
  if (waiting.length > 0) parts.push(`${counted(waiting.length, "job")} waiting`);
  if (starting > 0) parts.push(`${counted(starting, "job")} starting`);
  if (otherJobs > 0) parts.push(`${counted(otherJobs, "job")} of grain up`);
  return parts.join(", ");
}

/** How many more the goal asks for; negative: so many are too many. */
export function missing({ goal }: ScaleState, { alive, coming }: Standing, needed: number): number {
  if (alive > mostOf(goal)) return mostOf(goal) - alive;
  const forWork = Math.min(needed - coming, mostOf(goal) - alive);
  return Math.max(0, leastOf(goal) - alive, forWork);
}

/** A number with its noun. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
