/**
 * The plan: what runs where, decided once after everything that happened in a turn.
 *
 * 1. From the most urgent level down: tasks sent ahead to a worker that has room
 *    now get it; then queued classes, the session that holds least first. A class
 *    that fits nowhere is passed over, so it never delays one that fits.
 * 2. Workers are sent more than fits now, where that saves round trips (prefetch.ts).
 * 3. What was sent ahead is asked back where it would wait longer than elsewhere.
 *
 * Cost: a shape that was full everywhere is compared only with workers freed since.
 */

import { Assignments } from "./assignments.js";
import type { Level } from "./level.js";
import { limitReached } from "./limit.js";
import { nextClass } from "./order.js";
import { chooseWorker } from "./placement.js";
import { refill, takeBack } from "./prefetch.js";
import type { Shape } from "./shape.js";
import { finishTask, grant, type State, startAhead } from "./state.js";
import type { TaskClass } from "./task-class.js";
import { couldFit, fits, type Worker } from "./worker.js";

/** Places what can be placed. */
export function plan(state: State): void {
  state.planNumber += 1;
  judgeFeasibility(state);
  const assignments = new Assignments(state);
  for (const level of state.levels) {
    // What came back goes before everything else of its level.
    const returned = [...level.waiting].some((cls) => cls.queue.hasReturned);
    if (returned) grantLevel(state, level, assignments);
    promote(state, level);
    if (!returned) grantLevel(state, level, assignments);
  }
  refill(state, assignments);
  takeBack(state);
  if (state.freed.size > 0) refreshAnswers(state);
  state.freed.clear();
  state.touched.clear();
  state.fresh.clear();
}

function promote(state: State, level: Level): void {
  for (const worker of state.freed) {
    if (worker.aheadCount === 0) continue;
    for (const [cls, tasks] of worker.ahead) {
      if (cls.level !== level) continue;
      const started: number[] = [];
      for (const task of tasks) {
        if (!fits(worker, cls.shapes[0]!, state.kinds, state.nowMs)) break;
        if (task.state.type !== "ahead") continue;
        startAhead(state, task);
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

function grantLevel(state: State, level: Level, assignments: Assignments): void {
  const candidates = [...level.waiting].filter(
    (cls) => state.freed.size > 0 || cls.shapes.some((shape) => !shape.full),
  );
  while (candidates.length > 0) {
    const at = nextClass(state, candidates);
    const cls = candidates[at]!;
    const spot = findSpot(state, cls);
    if (spot === undefined) {
      candidates.splice(at, 1);
      continue;
    }
    const task = grant(state, cls, spot.worker, spot.alternative);
    assignments.add(spot.worker, task, spot.alternative, true);
    state.touched.add(spot.worker);
    if (cls.queue.size === 0) candidates.splice(at, 1);
  }
}

interface Spot {
  readonly worker: Worker;
  readonly alternative: number;
}

function findSpot(state: State, cls: TaskClass): Spot | undefined {
  for (let alternative = 0; alternative < cls.shapes.length; alternative += 1) {
    const shape = cls.shapes[alternative]!;
    if (limitReached(state, shape)) continue;
    const worker = findWorker(state, shape);
    if (worker !== undefined) return { worker, alternative };
  }
  return undefined;
}

function findWorker(state: State, shape: Shape): Worker | undefined {
  const workers = shape.full ? state.freed : state.workers.values();
  const worker = chooseWorker(workers, shape, state.kinds, state.nowMs);
  if (worker === undefined) shape.full = true;
  // While it still fits somewhere among the freed, "full" holds for the others only.
  shape.checkedInPlan = worker === undefined ? state.planNumber : 0;
  return worker;
}

/** An answer "full" that nobody compared with the freed workers is not known any more. */
function refreshAnswers(state: State): void {
  for (const shape of state.shapes.all()) {
    if (shape.full && shape.checkedInPlan !== state.planNumber) shape.full = false;
  }
}

/** Says of classes that are new, or whose workers changed, that no connected worker could ever run them. */
function judgeFeasibility(state: State): void {
  if (state.workers.size === 0) return;
  for (const cls of state.fresh) {
    if (cls.warned || cls.queue.size === 0 || isFeasible(state, cls)) continue;
    const wanted = cls.shapes.map((shape) => shape.text).join(" or ");
    if (cls.failInfeasible) {
      const reason = `no connected worker could ever give ${wanted}`;
      const tasks = [...cls.queue];
      for (const task of tasks) finishTask(state, task);
      cls.session.failed += tasks.length;
      state.effects.push({
        type: "conclude",
        session: cls.session.number,
        tasks: tasks.map((task) => task.number),
        verdict: { type: "infeasible", reason },
      });
    } else {
      cls.warned = true;
      state.effects.push({ type: "warn", session: cls.session.number, spec: cls.spec, wanted });
    }
  }
}

function isFeasible(state: State, cls: TaskClass): boolean {
  for (const worker of state.workers.values()) {
    for (const shape of cls.shapes) if (couldFit(worker, shape, state.kinds, state.nowMs)) return true;
  }
  return false;
}
