/**
 * All that the scheduler knows, and the moves of one task between its places.
 *
 * Every change of a task's place goes through here, so that the counts kept beside
 * the tasks (free amounts, held amounts, slots, limits) change with it. Which move
 * to make is decided elsewhere: plan.ts, prefetch.ts, end.ts.
 */

import type { Effect } from "./effect.js";
import { Freed } from "./freed.js";
import { KeyedHeap } from "./heap.js";
import { Levels } from "./level.js";
import type { Line } from "./line.js";
import type { SchedulingOptions } from "./options.js";
import { remember } from "./remember.js";
import type { Reservation } from "./reservation.js";
import type { Session } from "./session.js";
import { Kinds, type Shape, Shapes } from "./shape.js";
import { ENDED, QUEUED, type Task } from "./task.js";
import type { TaskClass } from "./task-class.js";
import type { Batch } from "./task-queue.js";
import type { Template } from "./template.js";
import type { GroupRuns } from "./walltime.js";
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
  readonly freed: Freed;
  /** Workers on which anything ended or started since the last plan. */
  readonly touched: Set<Worker>;
  /** Workers that a plan which is not complete has still to refill. */
  readonly refilling: Set<Worker>;
  /** Classes to look at as if new: they got tasks, or the workers changed. */
  readonly fresh: Set<TaskClass>;
  /** Those of them that got tasks nobody has placed before: by fairness, others have to make way for those. */
  readonly asking: Set<TaskClass>;
  /** Those of them of which it is not known whether any worker could ever run them. */
  readonly unjudged: Set<TaskClass>;
  /** Tasks sent ahead and not started, on all workers. */
  aheadCount: number;
  /** Counts the turns of sessions in sending ahead. */
  aheadTurns: number;
  /** How many of them there are of each shape. */
  readonly aheadOf: Map<Shape, number>;
  /** Those of them that have been asked back, by shape. */
  readonly retracting: Map<Shape, number>;
  /** Lines that a plan which is not complete has still to look at, whether they need a reservation. */
  reserving: Set<Line> | undefined;
  /** By worker; one reservation may keep several. */
  readonly reservations: Map<Worker, Reservation>;
  /** Failed tasks by the time at which they are queued again; those that were cancelled meanwhile too. */
  readonly delayed: KeyedHeap<Task>;
  /** What has been learnt of walltimes, by group. */
  readonly groups: Map<string, GroupRuns>;
  /** Whether any open class asks for so much that small tasks should leave whole workers free; undefined: not known. */
  largeWanted: boolean | undefined;
  /** What a worker would have that is started on demand; undefined: none is. */
  template: Template | undefined;
  /** Messages dropped because the task had ended or was elsewhere by then. */
  lateResults: number;
  /** The last time for which a plan was asked. */
  planAtMs: number;
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
    freed: new Freed(),
    touched: new Set(),
    refilling: new Set(),
    fresh: new Set(),
    asking: new Set(),
    unjudged: new Set(),
    aheadCount: 0,
    aheadTurns: 0,
    aheadOf: new Map(),
    retracting: new Map(),
    reserving: undefined,
    reservations: new Map(),
    delayed: new KeyedHeap((a, b) => a.number < b.number),
    groups: new Map(),
    largeWanted: undefined,
    template: undefined,
    lateResults: 0,
    planAtMs: Number.NEGATIVE_INFINITY,
    nowMs: 0,
    effects: [],
  };
}

/** The demand that a placed task was placed by. */
export function shapeOf(task: Task): Shape {
  const alternative = "alternative" in task.state ? task.state.alternative : 0;
  return task.class.shapes[alternative]!;
}

/** Puts new tasks at the end of their queue. */
export function enqueue(state: State, batch: Batch): void {
  const cls = batch.class;
  cls.session.batches.add(batch);
  cls.queue.push(batch);
  queued(state, cls, batch.end - batch.first);
  state.asking.add(cls);
}

/** Puts a task that has left its worker at the front of its queue. */
export function requeue(state: State, task: Task): void {
  putBack(state, task);
  remember(state, task);
}

/** A task becomes one of those that wait at the front of their queue. */
export function putBack(state: State, task: Task): void {
  task.state = QUEUED;
  task.class.queue.putBack(task);
  queued(state, task.class, 1);
}

/** A task that has left its worker is to be queued again later. */
export function delay(state: State, task: Task, dueMs: number): void {
  task.state = { type: "delayed", dueMs };
  task.class.session.delayed += 1;
  state.delayed.push(task, dueMs);
}

