/**
 * Isolation: a task under which workers were lost may be what ended them. So that it takes
 * nobody else's work with it, and nobody else is blamed for it, it gets a worker for itself,
 * as a gang of one. It either ends there, or is what was lost with the worker.
 */

import type { State } from "./state.js";
import type { Task } from "./task.js";
import { newClass, type TaskClass } from "./task-class.js";

/** So many workers lost while it ran make a task suspect. */
const SUSPECT_LOST_WORKERS = 2;

/** Lets a task that is in no queue run alone from now on, if it is suspect. */
export function isolateIfSuspect(state: State, task: Task): void {
  if ((task.lostWorkers?.length ?? 0) < SUSPECT_LOST_WORKERS || task.class.alone) return;
  task.class = aloneOf(state, task.class);
}

/** The class of those tasks of a class that run alone. */
function aloneOf(state: State, cls: TaskClass): TaskClass {
  const { session, spec, level, retries, failInfeasible } = cls;
  // Beside the specs' own numbers, which are not negative.
  const key = -1 - spec;
  let alone = session.classes.get(key);
  if (alone === undefined) {
    const shapes = cls.shapes.map((shape) =>
      shape.nodes > 0 ? shape : state.shapes.of({ ...shape.demand, nodes: 1 }),
    );
    alone = newClass(state, session, { spec, level, shapes, retries, failInfeasible, alone: true });
    session.classes.set(key, alone);
  }
  return alone;
}
