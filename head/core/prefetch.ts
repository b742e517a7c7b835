/**
 * Prefetch: what a worker holds unstarted, so that it never idles for a round trip.
 *
 * A task sent ahead owns nothing. It starts on the worker in the place of a task
 * that ended there and asked for at least as much, so the head's account of free
 * amounts stays exact. How many are sent follows from the class's measured run
 * time; classes whose tasks run long get none. Where another shape, at least as
 * urgent, could use the place of one that ends, nothing is refilled before the worker
 * has run dry, or that shape would never get its turn. What is sent ahead may be asked
 * back: take-back.ts.
 */

import { evenShare, freeSlots, hasQueued, slotsAtMost } from "./even-share.js";
import { compareLevels } from "./level.js";
import type { Line } from "./line.js";
import { Turns, urgencyOf } from "./order.js";
import { reportMsOf } from "./pace.js";
import { COMPARISON, type PlanStep, SENDING_AHEAD } from "./plan-step.js";
import { release, reservationOf } from "./reservation.js";
import type { Shape } from "./shape.js";
import { type State, sendAhead } from "./state.js";
import type { TaskClass } from "./task-class.js";
import { amountOn, couldFit, type Worker } from "./worker.js";

/** Unstarted work per slot, in run time; more where workers report seldom. Half of it is what may end before a worker tells of it (26 ms), and the answer's way. */
const HORIZON_US = 60_000;
/** Tasks that run longer than this gain nothing from it. */
const LONG_US = 1_000_000;
/** Most unstarted tasks of one shape per slot… */
const MAX_AHEAD_PER_SLOT = 1_024;
/** …and on one worker. */
const MAX_AHEAD = 8_192;
/** Filled up again when no more than this part is left, for fewer, larger messages… */
const REFILL_PART = 0.5;
/** …but after every report where workers report seldom: after the next it might be too late. */
const SELDOM_REFILL_PART = 0.75;
/** …and when the queue runs short, if a slot has so much run time less than its share. */
const EVEN_US = 5_000;
/** A session's turn is so much run time: between two sessions batches end on every way, and executors run dry. */
const TURN_US = 500;
/** Unstarted tasks on one worker, of a class of which no run time is known. */
const UNKNOWN_AHEAD = 2;

/** Sends workers more than fits now; goes on where a step that ran out of budget stopped. */
export function refill(step: PlanStep): void {
  const { state } = step;
  if (!state.levels.someWait) {
    if (state.refilling.size > 0) state.refilling.clear();
    return;
  }
  const contenders = waitingShapes(state);
  for (const worker of state.fresh.size > 0 ? state.workers.values() : state.touched)
    state.refilling.add(worker);
  for (const worker of state.refilling) {
    if (worker.mode === "ready" && !worker.pressed) refillWorker(step, worker, contenders);
    step.budget -= COMPARISON;
    if (step.budget <= 0) return;
    state.refilling.delete(worker);
  }
}

/** The only line that waits, if there is enough in it for every slot that is free, now and ahead. */
function abundantLine(state: State): Line | undefined {
  if (state.reservations.size > 0) return undefined;
  let only: Line | undefined;
  for (const level of state.levels) {
    for (const line of level.lines) {
      if (only !== undefined) return undefined;
      only = line;
    }
  }
  const shape = only?.shapes[0];
  if (only === undefined || shape === undefined || only.shapes.length > 1) return undefined;
  if (shape.limits.length > 0 || shape.nodes > 0) return undefined;
  const { estimate } = only.first();
  const perSlot = depth(state, only.first(), 1);
  if (estimate.runs === 0 || perSlot === 0 || !hasQueued(shape, 1 + perSlot)) return undefined;
  return hasQueued(shape, freeSlots(state, shape) * (1 + perSlot)) ? only : undefined;
}

