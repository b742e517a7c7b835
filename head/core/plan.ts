/**
 * The plan: what runs where, decided once after everything that happened in a turn.
 *
 * 1. From the most urgent lines down: tasks sent ahead to a worker that has room
 *    now get it; then queued tasks, in turns (order.ts). What fits nowhere is passed
 *    over, so it never delays what fits.
 * 2. Workers are sent more than fits now, where that saves round trips (prefetch.ts).
 * 3. Lines that have waited too long get workers reserved (reservation.ts).
 * 4. What was sent ahead is asked back where it is in the way or would wait longer than elsewhere (take-back.ts).
 *
 * A plan does a bounded amount of work; one that is not complete asks to be continued
 * in the next turn. Cost: a shape that was full everywhere is compared only with
 * workers freed since; nothing depends on how many tasks are queued.
 */

import { Assignments } from "./assignments.js";
import { judgeFeasibility } from "./feasibility.js";
import { compareLevels, type Urgency } from "./level.js";
import { limitReached } from "./limit.js";
import type { Line } from "./line.js";
import { byUrgency, Turns, type UrgencyGroup } from "./order.js";
import { Candidates } from "./placement.js";
import { COMPARISON, MAKING, type PlanStep } from "./plan-step.js";
import { refill, refillGranted } from "./prefetch.js";
import {
  backfilled,
  mayUse,
  release,
  reservationDueMs,
  reservationOf,
  reserve,
  reviewReservations,
} from "./reservation.js";
import { wake } from "./retry.js";
import { Room } from "./room.js";
import type { Shape } from "./shape.js";
import { grant, type State, startAhead } from "./state.js";
import { takeBack } from "./take-back.js";
import type { TaskClass } from "./task-class.js";
import { fits, type Worker } from "./worker.js";

/** Placements in one step of a plan, or work that takes as long: keeps a step within a few milliseconds. */
const PLACEMENTS_PER_STEP = 250;
const REFILLS_PER_STEP = 250;
const RESERVATIONS_PER_STEP = 250;

/** Where a task can go. */
interface Spot {
  readonly worker: Worker;
  readonly alternative: number;
  readonly gang: readonly Worker[] | undefined;
}

/** Places what can be placed, or a part of it. */
export function plan(state: State): void {
  if (isIdle(state)) return settle(state);
  const step: PlanStep = {
    state,
    assignments: new Assignments(state),
    candidates: new Map(),
    freedRoom: new Room(
      () => state.freed,
      () => state.freed.now,
    ),
    reservedRoom: new Room(
      () => state.reservations.keys(),
      () => state.reservations.size,
    ),
    abundant: undefined,
    shares: new Map(),
    budget: PLACEMENTS_PER_STEP,
    released: false,
  };
  wake(state);
  judgeFeasibility(step);
  if (state.reservations.size > 0) reviewReservations(state);
  for (const group of byUrgency(state)) {
    if (step.budget <= 0) break;
    placeGroup(step, group);
  }
  promote(step, undefined);
  const placed = step.budget > 0 && afterPlacing(step);
  if (placed && state.refilling.size === 0 && state.reserving === undefined) askForPlan(state);
  else state.effects.push({ type: "planAgain" });
}

/** Whether nothing waits, here or sent ahead, so that there is nothing to decide. */
function isIdle(state: State): boolean {
  const { reservations, delayed, refilling, reserving } = state;
  if (state.aheadCount > 0 || reservations.size > 0 || delayed.size > 0) return false;
  if (refilling.size > 0 || reserving !== undefined || state.unjudged.size > 0) return false;
  return !state.levels.someWait;
}

/** What has changed since the last complete plan has been looked at. */
function settle(state: State): void {
  state.freed.clear();
  // To clear what is empty makes a new table nevertheless.
  if (state.touched.size > 0) state.touched.clear();
  if (state.fresh.size > 0) state.fresh.clear();
  if (state.asking.size > 0) state.asking.clear();
}

/**
 * Has budgets of its own: there may always be more to place.
 *
 * @returns whether nothing is left to be placed
 */
function afterPlacing(step: PlanStep): boolean {
  const { state } = step;
  step.budget = Math.max(step.budget, REFILLS_PER_STEP);
  refill(step);
  // A reservation that ended has freed workers that some lines were not compared with.
  if (step.released) return false;
  takeBack(state);
  refreshAnswers(state);
  settle(state);
  step.budget = RESERVATIONS_PER_STEP;
  reserve(step);
  return true;
}

function placeGroup(step: PlanStep, group: UrgencyGroup): void {
  const { state } = step;
  // What is to run again goes before everything else of its urgency.
  const turns = new Turns(state, group.lines, ({ shapes }) => mayHaveChanged(step, shapes));
  const again = turns.runsAgain;
  if (!again) promote(step, group);
  for (let line = turns.next(); line !== undefined && step.budget > 0; line = turns.next()) {
    const cls = line.first();
    const spot = findSpot(step, cls);
    if (spot === undefined) turns.drop(line);
    else {
      place(step, line, cls, spot);
      turns.placed(line);
    }
  }
  if (again) promote(step, group);
}

/** Whether there may be room that was not there at the last plan. */
function mayHaveChanged({ state, freedRoom, reservedRoom }: PlanStep, shapes: readonly Shape[]): boolean {
  let may = false;
  for (const shape of shapes) {
    if (!shape.full || shape.nodes > 0) may = true;
    else if (shape.checkedTo < state.freed.now && freedRoom.mayFit(shape)) may = true;
    else {
      shape.checkedTo = state.freed.now;
      // What is kept free for some is there for others, and for those when enough of it is free.
      may ||= reservedRoom.mayFit(shape);
    }
  }
  return may;
}