/** Its state must be set by the caller right after. */
export function endDelay(task: Task): void {
  task.class.session.delayed -= 1;
}

/** The next plan is to look at a class as if it were new. */
export function lookAt(state: State, cls: TaskClass): void {
  state.fresh.add(cls);
  state.unjudged.add(cls);
}

function queued(state: State, cls: TaskClass, count: number): void {
  const { level, line } = cls;
  cls.session.queued += count;
  lookAt(state, cls);
  if (level.waiting.has(cls)) {
    // At the end of a queue that is not empty nothing moves.
    if (cls.queue.hasPutBack) line.moved(cls);
    return;
  }
  cls.waitingSinceMs = state.nowMs;
  level.waiting.add(cls);
  for (const shape of cls.shapes) shape.waiting.add(cls);
  line.add(cls);
  if (line.size > 1) return;
  line.waitingSinceMs = state.nowMs;
  level.lines.add(line);
  for (const shape of cls.shapes) shape.lines.add(line);
}

/** The queue of a class is shorter, or begins with another task. */
function unqueued(cls: TaskClass, count: number): void {
  const { level, line } = cls;
  cls.session.queued -= count;
  if (cls.queue.size > 0) {
    line.moved(cls);
    return;
  }
  level.waiting.delete(cls);
  line.remove(cls);
  if (line.size === 0) level.lines.delete(line);
  for (const shape of cls.shapes) {
    shape.waiting.delete(cls);
    if (line.size === 0) shape.lines.delete(line);
    // Nobody keeps the answer up to date while nobody waits for it.
    if (shape.waiting.size === 0) shape.full = false;
  }
}

/** Takes the next task of a class out of its queue. */
function dequeue(state: State, cls: TaskClass): Task {
  const task = cls.queue.take()!;
  task.again = false;
  cls.waitingSinceMs = state.nowMs;
  cls.line.waitingSinceMs = state.nowMs;
  unqueued(cls, 1);
  return task;
}

/** Queue to worker, with resources. `gang`: the workers it has for itself, `worker` first. */
export function grant(
  state: State,
  cls: TaskClass,
  worker: Worker,
  alternative: number,
  gang?: readonly Worker[],
): Task {
  const task = dequeue(state, cls);
  task.gang = gang;
  placeOn(state, task, worker, alternative, true);
  return task;
}

/** A task that is in no queue is on a worker from now on. */
export function placeOn(
  state: State,
  task: Task,
  worker: Worker,
  alternative: number,
  granted: boolean,
): void {
  hold(state, task, worker, alternative, 1);
  task.state = worker.states.of(granted ? "granted" : "ahead", alternative);
  if (granted) return own(state, task, worker, alternative);
  const cls = task.class;
  const set = worker.ahead.get(cls) ?? new Set();
  if (set.size === 0) worker.ahead.set(cls, set);
  set.add(task);
  countAhead(state, task, worker, 1);
}

/** Queue to worker, without resources. */
export function sendAhead(state: State, cls: TaskClass, worker: Worker): Task {
  const task = dequeue(state, cls);
  placeOn(state, task, worker, 0, false);
  return task;
}

/** Takes a task out of its queue; undefined: it does not wait. */
export function takeWaiting(session: Session, number: number): Task | undefined {
  const known = session.tasks.get(number);
  const batch = known === undefined ? session.batches.of(number) : undefined;
  if (batch !== undefined) {
    const task = batch.class.queue.takeOut(batch, number);
    unqueued(batch.class, 1);
    return task;
  }
  if (known?.state.type !== "queued") return undefined;
  known.class.queue.remove(known);
  unqueued(known.class, 1);
  return known;
}