/** Sends a worker that has just got a task what goes ahead as well, if there is enough of it for all. */
export function refillGranted(step: PlanStep, line: Line, worker: Worker): void {
  step.abundant ??= { line: abundantLine(step.state) };
  if (step.abundant.line !== line || line.size === 0 || worker.pressed) return;
  const shape = line.shapes[0]!;
  refillShape(step, worker, shape, worker.slots.get(shape)!);
}

function refillWorker(step: PlanStep, worker: Worker, contenders: Map<Shape, Line>): void {
  for (const [shape, slots] of worker.slots) {
    if (step.budget <= 0) return;
    if (!contenders.has(shape) || shape.limits.length > 0 || shape.nodes > 0) continue;
    // Of tasks that run long none is sent ahead, whoever else waits.
    if (deepest(step.state, shape.lines, slots) === 0) continue;
    const dry = step.assignments.hasGranted(worker) && worker.aheadCount === 0;
    if (!dry && isContended(step, worker, shape, contenders)) continue;
    refillShape(step, worker, shape, slots);
  }
}

/** The shapes that are waited for, each with its most urgent line. */
function waitingShapes(state: State): Map<Shape, Line> {
  const shapes = new Map<Shape, Line>();
  for (const level of state.levels) {
    for (const line of level.lines) {
      for (const shape of line.shapes) if (!shapes.has(shape)) shapes.set(shape, line);
    }
  }
  return shapes;
}

/** Whether another shape, at least as urgent, could use the place of one that ends here. */
function isContended(
  step: PlanStep,
  worker: Worker,
  shape: Shape,
  contenders: ReadonlyMap<Shape, Line>,
): boolean {
  const { state } = step;
  if (contenders.size === 1) return false;
  const own = contenders.get(shape)!;
  if (own.size === 0) return false;
  const mine = urgencyOf(state, own.first());
  for (const [other, line] of contenders) {
    step.budget -= COMPARISON;
    // What waited when the plan began may have been sent since.
    if (other === shape || line.size === 0) continue;
    if (compareLevels(urgencyOf(state, line.first()), mine) > 0) continue;
    if (fitsInPlace(state, worker, other, shape)) return true;
  }
  return false;
}

/** Whether there would be room for `other` if one task of `shape` ended. */
function fitsInPlace(state: State, worker: Worker, other: Shape, shape: Shape): boolean {
  if (other.nodes > 0 || !couldFit(state, worker, other)) return false;
  const { kinds } = state;
  const enough = (kind: number) =>
    (worker.free[kind] ?? 0) + amountOn(worker, shape, kinds, kind) >= amountOn(worker, other, kinds, kind);
  return other.kinds.every(enough) && (!other.allCores || enough(kinds.cores));
}

function refillShape(step: PlanStep, worker: Worker, shape: Shape, slots: number): void {
  const { state } = step;
  let held = 0;
  for (const [cls, tasks] of worker.ahead) if (cls.shapes[0] === shape) held += tasks.size;
  // Mostly it has enough, which is cheap to see.
  if (hasEnough(step, shape, shape.lines, held, slots) || !couldFit(state, worker, shape)) return;
  const lines = mostUrgent([...shape.lines].filter((line) => line.shapes.length === 1)).filter((line) =>
    mayRefill(state, line, worker),
  );
  if (lines.length === 0 || hasEnough(step, shape, lines, held, slots)) return;
  // Of sessions that hold the same goes first whose last turn is longest ago.
  lines.sort((a, b) => a.session.aheadTurn - b.session.aheadTurn);
  const turns = new Turns(state, lines);
  for (let line = turns.next(); line !== undefined && step.budget > 0; line = turns.next()) {
    const cls = line.first();
    const room = Math.min(depth(state, cls, slots), Math.round(slots * shareOf(step, shape, cls))) - held;
    if (room <= 0) {
      turns.drop(line);
      continue;
    }
    const turn = lines.length === 1 ? room : turnOf(cls);
    const most = Math.min(room, turn, step.budget / SENDING_AHEAD);
    let sent = 0;
    do {
      step.assignments.add(worker, sendAhead(state, cls, worker), 0, false);
      sent += 1;
    } while (sent < most && cls.queue.size > 0 && line.first() === cls);
    turns.placed(line);
    state.aheadTurns += 1;
    line.session.aheadTurn = state.aheadTurns;
    held += sent;
    step.budget -= SENDING_AHEAD * sent;
    if (line.size === 0) endReservation(step, line);
  }
}

