/**
 * Reservations: a class that has waited too long, while workers were busy with
 * others, gets a worker (a gang: as many as it needs, all at once) kept free for it.
 *
 * Nothing of equal or less urgency is placed there any more, unless it is known not
 * to delay the reserved task (backfill, as in EASY: its hard walltime ends before
 * the expected start, or it fits beside the reserved task). More urgent classes take
 * no notice. One reservation a class; a gang's workers are reserved together or not
 * at all, so gangs never hold parts that others wait for.
 */

import { availability, deficit } from "./availability.js";
import { compareLevels } from "./level.js";
import { limitReached } from "./limit.js";
import type { Line } from "./line.js";
import { urgencyOf } from "./order.js";
import { COMPARISON, type PlanStep } from "./plan-step.js";
import { retract } from "./retract.js";
import type { Shape } from "./shape.js";
import { type State, shapeOf } from "./state.js";
import type { TaskClass } from "./task-class.js";
import { limitsOf } from "./walltime.js";
import { couldFit, type Worker } from "./worker.js";

/** So many lines, at most, have reservations beside each other: the others' turn comes when theirs is over. */
const MAX_RESERVED_LINES = 32;
/** Of so many workers, those that lack least, it is worked out when they will have room. */
const CLOSELY_COMPARED = 64;

/** One reservation: for the next task of a line. */
export interface Reservation {
  readonly line: Line;
  /** The class whose turn it was in the line when it was made. */
  readonly class: TaskClass;
  readonly shape: Shape;
  readonly alternative: number;
  /** One, or as many as the gang needs. */
  readonly workers: readonly Worker[];
  readonly sinceMs: number;
  /** When there will be room, as far as run times are known; Infinity: not known. */
  expectedMs: number;
  /** Something was placed on its workers since that was worked out. */
  stale: boolean;
  /** By worker: what will be free then beside the reserved task, by kind. */
  spare: Map<Worker, number[]>;
}

/** Drops what has no purpose any more and looks again when there will be room. */
export function reviewReservations(state: State): void {
  for (const reservation of new Set(state.reservations.values())) {
    const { workers, shape } = reservation;
    const alive = workers.every(
      (worker) => worker.mode === "ready" && state.workers.get(worker.number) === worker,
    );
    // Room is not what keeps a task back while a cluster-wide limit does.
    const useful =
      reservation.line.size > 0 &&
      !limitReached(state, shape) &&
      workers.every((worker) => couldFit(state, worker, shape));
    if (!alive || !useful) release(state, reservation);
    else if (reservation.stale || workers.some((worker) => state.touched.has(worker)))
      estimate(state, reservation);
  }
}

function estimate(state: State, reservation: Reservation): void {
  reservation.expectedMs = 0;
  reservation.stale = false;
  for (const worker of reservation.workers) {
    const { atMs, spare } = availability(state, worker, reservation.shape);
    reservation.expectedMs = Math.max(reservation.expectedMs, atMs);
    reservation.spare.set(worker, spare);
  }
}

/** The reservation of a line, if it has one. */
export function reservationOf(state: Readonly<State>, line: Line): Reservation | undefined {
  if (state.reservations.size === 0) return undefined;
  for (const reservation of state.reservations.values()) if (reservation.line === line) return reservation;
  return undefined;
}

/** Ends a reservation; its workers are looked at as if they had just been freed. */
export function release(state: State, reservation: Reservation): void {
  for (const worker of reservation.workers) {
    if (state.reservations.get(worker) !== reservation) continue;
    state.reservations.delete(worker);
    if (state.workers.get(worker.number) !== worker) continue;
    state.freed.add(worker);
    state.touched.add(worker);
  }
}

/** Whether a class may be placed on a reserved worker. */
export function mayUse(state: Readonly<State>, cls: TaskClass, shape: Shape, worker: Worker): boolean {
  const reservation = state.reservations.get(worker);
  if (reservation === undefined || reservation.line === cls.line) return true;
  if (compareLevels(urgencyOf(state, cls), urgencyOf(state, reservation.class)) < 0) return true;
  if (shape.nodes > 0 || reservation.expectedMs === Number.POSITIVE_INFINITY) return false;
  const { hardMs } = limitsOf(state, shape);
  if (hardMs > 0 && state.nowMs + hardMs <= reservation.expectedMs) return true;
  return fitsBeside(reservation.spare.get(worker)!, shape);
}

function fitsBeside(spare: readonly number[], shape: Shape): boolean {
  if (shape.allCores) return false;
  return shape.kinds.every((kind, i) => (spare[kind] ?? 0) >= shape.amounts[i]!);
}

/** Something was placed on a reserved worker: less is spare beside the reserved task. */
export function backfilled(state: Readonly<State>, shape: Shape, worker: Worker): void {
  const reservation = state.reservations.get(worker);
  const spare = reservation?.spare.get(worker);
  if (reservation === undefined || spare === undefined) return;
  reservation.stale = true;
  shape.kinds.forEach((kind, i) => {
    spare[kind] = (spare[kind] ?? 0) - shape.amounts[i]!;
  });
}

