/** Brings back what an earlier life of the head knew: tasks that have not ended, and what was learnt of run times. */

import type { Learnt, Recovered, RecoveredPlacement, RecoveredTask } from "./event.js";
import { isolateIfSuspect } from "./isolate.js";
import { delay, enqueue, markStopping, placeOn, putBack, type State } from "./state.js";
import type { Task } from "./task.js";
import type { TaskClass } from "./task-class.js";
import { newTask } from "./task-queue.js";
import type { Worker } from "./worker.js";

/** Tasks are where they were. Those of a worker that has not joined go back to their queue. */
export function onRecovered(state: State, event: Recovered<unknown>): void {
  const session = state.sessions.get(event.session);
  const cls = session?.classes.get(event.spec);
  if (session === undefined || cls === undefined || session.closed) return;
  const { source, base } = event;
  for (const [first, end] of event.waiting) {
    enqueue(state, { class: cls, first, end, next: first, source, base, dropped: undefined });
  }
  for (const known of event.putBack) {
    const task = revive(cls, known, event);
    isolateIfSuspect(state, task);
    if (known.delayMs > 0) delay(state, task, state.nowMs + known.delayMs);
    else putBack(state, task);
  }
  for (const known of event.placed) place(state, revive(cls, known, event), known);
}

/** Estimates are of specs that have been defined. */
export function onLearnt(state: State, { groups, estimates }: Learnt): void {
  for (const { name, runs, meanMs, squaresMs } of groups) state.groups.set(name, { runs, meanMs, squaresMs });
  for (const { session, spec, runs, meanUs } of estimates) {
    const estimate = state.sessions.get(session)?.classes.get(spec)?.estimate;
    if (estimate !== undefined) Object.assign(estimate, { runs, meanUs });
  }
}

function revive(cls: TaskClass, known: RecoveredTask, { source, base }: Recovered<unknown>): Task {
  const task = newTask(cls, known.task, source, known.task - base);
  task.attempt = known.attempt;
  task.failures = known.failures;
  task.memoryFailures = known.memoryFailures;
  task.again = known.again;
  if (known.lostWorkers.length > 0) task.lostWorkers = [...known.lostWorkers];
  cls.session.tasks.set(task.number, task);
  return task;
}

function place(state: State, task: Task, known: RecoveredPlacement): void {
  // One that is being stopped to run again is looked at when it has been.
  if (known.stopping !== "again") isolateIfSuspect(state, task);
  const worker = state.workers.get(known.worker);
  if (worker === undefined) {
    task.attempt += 1;
    task.again = true;
    return putBack(state, task);
  }
  task.again = false;
  const gang = known.gang?.map((number) => state.workers.get(number)).filter(isWorker);
  // One that runs alone has its worker for itself, whether it asked for that or not.
  task.gang = gang ?? (task.class.shapes[known.alternative]!.nodes > 0 ? [worker] : undefined);
  placeOn(state, task, worker, known.alternative, known.granted);
  const broken = gang !== undefined && gang.length < known.gang!.length;
  const stopping = known.stopping ?? (broken ? "again" : undefined);
  if (stopping !== undefined) markStopping(state, task, stopping === "again");
}

function isWorker(worker: Worker | undefined): worker is Worker {
  return worker !== undefined;
}
