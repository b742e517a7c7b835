/**
 * Workers whose connection was lost and that may come back: they get nothing new, what they have
 * stays with them, and when they say what they have the head's account is made to agree with it.
 *
 * What a worker reported before it says what it has has been taken before (the stream keeps order),
 * so what differs is what the head sent and the worker never received. Not its job: how long a
 * worker may be away (the shell's), what happens to the tasks of one that is lost (end.ts).
 */

import { adopt, type Claim, countPast } from "./adopt.js";
import { closeIfDone, outliveGang, stopped } from "./end.js";
import type { Held, WorkerResumed } from "./event.js";
import { beginAgain, forgetForeign, noteForeign, withhold } from "./foreign.js";
import { limitReached } from "./limit.js";
import type { Session } from "./session.js";
import { requeue, type State, shapeOf, startAhead, takeOff } from "./state.js";
import type { Task } from "./task.js";
import { couldFit, hasRoom, type Worker } from "./worker.js";

/** The worker cannot be reached. */
export function onWorkerSuspect(worker: Worker): void {
  worker.away = true;
  withhold(worker);
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
  // What it says now is what counts.
  forgetForeign(state, worker);
  const has = event.executions.flatMap(executionsOf);
  dropMissing(state, worker, has);
  if (has.some(({ started }) => started)) outliveGang(state, worker);
  for (const execution of has) keep(state, worker, execution, orders);
  orders.tell(state, worker);
  worker.returning = false;
  worker.away = false;
  beginAgain(state, worker);
}

/** Of one that is with a worker. */
interface Execution extends Claim {
  readonly session: number;
  /** The names of the workers that it has for itself, if it is a gang. */
  readonly gang: readonly string[] | undefined;
}

function executionsOf({ session, tasks, attempts, alternatives, started, gangs = [] }: Held): Execution[] {
  const gangOf = new Map(gangs.map(({ index, nodes }) => [index, nodes.map(({ worker }) => worker)]));
  return tasks.map((number, i) => ({
    session,
    number,
    attempt: attempts[i] ?? 1,
    alternative: alternatives[i] ?? 0,
    started: started[i] === true,
    gang: gangOf.get(i),
  }));
}

/** What the head sent and the worker does not have goes back to its queue. */
function dropMissing(state: State, worker: Worker, has: readonly Execution[]): void {
  const kept = new Set(has.map((execution) => placedOn(state, worker, execution)));
  const sessions = new Set<Session>();
  for (const task of [...worker.granted, ...[...worker.ahead.values()].flatMap((tasks) => [...tasks])]) {
    if (kept.has(task)) continue;
    sessions.add(task.class.session);
    putBack(state, task);
  }
  for (const session of sessions) closeIfDone(state, session);
}

function keep(state: State, worker: Worker, execution: Execution, orders: Orders): void {
  const { session, number, attempt, started, gang } = execution;
  const task = placedOn(state, worker, execution) ?? taken(state, worker, execution);
  if (task !== undefined) return agree(state, worker, task, started, orders);
  orders.add("stop", session, number);
  noteForeign(state, worker, { session, task: number, attempt }, gang);
  const owner = state.sessions.get(session);
  if (owner !== undefined) countPast(state, owner, worker, execution);
}

/** The task, if it is known to be with this worker in this attempt. */
function placedOn(state: State, worker: Worker, { session, number, attempt }: Execution): Task | undefined {
  const task = state.sessions.get(session)?.tasks.get(number);
  if (task === undefined || task.attempt !== attempt) return undefined;
  return "worker" in task.state && task.state.worker === worker ? task : undefined;
}

/** Says again what the worker seems not to have heard. */
function agree(state: State, worker: Worker, task: Task, started: boolean, orders: Orders): void {
  const session = task.class.session.number;
  // That it has started may have been known to an earlier life of the head only.
  if (started && hasRoom(state, worker, shapeOf(task))) startAhead(state, task);
  const { type } = task.state;
  if (type === "stopping") orders.add("stop", session, task.number);
  else if (type === "granted" && !started) orders.add("promote", session, task.number);
  else if (type === "retracting") orders.add("retract", session, task.number);
}

/** A task that the worker never received, or does not have any more: the execution is over before it began. */
function putBack(state: State, task: Task): void {
  if (task.state.type === "stopping") return stopped(state, task);
  takeOff(state, task);
  task.attempt += 1;
  requeue(state, task);
}

/** Takes a task from its queue that the worker has: the head had forgotten where it was. */
function taken(
  state: State,
  worker: Worker,
  { session: of, number, attempt, alternative, started }: Execution,
): Task | undefined {
  const session = state.sessions.get(of);
  if (session === undefined || session.closed || !worker.returning) return undefined;
  const cls = session.tasks.get(number)?.class ?? session.batches.of(number)?.class;
  const shape = cls?.shapes[started ? alternative : 0];
  // A gang is made by the head alone; what is sent ahead asks for no limit.
  if (shape === undefined || shape.nodes > 0 || !couldFit(state, worker, shape)) return undefined;
  if (started ? !hasRoom(state, worker, shape) || limitReached(state, shape) : shape.limits.length > 0)
    return undefined;
  return adopt(state, session, worker, { number, attempt, started, alternative: started ? alternative : 0 });
}
