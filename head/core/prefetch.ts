/**
 * Prefetch: what a worker holds unstarted, so that it never idles for a round trip.
 *
 * A task sent ahead owns nothing. It starts on the worker in the place of a task
 * that ended there and asked for at least as much, so the head's account of free
 * amounts stays exact. How many are sent follows from the class's measured run
 * time; classes whose tasks run long get none. Where another shape waits for the
 * same worker, nothing is refilled before the worker has run dry, or that shape
 * would never find room. What would wait on one worker while another has room, or
 * stands in the way of something more urgent, is asked back.
 */

import type { Assignments } from "./assignments.js";
import { compareLevels } from "./level.js";
import { nextClass } from "./order.js";
import type { Shape } from "./shape.js";
import { askBack, type State, sendAhead } from "./state.js";
import type { Task } from "./task.js";
import type { TaskClass } from "./task-class.js";
import { couldFit, fits, type Worker } from "./worker.js";

/** Unstarted work per slot, in run time: hides a round trip with batches under load. */
const HORIZON_US = 10_000;
/** Tasks that run longer than this gain nothing from it. */
const LONG_US = 1_000_000;
/** Most unstarted tasks on one worker, of one shape. */
const MAX_AHEAD = 1_024;
/** A task that would start sooner than this where it is, is left there. */
const WORTH_MOVING_US = 5_000;

/** Sends workers more than fits now. */
export function refill(state: State, assignments: Assignments): void {
  const contenders = waitingShapes(state);
  if (contenders.size === 0) return;
  const workers = state.fresh.size > 0 ? state.workers.values() : state.touched.values();
  for (const worker of workers) {
    if (worker.mode !== "ready") continue;
    for (const [shape, slots] of worker.slots) {
      if (!contenders.has(shape) || shape.limits.length > 0) continue;
      const contended = isContended(state, worker, shape, contenders);
      if (contended && !(assignments.granted.has(worker) && worker.aheadCount === 0)) continue;
      refillShape(state, worker, shape, slots, assignments);
    }
  }
}

/** The shapes that classes wait for, each with its most urgent class. */
function waitingShapes(state: State): Map<Shape, TaskClass> {
  const shapes = new Map<Shape, TaskClass>();
  for (const level of state.levels) {
    for (const cls of level.waiting)
      for (const shape of cls.shapes) if (!shapes.has(shape)) shapes.set(shape, cls);
  }
  return shapes;
}

/** Whether a class of another shape, at least as urgent, waits for room on this worker. */
function isContended(state: State, worker: Worker, shape: Shape, contenders: Map<Shape, TaskClass>): boolean {
  if (contenders.size === 1) return false;
  const mine = contenders.get(shape)!;
  for (const [other, cls] of contenders) {
    if (other === shape || compareLevels(cls.level, mine.level) > 0) continue;
    if (couldFit(worker, other, state.kinds, state.nowMs)) return true;
  }
  return false;
}

function refillShape(
  state: State,
  worker: Worker,
  shape: Shape,
  slots: number,
  assignments: Assignments,
): void {
  let held = 0;
  for (const [cls, tasks] of worker.ahead) if (cls.shapes[0] === shape) held += tasks.size;
  const candidates = mostUrgent([...shape.waiting].filter((cls) => cls.shapes.length === 1));
  if (candidates.length === 0) return;
  const slowest = Math.max(...candidates.map((cls) => depth(cls, slots)));
  // Half empty before it is filled again: fewer, larger messages.
  if (held > slowest / 2) return;
  while (candidates.length > 0) {
    const at = nextClass(state, candidates);
    const cls = candidates[at]!;
    if (held >= depth(cls, slots)) {
      candidates.splice(at, 1);
      continue;
    }
    assignments.add(worker, sendAhead(state, cls, worker), 0, false);
    held += 1;
    if (cls.queue.size === 0) candidates.splice(at, 1);
  }
}

function mostUrgent(classes: TaskClass[]): TaskClass[] {
  let best = classes[0];
  for (const cls of classes) if (compareLevels(cls.level, best!.level) < 0) best = cls;
  return classes.filter((cls) => cls.level === best!.level);
}

/** How many unstarted tasks of the class so many slots should have. */
function depth(cls: TaskClass, slots: number): number {
  const { runs, meanUs } = cls.estimate;
  if (runs === 0) return slots;
  if (meanUs > LONG_US) return 0;
  return Math.min(MAX_AHEAD, Math.max(slots, Math.ceil((slots * HORIZON_US) / Math.max(meanUs, 1))));
}

/** Asks back what waits on a worker although another has room, or although something more urgent waits. */
export function takeBack(state: State): void {
  if (state.aheadCount === 0) return;
  for (const worker of state.touched) if (worker.mode === "ready") takeBackFor(state, worker);
  if (state.fresh.size > 0) makeWay(state);
}

function takeBackFor(state: State, idle: Worker): void {
  for (const donor of state.workers.values()) {
    if (donor === idle || donor.aheadCount === 0) continue;
    for (const [cls, tasks] of donor.ahead) {
      const shape = cls.shapes[0]!;
      // Queued tasks fill the room first, and one round of asking is enough at a time.
      if (shape.waiting.size > 0 || state.retracting.has(shape)) continue;
      if (!fits(idle, shape, state.kinds, state.nowMs) || waitUs(donor, cls) < WORTH_MOVING_US) continue;
      retract(state, donor, lastOf(tasks, roomFor(idle, shape)));
    }
  }
}

function makeWay(state: State): void {
  for (const urgent of state.fresh) {
    if (urgent.queue.size === 0) continue;
    for (const worker of state.workers.values()) {
      if (worker.aheadCount === 0) continue;
      if (!urgent.shapes.some((shape) => couldFit(worker, shape, state.kinds, state.nowMs))) continue;
      for (const [cls, tasks] of worker.ahead) {
        if (compareLevels(urgent.level, cls.level) >= 0 || waitUs(worker, cls) < WORTH_MOVING_US) continue;
        retract(state, worker, [...tasks]);
      }
    }
  }
}

/** How long the last of the tasks sent ahead has to wait there; Infinity when nothing is known. */
function waitUs(worker: Worker, cls: TaskClass): number {
  if (cls.estimate.runs === 0) return Number.POSITIVE_INFINITY;
  const slots = worker.slots.get(cls.shapes[0]!) ?? 0;
  if (slots === 0) return Number.POSITIVE_INFINITY;
  return (worker.ahead.get(cls)!.size * cls.estimate.meanUs) / slots;
}

function roomFor(worker: Worker, shape: Shape): number {
  let room = shape.allCores || shape.kinds.length === 0 ? 1 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < shape.kinds.length; i += 1) {
    room = Math.min(room, Math.floor((worker.free[shape.kinds[i]!] ?? 0) / shape.amounts[i]!));
  }
  return room;
}

function lastOf(tasks: ReadonlySet<Task>, count: number): Task[] {
  return [...tasks].filter((task) => task.state.type === "ahead").slice(-count);
}

function retract(state: State, donor: Worker, tasks: readonly Task[]): void {
  const numbersOf = new Map<number, number[]>();
  for (const task of tasks) {
    if (task.state.type !== "ahead") continue;
    askBack(state, task);
    const session = task.class.session.number;
    const numbers = numbersOf.get(session);
    if (numbers === undefined) numbersOf.set(session, [task.number]);
    else numbers.push(task.number);
  }
  for (const [session, numbers] of numbersOf) {
    state.effects.push({ type: "retract", worker: donor.number, session, tasks: numbers });
  }
}