/** A task sent ahead owns resources from now on. */
export function startAhead(state: State, task: Task): void {
  const placed = task.state;
  if (placed.type === "ahead" || placed.type === "retracting") {
    dropAhead(state, task, placed.worker);
    task.state = placed.worker.states.of("granted", placed.alternative);
  } else if (placed.type === "stopping" && !placed.holds) {
    dropAhead(state, task, placed.worker);
    task.state = placed.worker.states.stopping(placed.alternative, true, placed.again);
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

/** A placed task is to be ended, for good or to run again; it stays where it is until the worker confirms. */
export function markStopping(state: State, task: Task, again: boolean): void {
  const placed = task.state;
  if (!("worker" in placed)) return;
  if (placed.type === "retracting") forgetRetracting(state, task);
  const holds = placed.type === "granted" || (placed.type === "stopping" && placed.holds);
  task.state = placed.worker.states.stopping(placed.alternative, holds, again);
}

/** Takes a task off its worker and gives back what it owned. Its state must be set by the caller right after. */
export function takeOff(state: State, task: Task): void {
  const placed = task.state;
  if (!("worker" in placed)) return;
  const { worker, alternative } = placed;
  if (placed.type === "granted" || (placed.type === "stopping" && placed.holds)) {
    disown(state, task, worker, alternative);
  } else dropAhead(state, task, worker);
  hold(state, task, worker, alternative, -1);
  task.gang = undefined;
  state.touched.add(worker);
}

/** A worker, not the first, is the gang's no more, and what the task owned there nobody's. */
export function leaveGang(state: State, task: Task, lost: Worker): void {
  adjust(task.class.session.held, lost, shapeOf(task), state.kinds, -1);
  adjust(lost.free, lost, shapeOf(task), state.kinds, 1);
  state.freed.add(lost);
  task.gang = task.gang?.filter((worker) => worker !== lost);
  lost.heldBy = undefined;
}

/** Ends a task: it is nowhere any more. */
export function finishTask(state: State, task: Task): void {
  if (task.state.type === "queued") {
    task.class.queue.remove(task);
    unqueued(task.class, 1);
  } else if (task.state.type === "delayed") endDelay(task);
  else takeOff(state, task);
  task.state = ENDED;
  task.class.session.tasks.delete(task.number);
}

/** Ends a queued task that nobody has looked at. */
export function dropQueued(batch: Batch, number: number): void {
  batch.class.queue.drop(batch, number);
  unqueued(batch.class, 1);
}

/** Ends every queued task of a class. */
export function clearQueue(cls: TaskClass): void {
  const { session, queue } = cls;
  const { size } = queue;
  if (size === 0) return;
  for (const task of queue.clear()) {
    task.state = ENDED;
    session.tasks.delete(task.number);
  }
  unqueued(cls, size);
}

function hold(state: State, task: Task, worker: Worker, alternative: number, sign: 1 | -1): void {
  const { session, shapes } = task.class;
  for (const each of task.gang ?? [worker])
    adjust(session.held, each, shapes[alternative]!, state.kinds, sign);
  session.placed += sign;
}

function own(state: State, task: Task, worker: Worker, alternative: number): void {
  const shape = task.class.shapes[alternative]!;
  task.grantedMs = state.nowMs;
  worker.heardMs = state.nowMs;
  for (const each of task.gang ?? [worker]) adjust(each.free, each, shape, state.kinds, -1);
  for (const each of task.gang ?? []) each.heldBy = task;
  worker.granted.add(task);
  worker.slots.set(shape, (worker.slots.get(shape) ?? 0) + 1);
  for (const { name } of shape.limits) state.limitsInUse.set(name, (state.limitsInUse.get(name) ?? 0) + 1);
}

function disown(state: State, task: Task, worker: Worker, alternative: number): void {
  const shape = task.class.shapes[alternative]!;
  for (const each of task.gang ?? [worker]) {
    adjust(each.free, each, shape, state.kinds, 1);
    state.freed.add(each);
  }
  for (const each of task.gang ?? []) each.heldBy = undefined;
  worker.granted.delete(task);
  const slots = worker.slots.get(shape)! - 1;
  if (slots === 0) worker.slots.delete(shape);
  else worker.slots.set(shape, slots);
  for (const { name } of shape.limits) state.limitsInUse.set(name, state.limitsInUse.get(name)! - 1);
}

function dropAhead(state: State, task: Task, worker: Worker): void {
  if (task.state.type === "retracting") forgetRetracting(state, task);
  const set = worker.ahead.get(task.class);
  if (set?.delete(task)) {
    if (set.size === 0) worker.ahead.delete(task.class);
    countAhead(state, task, worker, -1);
  }
}

function countAhead(state: State, task: Task, worker: Worker, by: 1 | -1): void {
  worker.aheadCount += by;
  state.aheadCount += by;
  const shape = task.class.shapes[0]!;
  const count = (state.aheadOf.get(shape) ?? 0) + by;
  if (count > 0) state.aheadOf.set(shape, count);
  else state.aheadOf.delete(shape);
}

function forgetRetracting(state: State, task: Task): void {
  const shape = shapeOf(task);
  const left = (state.retracting.get(shape) ?? 0) - 1;
  if (left > 0) state.retracting.set(shape, left);
  else state.retracting.delete(shape);
}
