/**
 * Workers whose connection was lost and that may come back: they get nothing new, what they have
 * stays with them, and when they say what they have the head's account is made to agree with it.
 *
 * What a worker reported before it says what it has has been taken before (the stream keeps order),
 * so what differs is what the head sent and the worker never received. Not its job: how long a
 * worker may be away (the shell's), what happens to the tasks of one that is lost (end.ts).
 */

import { closeIfDone, stopped } from "./end.js";
import type { Held, WorkerResumed } from "./event.js";
import type { Session } from "./session.js";
import { adopt, requeue, type State, shapeOf, startAhead, takeOff } from "./state.js";
import type { Task } from "./task.js";
import { couldFit, hasRoom, type Worker } from "./worker.js";

/** The worker cannot be reached. */
export function onWorkerSuspect(worker: Worker): void {
  // What it says when it is back is what counts.
  worker.foreign.clear();
  if (worker.mode === "suspect") return;
  worker.resumesAs = worker.mode;
  worker.mode = "suspect";
}

/** What is to be told to a worker, by session. */
class Orders {
  readonly #tasks = new Map<
    string,
    { type: "promote" | "retract" | "stop"; session: number; tasks: number[] }
  >();

  add(type: "promote" | "retract" | "stop", session: number, task: number): void {
    const key = `${type} ${session}`;
    const order = this.#tasks.get(key);
    if (order === undefined) this.#tasks.set(key, { type, session, tasks: [task] });
    else order.tasks.push(task);
  }

  tell(state: State, worker: Worker): void {
    for (const order of this.#tasks.values()) state.effects.push({ ...order, worker: worker.number });
  }
}

/** The worker is back and says what it has. */
export function onWorkerResumed(state: State, worker: Worker, event: WorkerResumed): void {
  const orders = new Orders();
  worker.foreign.clear();
  const kept = new Set<Task>();
  const sessions = new Set<Session>();
  for (const held of event.executions) keep(state, worker, held, orders, kept);
  for (const task of [...worker.granted, ...[...worker.ahead.values()].flatMap((tasks) => [...tasks])]) {
    if (kept.has(task)) continue;
    sessions.add(task.class.session);
    putBack(state, task);
  }
  orders.tell(state, worker);
  for (const session of sessions) closeIfDone(state, session);
  worker.returning = false;
  if (worker.foreign.size === 0) beginAgain(state, worker);
}

/** What it was told to stop though no task stands for it may be among these: with the last of them it is as before. */
export function foreignEnded(
  state: State,
  worker: Worker,
  session: number,
  tasks: readonly number[],
  attempts: readonly number[],
): void {
  if (worker.foreign.size === 0) return;
  for (let i = 0; i < tasks.length; i += 1)
    worker.foreign.delete(nameOf(session, tasks[i]!, attempts[i] ?? 1));
  if (worker.foreign.size === 0) beginAgain(state, worker);
}

function beginAgain(state: State, worker: Worker): void {
  if (worker.mode === "suspect") worker.mode = worker.resumesAs;
  state.freed.add(worker);
  state.touched.add(worker);
}

function nameOf(session: number, task: number, attempt: number): string {
  return `${session}.${task}.${attempt}`;
}

function keep(state: State, worker: Worker, held: Held, orders: Orders, kept: Set<Task>): void {
  const session = state.sessions.get(held.session);
  for (let i = 0; i < held.tasks.length; i += 1) {
    const number = held.tasks[i]!;
    const attempt = held.attempts[i] ?? 1;
    const started = held.started[i] === true;
    const task =
      placedOn(worker, session, number, attempt) ??
      taken(state, worker, session, { number, attempt, started, alternative: held.alternatives[i] ?? 0 });
    if (task === undefined) {
      orders.add("stop", held.session, number);
      if (started) worker.foreign.add(nameOf(held.session, number, attempt));
    } else {
      kept.add(task);
      agree(state, worker, task, started, orders);
    }
  }
}

/** The task, if it is known to be with this worker in this attempt. */
function placedOn(
  worker: Worker,
  session: Session | undefined,
  number: number,
  attempt: number,
): Task | undefined {
  const task = session?.tasks.get(number);
  if (task === undefined || task.attempt !== attempt) return undefined;
  return "worker" in task.state && task.state.worker === worker ? task : undefined;
}

/** Says again what the worker seems not to have heard. */
function agree(state: State, worker: Worker, task: Task, started: boolean, orders: Orders): void {
  const session = task.class.session.number;
  const { type } = task.state;
  if (type === "stopping") orders.add("stop", session, task.number);
  else if (type === "granted" && !started) orders.add("promote", session, task.number);
  else if (started && (type === "ahead" || type === "retracting")) {
    if (hasRoom(state, worker, shapeOf(task))) startAhead(state, task);
  } else if (type === "retracting") orders.add("retract", session, task.number);
}

/** A task that the worker never received, or does not have any more: the execution is over before it began. */
function putBack(state: State, task: Task): void {
  if (task.state.type === "stopping") return stopped(state, task);
  takeOff(state, task);
  task.attempt += 1;
  requeue(state, task);
}

interface Execution {
  readonly number: number;
  readonly attempt: number;
  readonly alternative: number;
  readonly started: boolean;
}

/** Takes a task from its queue that the worker has in just this attempt: the head had forgotten where it was. */
function taken(
  state: State,
  worker: Worker,
  session: Session | undefined,
  { number, attempt, alternative, started }: Execution,
): Task | undefined {
  if (session === undefined || session.closed || !worker.returning) return undefined;
  const cls = session.tasks.get(number)?.class ?? session.batches.of(number)?.class;
  const shape = cls?.shapes[started ? alternative : 0];
  // A gang is made by the head alone; what is sent ahead asks for no limit.
  if (shape === undefined || shape.nodes > 0 || !couldFit(state, worker, shape)) return undefined;
  if (started ? !hasRoom(state, worker, shape) : shape.limits.length > 0) return undefined;
  return adopt(state, session, number, attempt, worker, started ? alternative : 0, started);
}
