/**
 * Why a task is where it is. Computed when somebody asks, from nothing but the
 * state: nothing is recorded for it. Costs a pass or two over the workers for each
 * alternative and one over the classes that wait.
 *
 * Not its job: words (explain-text.ts), names of functions (the shell's).
 */

import { compareLevels } from "./level.js";
import { type Alternative, lookAt, type Reserved, reservedBy } from "./obstacle.js";
import { urgencyOf } from "./order.js";
import { reservationOf } from "./reservation.js";
import { dominantShare, type Session } from "./session.js";
import type { State } from "./state.js";
import type { Task } from "./task.js";
import type { TaskClass } from "./task-class.js";

/** A task as people name it. */
interface Named {
  readonly session: number;
  readonly task: number;
}

/** A task that has not ended. */
interface Known extends Named {
  readonly spec: number;
  /** Of the execution under way, or of the next one. */
  readonly attempt: number;
}

/** It is on a worker. */
interface Placed extends Known {
  /** The worker's connection was lost; it may come back, and the task stays with it until then. */
  readonly cutOff?: true;
}

/** It has ended, or was never submitted. */
export interface UnknownTask extends Named {
  readonly type: "unknown";
}

/** It was sent to a worker and waits there for the place of another task. */
export interface AheadTask extends Placed {
  readonly type: "ahead";
  readonly worker: string;
  /** It was asked back. */
  readonly askedBack: boolean;
}

/** It owns resources of a worker, or all of several. */
export interface RunningTask extends Placed {
  readonly type: "running";
  /** It runs on the first. */
  readonly workers: readonly string[];
  /** For how long. */
  readonly runningMs: number;
}

/** It is to be ended; its worker has not confirmed that yet. */
export interface StoppingTask extends Placed {
  readonly type: "stopping";
  readonly workers: readonly string[];
  /** It had started. */
  readonly started: boolean;
  /** It will run again: a worker of its gang was lost. */
  readonly again: boolean;
}

/** It failed, and is queued again later. */
export interface DelayedTask extends Known {
  readonly type: "delayed";
  readonly inMs: number;
}

/** It waits for room. */
export interface QueuedTask extends Known {
  readonly type: "queued";
  /** Workers connected. */
  readonly workers: number;
  /** Workers are started on demand. */
  readonly onDemand: boolean;
  /** For how long its class has found no room. */
  readonly waitingMs: number;
  /** In order of preference. */
  readonly alternatives: readonly Alternative[];
  /** Workers that are kept free for it, or for a task before it in its queue. */
  readonly reserved: Reserved | undefined;
  /** What waits and goes before it by its urgency, most urgent first. */
  readonly urgent: readonly UrgentTasks[];
  /** Tasks before it in its own queue; ended ones may be counted. */
  readonly before: number;
  /** Clients of the same urgency that have tasks waiting and hold less. */
  readonly sessions: readonly WaitingSession[];
}

/** Tasks that wait at one urgency. */
export interface UrgentTasks {
  readonly prioritized: boolean;
  readonly priority: number;
  readonly tasks: number;
}

/** A client with waiting tasks. */
export interface WaitingSession {
  readonly session: number;
  readonly name: string;
  readonly tasks: number;
}

/** Where a task is and why. */
export type Explanation = UnknownTask | AheadTask | RunningTask | StoppingTask | DelayedTask | QueuedTask;

/**
 * Says where a task is and, while it is queued, why it is not on a worker.
 *
 * @param state as it is now; `nowMs` is taken for the time
 * @example
 * explainTask(state, 1, 6) // { type: "queued", alternatives: [{ obstacles: [{ type: "short", kind: "cores", … }] }], … }
 */