function place(step: PlanStep, line: Line, cls: TaskClass, { worker, alternative, gang }: Spot): void {
  const { state, assignments } = step;
  const reservation = reservationOf(state, line);
  const task = grant(state, cls, worker, alternative, gang);
  assignments.add(worker, task, alternative, true);
  state.touched.add(worker);
  step.freedRoom.placed();
  step.reservedRoom.placed();
  if (reservation !== undefined) {
    release(state, reservation);
    step.released = true;
  } else if (state.reservations.has(worker)) backfilled(state, line.shapes[alternative]!, worker);
  step.budget -= 1;
  // In one message: what is sent later finds the first task over.
  refillGranted(step, line, worker);
}

/** Gives tasks that were sent ahead the room that has come up where they are. */
function promote({ state }: PlanStep, urgency: Urgency | undefined): void {
  for (const worker of state.freed) {
    // A pressed worker gives back what has not started.
    if (worker.aheadCount === 0 || worker.pressed) continue;
    for (const [cls, tasks] of worker.ahead) {
      if (urgency !== undefined && compareLevels(cls.level, urgency) > 0) continue;
      const shape = cls.shapes[0]!;
      const started: number[] = [];
      for (const task of tasks) {
        if (!fits(state, worker, shape) || !mayUse(state, cls, shape, worker)) break;
        if (task.state.type !== "ahead") continue;
        startAhead(state, task);
        backfilled(state, shape, worker);
        started.push(task.number);
      }
      if (started.length > 0) {
        state.effects.push({
          type: "promote",
          worker: worker.number,
          session: cls.session.number,
          tasks: started,
        });
      }
    }
  }
}

function findSpot(step: PlanStep, cls: TaskClass): Spot | undefined {
  const { state } = step;
  const reservation = reservationOf(state, cls.line);
  if (reservation !== undefined && !limitReached(state, reservation.shape)) {
    const { workers, shape, alternative } = reservation;
    if (workers.every((worker) => fits(state, worker, shape))) {
      return { worker: workers[0]!, alternative, gang: shape.nodes > 0 ? workers : undefined };
    }
  }
  for (let alternative = 0; alternative < cls.shapes.length; alternative += 1) {
    const shape = cls.shapes[alternative]!;
    if (limitReached(state, shape)) continue;
    if (shape.nodes > 0) {
      const gang = findGang(step, cls, shape);
      if (gang !== undefined) return { worker: gang[0]!, alternative, gang };
      continue;
    }
    const worker = findWorker(step, shape) ?? findReserved(step, cls, shape);
    if (worker !== undefined) return { worker, alternative, gang: undefined };
  }
  return undefined;
}

function findWorker(step: PlanStep, shape: Shape): Worker | undefined {
  const { state, freedRoom } = step;
  if (shape.full && !freedRoom.mayFit(shape)) {
    shape.checkedTo = state.freed.now;
    return undefined;
  }
  const candidates = candidatesFor(step, shape);
  const worker = candidates.best();
  // While it still fits somewhere among the freed, "full" holds for the others only.
  if (worker !== undefined) return worker;
  if (shape.full) freedRoom.tighten();
  shape.full = true;
  shape.checkedTo = candidates.asOf;
  return undefined;
}

function candidatesFor(step: PlanStep, shape: Shape): Candidates {
  const { state } = step;
  let candidates = step.candidates.get(shape);
  if (candidates === undefined) {
    // A gang may need one of the freed workers together with others that were free before.
    const some = shape.full && shape.nodes === 0 ? state.freed.since(shape.checkedTo) : undefined;
    candidates = new Candidates(state, shape, some ?? state.workers.values());
    step.candidates.set(shape, candidates);
    step.budget -= MAKING + (some?.length ?? state.workers.size) * COMPARISON;
  }
  return candidates;
}

/** Whole workers for a gang, all at once or none. */
function findGang(step: PlanStep, cls: TaskClass, shape: Shape): readonly Worker[] | undefined {
  const { state } = step;
  const gang = candidatesFor(step, shape).several(shape.nodes);
  for (const worker of state.reservations.keys()) {
    if (gang.length === shape.nodes) return gang;
    if (fits(state, worker, shape) && mayUse(state, cls, shape, worker)) gang.push(worker);
  }
  return gang.length === shape.nodes ? gang : undefined;
}

/** A worker that is reserved for another class, where the task delays nobody. */
function findReserved(step: PlanStep, cls: TaskClass, shape: Shape): Worker | undefined {
  const { state, reservedRoom } = step;
  if (!reservedRoom.mayFit(shape)) return undefined;
  step.budget -= state.reservations.size * COMPARISON;
  for (const worker of state.reservations.keys()) {
    if (fits(state, worker, shape) && mayUse(state, cls, shape, worker)) return worker;
  }
  reservedRoom.tighten();
  return undefined;
}

/** Asks for a plan at the time at which the next decision is due though nothing may have happened. */
function askForPlan(state: State): void {
  const atMs = Math.min(reservationDueMs(state), state.delayed.firstKey ?? Number.POSITIVE_INFINITY);
  if (atMs === Number.POSITIVE_INFINITY) return;
  // A plan is under way for an earlier time: it asks again.
  if (state.planAtMs > state.nowMs && state.planAtMs <= atMs) return;
  state.planAtMs = atMs;
  state.effects.push({ type: "planAt", atMs });
}

/** An answer "full" that nobody compared with the freed workers is not known any more. */
function refreshAnswers(state: State): void {
  if (state.freed.size === 0) return;
  for (const shape of state.shapes.all()) {
    if (shape.full && shape.checkedTo < state.freed.now) shape.full = false;
  }
}
