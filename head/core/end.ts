/** What workers report of tasks, and how tasks end or come back. */

import { adopt } from "./adopt.js";
import type { Verdict } from "./effect.js";
import { observe } from "./estimate.js";
import type { Failed, Finished, Returned, Started } from "./event.js";
import { isolateIfSuspect } from "./isolate.js";
import { remember } from "./remember.js";
import { repeat } from "./retry.js";
import type { Session } from "./session.js";
import {
  clearQueue,
  dropQueued,
  finishTask,
  leaveGang,
  markStopping,
  requeue,
  type State,
  shapeOf,
  startAhead,
  takeOff,
} from "./state.js";
import type { Task } from "./task.js";
import { learn } from "./walltime.js";
import { hasRoom, type Worker } from "./worker.js";

/** So many workers lost under one task end it: it is probably the cause. */
const MAX_LOST_WORKERS = 5;

/**
 * The task, if this worker has this attempt of it; otherwise the message is late. What ended on a
 * worker that is returning counts for the task that waits again: it need not run a second time.
 */
function endedOn(
  state: State,
  worker: Worker,
  session: Session | undefined,
  number: number,
  attempt: number,
): Task | undefined {
  const adopted =
    worker.returning && session !== undefined && !session.closed
      ? adopt(state, session, worker, { number, attempt, started: false, alternative: 0 })
      : undefined;
  return adopted ?? taskOn(state, worker, session, number, attempt);
}

/** The task, if this worker has this attempt of it; otherwise the message is late. */
function taskOn(
  state: State,
  worker: Worker,
  session: Session | undefined,
  number: number,
  attempt: number,
): Task | undefined {
  const task = session?.tasks.get(number);
  if (
    task !== undefined &&
    "worker" in task.state &&
    task.state.worker === worker &&
    task.attempt === attempt
  )
    return task;
  state.lateResults += 1;
  return undefined;
}

/** Tasks sent ahead took the place of tasks that ended. */
export function onStarted(state: State, worker: Worker, event: Started): void {
  const session = state.sessions.get(event.session);
  for (let i = 0; i < event.tasks.length; i += 1) {
    const task = taskOn(state, worker, session, event.tasks[i]!, event.attempts[i] ?? 1);
    if (task === undefined || task.state.type === "granted") continue;
    if (task.state.type === "stopping" && task.state.holds) continue;
    outliveGang(state, worker);
    if (!hasRoom(state, worker, shapeOf(task))) {
      const reason = `it started task ${event.session}.${task.number} without room for it`;
      state.effects.push({ type: "dropWorker", worker: worker.number, reason });
      return;
    }
    startAhead(state, task);
    state.touched.add(worker);
  }
}

/** Tasks ended with a result. */
export function onFinished(state: State, worker: Worker, event: Finished<unknown>): void {
  const session = state.sessions.get(event.session);
  let taken: number[] | undefined;
  let late = 0;
  for (let i = 0; i < event.tasks.length; i += 1) {
    const task = endedOn(state, worker, session, event.tasks[i]!, event.attempts[i] ?? 1);
    if (task === undefined) {
      taken ??= range(i);
      late += 1;
      continue;
    }
    taken?.push(i);
    observe(task.class.estimate, event.runUs[i] ?? 0);
    learn(state, shapeOf(task), (event.runUs[i] ?? 0) / 1000);
    finishTask(state, task);
    worker.finished += 1;
    session!.finished += 1;
    task.class.finished += 1;
  }
  if (session !== undefined && !session.closed && late < event.tasks.length) {
    const tasks = taken === undefined ? event.tasks : taken.map((i) => event.tasks[i]!);
    state.effects.push({
      type: "deliver",
      session: event.session,
      tasks,
      indices: taken,
      result: event.result,
    });
  }
  if (session !== undefined) closeIfDone(state, session);
}

/** A task ended without a result: repeated, or ended for good. */
export function onFailed(state: State, worker: Worker, event: Failed<unknown>): void {
  const session = state.sessions.get(event.session);
  const task = endedOn(state, worker, session, event.task, event.attempt);
  if (task === undefined || session === undefined) return;
  worker.finished += 1;
  if (task.state.type === "stopping") stopped(state, task);
  // An earlier life of the head has stopped it. If its client wants that, it says so again.
  else if (event.cause === "cancelled") again(state, task);
  else if (event.cause !== "function" || !repeat(state, task, event.labels)) {
    finishTask(state, task);
    session.failed += 1;
    task.class.failed += 1;
    if (!session.closed) {
      state.effects.push({
        type: "reject",
        session: session.number,
        spec: task.class.spec,
        task: task.number,
        attempt: event.attempt,
        failure: event.failure,
      });
    }
  }
  closeIfDone(state, session);
}

/** A worker gave tasks back that had not started. */
export function onReturned(state: State, worker: Worker, event: Returned): void {
  const session = state.sessions.get(event.session);
  if (session === undefined) return;
  for (let i = 0; i < event.tasks.length; i += 1) {
    const task = taskOn(state, worker, session, event.tasks[i]!, event.attempts[i] ?? 1);
    if (task === undefined) continue;
    if (task.state.type === "stopping") stopped(state, task);
    else {
      takeOff(state, task);
      requeue(state, task);
    }
  }
  closeIfDone(state, session);
}

/** A task that was to be ended is gone from its worker: over, or to run again. */
export function stopped(state: State, task: Task): void {
  if (task.state.type === "stopping" && task.state.again) again(state, task);
  else conclude(state, task, cancelledBy(task.cancelledBy));
}

