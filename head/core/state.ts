/**
 * All that the scheduler knows, and the moves of one task between its places.
 *
 * Every change of a task's place goes through here, so that the counts kept beside
 * the tasks (free amounts, held amounts, slots, limits) change with it. Which move
 * to make is decided elsewhere: plan.ts, prefetch.ts, end.ts.
 */

import type { Effect } from "./effect.js";
import { Levels } from "./level.js";
import type { SchedulingOptions } from "./options.js";
import type { Reservation } from "./reservation.js";
import type { Session } from "./session.js";
import { Kinds, type Shape, Shapes } from "./shape.js";
import { ENDED, QUEUED, type Task } from "./task.js";
import type { TaskClass } from "./task-class.js";
import { adjust, type Worker } from "./worker.js";

/** The scheduler's whole state. */
export interface State {
  readonly options: SchedulingOptions;
  readonly kinds: Kinds;
  readonly shapes: Shapes;
  readonly levels: Levels;
  readonly sessions: Map<number, Session>;
  readonly workers: Map<number, Worker>;
  /** By kind, over all connected workers. */
  readonly clusterTotal: number[];
  /** How much of each cluster-wide limit is in use. */
  readonly limitsInUse: Map<string, number>;
  /** Workers with more room than at the last plan. */
  readonly freed: Set<Worker>;
  /** Workers on which anything ended or started since the last plan. */
  readonly touched: Set<Worker>;
  /** Classes to look at as if new: they got tasks, or the workers changed. */
  readonly fresh: Set<TaskClass>;
  /** Tasks sent ahead and not started, on all workers. */
  aheadCount: number;
  /** Those of them that have been asked back, by shape. */
  readonly retracting: Map<Shape, number>;
  /** By worker; one reservation may keep several. */
  readonly reservations: Map<Worker, Reservation>;
  /** Messages dropped because the task had ended or was elsewhere by then. */
  lateResults: number;
  planNumber: number;
  nowMs: number;
  effects: Effect<unknown, unknown, unknown>[];
}

export function newState(options: SchedulingOptions): State {
  const kinds = new Kinds();
  return {
    options,
    kinds,
    shapes: new Shapes(kinds),
    levels: new Levels(),
    sessions: new Map(),
    workers: new Map(),
    clusterTotal: [],
    limitsInUse: new Map(),
    freed: new Set(),
    touched: new Set(),
    fresh: new Set(),
    aheadCount: 0,
    retracting: new Map(),
    reservations: new Map(),
    lateResults: 0,
    planNumber: 0,
    nowMs: 0,
    effects: [],
  };
}

/** The demand that a placed task was placed by. */
export function shapeOf(task: Task): Shape {
  const alternative = "alternative" in task.state ? task.state.alternative : 0;
  return task.class.shapes[alternative]!;
}

/** Puts a new task at the end of its queue. */
export function enqueue(state: State, task: Task): void {
  task.class.queue.push(task);
  task.class.session.queued += 1;
  wait(state, task.class);
}

/** Puts a task that has left its worker at the front of its queue. */
export function requeue(state: State, task: Task): void {
  task.state = QUEUED;
  task.class.queue.putBack(task);
  task.class.session.queued += 1;
  wait(state, task.class);
}

function wait(state: State, cls: TaskClass): void {
  state.fresh.add(cls);
  if (cls.level.waiting.has(cls)) return;
  cls.level.waiting.add(cls);
  for (const shape of cls.shapes) shape.waiting.add(cls);
}

function stopWaiting(cls: TaskClass): void {
  cls.level.waiting.delete(cls);
  for (const shape of cls.shapes) {
    shape.waiting.delete(cls);
    // Nobody keeps the answer up to date while nobody waits for it.
    if (shape.waiting.size === 0) shape.full = false;
  }
}

/** Takes the next task of a class out of its queue. */
function dequeue(cls: TaskClass): Task {
  const task = cls.queue.take()!;
  cls.session.queued -= 1;
  if (cls.queue.size === 0) stopWaiting(cls);
  return task;
}

/** Queue to worker, with resources. */
export function grant(state: State, cls: TaskClass, worker: Worker, alternative: number): Task {
  const task = dequeue(cls);
  hold(state, task, worker, alternative, 1);
  task.state = worker.states.of("granted", alternative);
  own(state, task, worker, alternative);
  return task;
}