/** Whether so many unstarted tasks will do, of what waits in the lines, until the worker is heard of again. */
function hasEnough(
  step: PlanStep,
  shape: Shape,
  lines: Iterable<Line>,
  held: number,
  slots: number,
): boolean {
  const { state } = step;
  const part = reportMsOf(state) === undefined ? REFILL_PART : SELDOM_REFILL_PART;
  for (const line of lines) {
    const cls = line.first();
    const full = depth(state, cls, slots);
    const share = slots * shareOf(step, shape, cls);
    const least = share < full ? share - (slots * EVEN_US) / Math.max(cls.estimate.meanUs, 1) : full * part;
    if (held <= Math.max(least, 0) && full > 0) return false;
  }
  return true;
}

/** How many unstarted tasks a slot should have at most; Infinity while there is enough for all. */
function shareOf({ state, shares }: PlanStep, shape: Shape, cls: TaskClass): number {
  let share = shares.get(shape);
  if (share === undefined) {
    const { runs, meanUs } = cls.estimate;
    const isShort = runs > 0 && !hasQueued(shape, slotsAtMost(state, shape) * depth(state, cls, 1));
    share = isShort ? Math.max(1, evenShare(state, shape, meanUs)) : Number.POSITIVE_INFINITY;
    shares.set(shape, share);
  }
  return share;
}

/** How many tasks of a class are one turn. */
function turnOf({ estimate }: TaskClass): number {
  return estimate.runs === 0 ? 1 : Math.floor(TURN_US / Math.max(estimate.meanUs, 1));
}

/** Whether tasks of the line may wait on the worker: they start later, so backfill is not for them. */
function mayRefill(state: State, line: Line, worker: Worker): boolean {
  const reservation = state.reservations.get(worker);
  return (
    reservation === undefined ||
    reservation.line === line ||
    compareLevels(urgencyOf(state, line.first()), urgencyOf(state, reservation.class)) < 0
  );
}

/** The last task of a line has been sent ahead: nothing needs to be kept free for it. */
function endReservation(step: PlanStep, line: Line): void {
  const reservation = reservationOf(step.state, line);
  if (reservation === undefined) return;
  release(step.state, reservation);
  step.released = true;
}

function mostUrgent(lines: Line[]): Line[] {
  let best = lines[0];
  for (const line of lines) if (compareLevels(line.level, best!.level) < 0) best = line;
  return lines.filter((line) => line.level === best!.level);
}

/** How many unstarted tasks so many slots should have of what waits in the lines, by the class that asks for most. */
function deepest(state: Readonly<State>, lines: Iterable<Line>, slots: number): number {
  let most = 0;
  for (const line of lines) most = Math.max(most, depth(state, line.first(), slots));
  return most;
}

/** How many unstarted tasks of the class so many slots should have. */
function depth(state: Readonly<State>, cls: TaskClass, slots: number): number {
  const { runs, meanUs } = cls.estimate;
  if (runs === 0) return Math.min(slots, UNKNOWN_AHEAD);
  if (meanUs > LONG_US) return 0;
  // What ends until the next report, and as much again until that has been answered.
  const horizonUs = HORIZON_US + 2_000 * (reportMsOf(state) ?? 0);
  const perSlot = Math.min(MAX_AHEAD_PER_SLOT, Math.max(1, horizonUs / Math.max(meanUs, 1)));
  return Math.min(MAX_AHEAD, Math.ceil(slots * perSlot));
}