/**
 * Reserves for the lines that have waited too long, the longest first among equals; goes on where a
 * step that ran out of budget stopped. Called when everything that fits has been placed.
 */
export function reserve(step: PlanStep): void {
  const { state } = step;
  if (state.reserving === undefined && !state.levels.someWait) return;
  state.reserving ??= new Set(overdue(state));
  for (const line of state.reserving) {
    if (step.budget <= 0) return;
    state.reserving.delete(line);
    if (line.size === 0 || reservationOf(state, line) !== undefined || !mayReserve(state, line)) continue;
    step.budget -= state.workers.size * COMPARISON;
    if (getsItsTurn(state, line)) continue;
    line.shapes.some((shape, alternative) => reserveFor(step, line, shape, alternative));
  }
  state.reserving = undefined;
}

function overdue(state: Readonly<State>): Line[] {
  const sinceMs = state.nowMs - state.options.reserveAfterMs;
  const all: Line[] = [];
  for (const level of state.levels) {
    const lines = [...level.lines].filter((line) => line.waitingSinceMs <= sinceMs);
    all.push(...lines.sort((a, b) => a.waitingSinceMs - b.waitingSinceMs));
  }
  return all;
}

/** When the next line will have waited too long; Infinity: none will. */
export function reservationDueMs(state: Readonly<State>): number {
  let atMs = Number.POSITIVE_INFINITY;
  for (const level of state.levels) {
    for (const { waitingSinceMs } of level.lines) {
      const dueMs = waitingSinceMs + state.options.reserveAfterMs;
      if (dueMs > state.nowMs) atMs = Math.min(atMs, dueMs);
    }
  }
  return atMs;
}

/** Whether the line may have a reservation beside those of lines that are at least as urgent. */
function mayReserve(state: Readonly<State>, { level }: Line): boolean {
  const lines = new Set<Line>();
  for (const { line } of state.reservations.values())
    if (compareLevels(line.level, level) <= 0) lines.add(line);
  return lines.size < MAX_RESERVED_LINES;
}

/**
 * Whether the line needs nothing kept free: wherever it could run, it waits only for tasks that ask for
 * the same, so that there is room for it whichever ends, and its turn comes by fairness.
 */
function getsItsTurn(state: State, line: Line): boolean {
  for (const worker of state.workers.values()) {
    if (worker.mode !== "ready" || !line.shapes.some((shape) => couldFit(state, worker, shape))) continue;
    const holder = worker.heldBy === undefined ? undefined : shapeOf(worker.heldBy);
    if (holder !== undefined && !line.shapes.includes(holder)) return false;
    for (const shape of worker.slots.keys()) if (!line.shapes.includes(shape)) return false;
  }
  return line.shapes.every((shape) => shape.nodes === 0);
}

function reserveFor(step: PlanStep, line: Line, shape: Shape, alternative: number): boolean {
  const { state } = step;
  if (limitReached(state, shape)) return false;
  const count = Math.max(shape.nodes, 1);
  step.budget -= state.workers.size * COMPARISON;
  const candidates = [...state.workers.values()]
    .filter(
      (worker) =>
        worker.mode === "ready" && !state.reservations.has(worker) && couldFit(state, worker, shape),
    )
    .map((worker) => ({ worker, missing: deficit(state, worker, shape) }))
    .sort(
      (a, b) => pressedLast(a.worker, b.worker) || a.missing - b.missing || a.worker.number - b.worker.number,
    )
    .slice(0, Math.max(CLOSELY_COMPARED, 2 * count))
    .map(({ worker, missing }) => {
      step.budget -= worker.granted.size * COMPARISON;
      return { worker, missing, atMs: availability(state, worker, shape).atMs };
    });
  if (candidates.length < count) return false;
  candidates.sort(
    (a, b) =>
      pressedLast(a.worker, b.worker) ||
      compare(a.atMs, b.atMs) ||
      a.missing - b.missing ||
      a.worker.number - b.worker.number,
  );
  const workers = candidates.slice(0, count).map(({ worker }) => worker);
  const reservation: Reservation = {
    line,
    class: line.first(),
    shape,
    alternative,
    workers,
    sinceMs: state.nowMs,
    expectedMs: Number.POSITIVE_INFINITY,
    stale: false,
    spare: new Map(),
  };
  for (const worker of workers) {
    state.reservations.set(worker, reservation);
    for (const [other, tasks] of worker.ahead) {
      if (compareLevels(other.level, line.level) >= 0) retract(state, worker, [...tasks]);
    }
  }
  estimate(state, reservation);
  return true;
}

/** Workers that are short of memory run one task at a time: they are waited for only if there are no others. */
function pressedLast(a: Worker, b: Worker): number {
  return Number(a.pressed) - Number(b.pressed);
}

/** Infinity is equal to itself here. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
