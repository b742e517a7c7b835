/**
 * Taking back what was sent ahead: what would wait on one worker while another has room,
 * or stands in the way of new work that goes before it, by urgency or by fairness.
 */

import { compareLevels, type Urgency } from "./level.js";
import type { Line } from "./line.js";
import { urgencyOf } from "./order.js";
import { retract } from "./retract.js";
import { dominantShare, type Session } from "./session.js";
import type { Shape } from "./shape.js";
import type { State } from "./state.js";
import type { Task } from "./task.js";
import type { TaskClass } from "./task-class.js";
import { couldFit, fits, type Worker } from "./worker.js";

/** A task that would start sooner than this where it is, is left there. */
const WORTH_MOVING_US = 5_000;
/** Of another's share: below this it is less by more than what comes and goes. */
const CLEARLY_LESS = 0.9;

/** Asks back what waits on a worker although another has room, or although something more urgent waits. */
export function takeBack(state: State): void {
  if (state.aheadCount === 0) return;
  for (const shape of state.aheadOf.keys()) {
    // Queued tasks fill the room first, and one round of asking is enough at a time.
    if (shape.waiting.size === 0 && !state.retracting.has(shape)) moveToIdle(state, shape);
  }
  if (state.fresh.size > 0) makeWay(state);
}

/** Asks tasks of a shape back for workers that have room for it. */
function moveToIdle(state: State, shape: Shape): void {
  const idle = [...state.touched].filter(
    (worker) => fits(state, worker, shape) && !state.reservations.has(worker),
  );
  let room = idle.reduce((sum, worker) => sum + roomFor(worker, shape), 0);
  if (room <= 0) return;
  for (const donor of state.workers.values()) {
    if (donor.aheadCount === 0 || donor.mode === "suspect" || idle.includes(donor)) continue;
    for (const [cls, tasks] of donor.ahead) {
      if (cls.shapes[0] !== shape || waitUs(donor, cls) < WORTH_MOVING_US) continue;
      const asked = lastOf(tasks, room);
      retract(state, donor, asked);
      room -= asked.length;
      if (room <= 0) return;
    }
  }
}

/**
 * Asks back what stands in the way of new work that goes before it: by urgency, or by a smaller share. By that
 * nothing is asked back for work that was asked back itself, or two sessions would do so to each other for ever.
 */
function makeWay(state: State): void {
  const asking = new Set([...state.asking].map(({ line }) => line));
  const claims = [...new Set([...state.fresh].map(({ line }) => line))]
    .filter((line) => line.size > 0)
    .map((line): Claim => {
      const tasks = asking.has(line) ? queuedIn(line) : 0;
      return { line, urgency: urgencyOf(state, line.first()), tasks };
    })
    .sort((a, b) => compareLevels(a.urgency, b.urgency));
  if (claims.length === 0) return;
  for (const worker of state.workers.values()) {
    if (worker.aheadCount === 0 || worker.mode === "suspect") continue;
    for (const [cls, tasks] of worker.ahead) {
      if (compareLevels(claims[0]!.urgency, cls.level) > 0 || waitUs(worker, cls) < WORTH_MOVING_US) continue;
      makeWayFor(state, claims, worker, tasks, cls);
    }
  }
}

/** New work of a line; so many tasks may still ask others to make way. */
interface Claim {
  readonly line: Line;
  readonly urgency: Urgency;
  tasks: number;
}

function makeWayFor(
  state: State,
  claims: readonly Claim[],
  worker: Worker,
  tasks: ReadonlySet<Task>,
  cls: TaskClass,
): void {
  for (const claim of claims) {
    const { line, urgency } = claim;
    const order = compareLevels(urgency, cls.level);
    if (order > 0) return;
    if (!line.shapes.some((shape) => couldFit(state, worker, shape))) continue;
    if (order < 0) return retract(state, worker, [...tasks]);
    if (claim.tasks === 0 || !holdsLess(state, line.session, cls.session)) continue;
    const asked = lastOf(tasks, claim.tasks);
    claim.tasks -= asked.length;
    retract(state, worker, asked);
  }
}

function queuedIn(line: Line): number {
  let tasks = 0;
  for (const { queue } of line) tasks += queue.size;
  return tasks;
}

/** Whether a session holds so much less than another that its work should not wait for the other's. */
function holdsLess(state: Readonly<State>, session: Session, other: Session): boolean {
  if (session === other) return false;
  const share = dominantShare(session, state.clusterTotal) / session.weight;
  return share < (dominantShare(other, state.clusterTotal) / other.weight) * CLEARLY_LESS;
}

/** How long the last of the tasks sent ahead has to wait there; Infinity when nothing is known. */
function waitUs(worker: Worker, cls: TaskClass): number {
  if (cls.estimate.runs === 0) return Number.POSITIVE_INFINITY;
  const slots = worker.slots.get(cls.shapes[0]!) ?? 0;
  if (slots === 0) return Number.POSITIVE_INFINITY;
  return (worker.ahead.get(cls)!.size * cls.estimate.meanUs) / slots;
}

function roomFor(worker: Worker, shape: Shape): number {
  let room = worker.pressed || shape.allCores || shape.kinds.length === 0 ? 1 : Number.POSITIVE_INFINITY;
  for (let i = 0; i < shape.kinds.length; i += 1) {
    room = Math.min(room, Math.floor((worker.free[shape.kinds[i]!] ?? 0) / shape.amounts[i]!));
  }
  return room;
}

function lastOf(tasks: ReadonlySet<Task>, count: number): Task[] {
  return [...tasks].filter((task) => task.state.type === "ahead").slice(-count);
}
