/**
 * Workers that come back to a head that was killed, and say of tasks what it does not know any more: its journal
 * may be behind by a moment. An attempt is on one worker only and attempts rise, so whoever has the attempt that
 * the journal knows, or a later one, is right.
 */

import type { Session } from "./session.js";
import { placeOn, requeue, type State, takeOff, takeWaiting } from "./state.js";
import type { Task } from "./task.js";
import type { Worker } from "./worker.js";

/** What a worker says that it has, or had. */
export interface Claim {
  readonly number: number;
  readonly attempt: number;
  /** It owns resources there, by this alternative; otherwise it waits there. */
  readonly started: boolean;
  readonly alternative: number;
}

/** Queue to worker, for a worker that has it already; undefined: the task is elsewhere, or has a later attempt. */
export function adopt(state: State, session: Session, worker: Worker, claim: Claim): Task | undefined {
  const { number, attempt, alternative, started } = claim;
  letGo(state, session, worker, claim);
  if (attemptOf(session, number) > attempt) return undefined;
  const task = takeWaiting(session, number);
  if (task === undefined) return undefined;
  task.attempt = attempt;
  task.again = false;
  placeOn(state, task, worker, alternative, started);
  return task;
}

/** A worker has an execution that cannot go on: what is told of it never counts for the task's next one. */
export function countPast(state: State, session: Session, worker: Worker, claim: Claim): void {
  if (worker.returning) letGo(state, session, worker, claim);
  if (session.closed || attemptOf(session, claim.number) > claim.attempt) return;
  const task = takeWaiting(session, claim.number);
  if (task === undefined) return;
  task.attempt = claim.attempt + 1;
  requeue(state, task);
}

/**
 * The journal has the task where it is not any more: on a worker that has not come back yet, and had given it
 * back, or in an earlier attempt. It waits again, in the journal too.
 */
function letGo(state: State, session: Session, worker: Worker, { number, attempt }: Claim): void {
  const task = session.tasks.get(number);
  if (task === undefined || task.attempt > attempt || task.gang !== undefined) return;
  const placed = task.state;
  if (!("worker" in placed) || placed.type === "stopping" || !placed.worker.returning) return;
  if (placed.worker === worker && task.attempt === attempt) return;
  takeOff(state, task);
  requeue(state, task);
}

function attemptOf(session: Session, number: number): number {
  return session.tasks.get(number)?.attempt ?? 1;
}