/** This execution is over, through no fault of the task; another follows. */
function again(state: State, task: Task): void {
  takeOff(state, task);
  task.attempt += 1;
  task.again = true;
  isolateIfSuspect(state, task);
  requeue(state, task);
  if ((task.lostWorkers?.length ?? 0) < MAX_LOST_WORKERS) return;
  conclude(state, task, { type: "workersLost", workers: task.lostWorkers! });
}

/** A worker is gone for good: what it had runs elsewhere. */
export function onWorkerLost(state: State, worker: Worker, planned: boolean): void {
  const ran = [...worker.granted];
  const waited = [...worker.ahead.values()].flatMap((tasks) => [...tasks]);
  const sessions = new Set<Session>();
  if (worker.heldBy !== undefined && !worker.granted.has(worker.heldBy)) {
    endGang(state, worker.heldBy, worker, planned);
  }
  for (const task of [...ran, ...waited]) {
    sessions.add(task.class.session);
    if (task.state.type === "stopping" && !task.state.again) {
      stopped(state, task);
      continue;
    }
    if (!planned && worker.granted.has(task)) charge(task, worker);
    // Whether a task sent ahead had started is not known for certain, so this execution is over.
    again(state, task);
  }
  for (const session of sessions) closeIfDone(state, session);
  state.workers.delete(worker.number);
  state.freed.delete(worker);
  state.touched.delete(worker);
  state.refilling.delete(worker);
}

/** A worker of a gang other than the first is lost: the task is stopped where it runs, then runs again. */
function endGang(state: State, task: Task, lost: Worker, planned: boolean): void {
  leaveGang(state, task, lost);
  if (!planned) charge(task, lost);
  const before = task.state;
  if (before.type === "granted") markStopping(state, task, true);
  remember(state, task);
  if (before.type !== "granted") return;
  const session = task.class.session.number;
  state.effects.push({ type: "stop", worker: before.worker.number, session, tasks: [task.number] });
}

/** A worker that comes back runs something: of the gang that the journal has there, it is not one any more. */
export function outliveGang(state: State, worker: Worker): void {
  const gang = worker.heldBy;
  if (worker.returning && gang !== undefined && !worker.granted.has(gang)) endGang(state, gang, worker, true);
}

function charge(task: Task, worker: Worker): void {
  task.lostWorkers ??= [];
  task.lostWorkers.push(worker.name);
}

function cancelledBy(by: string | undefined): Verdict {
  return by === undefined ? { type: "cancelled" } : { type: "cancelled", by };
}

/** The client wants tasks ended. @param by who else wants it */
export function cancel(state: State, session: Session, numbers: readonly number[], by?: string): void {
  const gone: number[] = [];
  const placed: Task[] = [];
  for (const number of numbers) {
    const task = session.tasks.get(number);
    const batch = task === undefined ? session.batches.of(number) : undefined;
    const cls = batch?.class ?? task?.class;
    if (batch !== undefined) dropQueued(batch, number);
    else if (task?.state.type === "queued" || task?.state.type === "delayed") finishTask(state, task);
    else {
      if (task !== undefined) placed.push(task);
      continue;
    }
    cls!.failed += 1;
    gone.push(number);
  }
  // Of those that are being ended already it is known who wanted it.
  if (by !== undefined)
    for (const task of placed) if (task.state.type !== "stopping" || task.state.again) task.cancelledBy = by;
  stopPlaced(state, session, placed);
  if (gone.length > 0) ended(state, session, gone, cancelledBy(by));
}

/** The client is gone: nothing of it is wanted any more. */
export function cancelAll(state: State, session: Session): void {
  session.failed += session.queued + session.delayed;
  for (const cls of session.classes.values()) clearQueue(cls);
  for (const task of session.tasks.values()) if (task.state.type === "delayed") finishTask(state, task);
  stopPlaced(state, session, session.tasks.values());
}

function stopPlaced(state: State, session: Session, tasks: Iterable<Task>): void {
  const byWorker = new Map<number, number[]>();
  for (const task of tasks) {
    const placed = task.state;
    if (!("worker" in placed)) continue;
    markStopping(state, task, false);
    if (placed.type === "stopping") continue;
    const numbers = byWorker.get(placed.worker.number);
    if (numbers === undefined) byWorker.set(placed.worker.number, [task.number]);
    else numbers.push(task.number);
  }
  for (const [worker, numbers] of byWorker)
    state.effects.push({ type: "stop", worker, session: session.number, tasks: numbers });
}

/** Ends a task by the head's own decision. */
function conclude(state: State, task: Task, verdict: Verdict): void {
  finishTask(state, task);
  task.class.failed += 1;
  ended(state, task.class.session, [task.number], verdict, task.class.spec);
}

/** @param spec of its calls, where they are of one */
function ended(state: State, session: Session, tasks: number[], verdict: Verdict, spec?: number): void {
  session.failed += tasks.length;
  if (!session.closed)
    state.effects.push({ type: "conclude", session: session.number, spec, tasks, verdict });
}

/** Forgets a closed session once nothing of it is left. */
export function closeIfDone(state: State, session: Session): void {
  if (
    !session.closed ||
    session.queued + session.delayed + session.placed > 0 ||
    !state.sessions.has(session.number)
  )
    return;
  state.sessions.delete(session.number);
  state.largeWanted = undefined;
  for (const cls of session.classes.values()) for (const shape of cls.shapes) shape.open -= 1;
  for (const cls of session.classes.values()) {
    state.fresh.delete(cls);
    state.asking.delete(cls);
    state.unjudged.delete(cls);
  }
  state.effects.push({ type: "sessionEnded", session: session.number });
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