/** Queue to worker, without resources. */
export function sendAhead(state: State, cls: TaskClass, worker: Worker): Task {
  const task = dequeue(cls);
  hold(state, task, worker, 0, 1);
  task.state = worker.states.of("ahead", 0);
  let set = worker.ahead.get(cls);
  if (set === undefined) {
    set = new Set();
    worker.ahead.set(cls, set);
  }
  set.add(task);
  worker.aheadCount += 1;
  state.aheadCount += 1;
  return task;
}

/** A task sent ahead owns resources from now on. */
export function startAhead(state: State, task: Task): void {
  const placed = task.state;
  if (placed.type === "ahead" || placed.type === "retracting") {
    dropAhead(state, task, placed.worker);
    task.state = placed.worker.states.of("granted", placed.alternative);
  } else if (placed.type === "stopping" && !placed.holds) {
    dropAhead(state, task, placed.worker);
    task.state = placed.worker.states.stopping(placed.alternative, true);
  } else return;
  own(state, task, placed.worker, placed.alternative);
}

/** A task sent ahead is to be given back, if it has not started. */
export function askBack(state: State, task: Task): void {
  if (task.state.type !== "ahead") return;
  const shape = shapeOf(task);
  task.state = task.state.worker.states.of("retracting", task.state.alternative);
  state.retracting.set(shape, (state.retracting.get(shape) ?? 0) + 1);
}

/** A placed task is to be ended; it stays where it is until the worker confirms. */
export function markStopping(state: State, task: Task): void {
  const placed = task.state;
  if (placed.type === "granted") task.state = placed.worker.states.stopping(placed.alternative, true);
  else if (placed.type === "ahead" || placed.type === "retracting") {
    if (placed.type === "retracting") forgetRetracting(state, task);
    task.state = placed.worker.states.stopping(placed.alternative, false);
  }
}

/** Takes a task off its worker and gives back what it owned. Its state must be set by the caller right after. */
export function takeOff(state: State, task: Task): void {
  const placed = task.state;
  if (!("worker" in placed)) return;
  const { worker, alternative } = placed;
  if (placed.type === "granted" || (placed.type === "stopping" && placed.holds))
    disown(state, task, worker, alternative);
  else dropAhead(state, task, worker);
  hold(state, task, worker, alternative, -1);
  state.touched.add(worker);
}

/** Ends a task: it is nowhere any more. */
export function finishTask(state: State, task: Task): void {
  const { session, queue } = task.class;
  if (task.state.type === "queued") {
    task.state = ENDED;
    queue.forget();
    session.queued -= 1;
    if (queue.size === 0) stopWaiting(task.class);
  } else {
    takeOff(state, task);
    task.state = ENDED;
  }
  session.tasks.delete(task.number);
}

function hold(state: State, task: Task, worker: Worker, alternative: number, sign: 1 | -1): void {
  const { session, shapes } = task.class;
  adjust(session.held, worker, shapes[alternative]!, state.kinds, sign);
  session.placed += sign;
}

function own(state: State, task: Task, worker: Worker, alternative: number): void {
  const shape = task.class.shapes[alternative]!;
  adjust(worker.free, worker, shape, state.kinds, -1);
  worker.granted.add(task);
  worker.slots.set(shape, (worker.slots.get(shape) ?? 0) + 1);
  for (const { name } of shape.limits) state.limitsInUse.set(name, (state.limitsInUse.get(name) ?? 0) + 1);
}

function disown(state: State, task: Task, worker: Worker, alternative: number): void {
  const shape = task.class.shapes[alternative]!;
  adjust(worker.free, worker, shape, state.kinds, 1);
  worker.granted.delete(task);
  const slots = worker.slots.get(shape)! - 1;
  if (slots === 0) worker.slots.delete(shape);
  else worker.slots.set(shape, slots);
  for (const { name } of shape.limits) state.limitsInUse.set(name, state.limitsInUse.get(name)! - 1);
  state.freed.add(worker);
}

function dropAhead(state: State, task: Task, worker: Worker): void {
  if (task.state.type === "retracting") forgetRetracting(state, task);
  const set = worker.ahead.get(task.class);
  if (set?.delete(task)) {
    if (set.size === 0) worker.ahead.delete(task.class);
    worker.aheadCount -= 1;
    state.aheadCount -= 1;
  }
}

function forgetRetracting(state: State, task: Task): void {
  const shape = shapeOf(task);
  const left = (state.retracting.get(shape) ?? 0) - 1;
  if (left > 0) state.retracting.set(shape, left);
  else state.retracting.delete(shape);
}