export function explainTask(state: Readonly<State>, session: number, number: number): Explanation {
  const owner = state.sessions.get(session);
  const batch = owner?.batches.of(number);
  if (batch !== undefined) {
    return explainQueued(state, batch.class, { session, task: number, spec: batch.class.spec, attempt: 1 });
  }
  const task = owner?.tasks.get(number);
  if (task === undefined) return { type: "unknown", session, task: number };
  const placed = task.state;
  const cutOff = "worker" in placed && placed.worker.mode === "suspect" ? { cutOff: true as const } : {};
  const known = { session, task: number, spec: task.class.spec, attempt: task.attempt, ...cutOff };
  switch (placed.type) {
    case "queued":
      return explainQueued(state, task.class, known);
    case "ahead":
    case "retracting":
      return { type: "ahead", ...known, worker: placed.worker.name, askedBack: placed.type === "retracting" };
    case "granted": {
      const runningMs = Math.max(0, state.nowMs - task.grantedMs);
      return { type: "running", ...known, workers: namesOf(task), runningMs };
    }
    case "stopping":
      return {
        type: "stopping",
        ...known,
        workers: namesOf(task),
        started: placed.holds,
        again: placed.again,
      };
    case "delayed":
      return { type: "delayed", ...known, inMs: Math.max(0, placed.dueMs - state.nowMs) };
    case "ended":
      return { type: "unknown", session, task: number };
    default:
      return placed satisfies never;
  }
}

function namesOf(task: Task): string[] {
  const workers = task.gang ?? ("worker" in task.state ? [task.state.worker] : []);
  return workers.map(({ name }) => name);
}

function explainQueued(state: Readonly<State>, cls: TaskClass, known: Known): QueuedTask {
  const reservation = reservationOf(state, cls.line);
  return {
    type: "queued",
    ...known,
    workers: state.workers.size,
    onDemand: state.template !== undefined,
    waitingMs: Math.max(0, state.nowMs - cls.waitingSinceMs),
    alternatives: cls.shapes.map((shape) => lookAt(state, cls, shape)),
    reserved: reservation === undefined ? undefined : reservedBy(state, reservation),
    ...beforeIt(state, cls),
    before: beforeInQueue(cls, known.task),
  };
}

/** What waits at more urgent levels, and which clients of its own level go first: one pass over what waits. */
function beforeIt(state: Readonly<State>, cls: TaskClass): Pick<QueuedTask, "urgent" | "sessions"> {
  const own = urgencyOf(state, cls);
  const urgent: { prioritized: boolean; priority: number; tasks: number }[] = [];
  const equals = new Map<Session, number>();
  for (const level of state.levels) {
    for (const other of level.waiting) {
      const tasks = other.queue.size;
      const urgency = urgencyOf(state, other);
      const order = compareLevels(urgency, own);
      if (order === 0) equals.set(other.session, (equals.get(other.session) ?? 0) + tasks);
      if (order >= 0) continue;
      const known = urgent.find((level) => compareLevels(level, urgency) === 0);
      if (known === undefined) urgent.push({ ...pick(urgency), tasks });
      else known.tasks += tasks;
    }
  }
  return { urgent: urgent.sort(compareLevels), sessions: holdingLess(state, cls.session, equals) };
}

function pick({ prioritized, priority }: { prioritized: boolean; priority: number }) {
  return { prioritized, priority };
}

function holdingLess(
  state: Readonly<State>,
  own: Session,
  others: ReadonlyMap<Session, number>,
): WaitingSession[] {
  const shareOf = (session: Session) => dominantShare(session, state.clusterTotal) / session.weight;
  const share = shareOf(own);
  const less: WaitingSession[] = [];
  for (const [session, tasks] of others) {
    if (session === own || shareOf(session) >= share) continue;
    less.push({ session: session.number, name: session.name, tasks });
  }
  return less.sort((a, b) => a.session - b.session);
}

/** Its queue is that of all of its session's classes that ask for the same with the same urgency. */
function beforeInQueue({ session, line, queue }: TaskClass, number: number): number {
  const putBack = queue.isPutBack(number);
  let before = 0;
  for (const cls of session.classes.values()) {
    if (cls.line === line) before += cls.queue.before(number, putBack);
  }
  return Math.min(before, Math.max(0, session.queued - 1));
}
