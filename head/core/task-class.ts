/**
 * A class: the tasks of one spec of one session. They ask for the same, at the
 * same priority, so that one answer serves them all, and wait in one queue.
 */

import type { Retries } from "../../proto/retries.js";
import { type Estimate, newEstimate } from "./estimate.js";
import type { Level } from "./level.js";
import { Line } from "./line.js";
import type { Session } from "./session.js";
import type { Shape } from "./shape.js";
import type { State } from "./state.js";
import { TaskQueue } from "./task-queue.js";

/** The tasks of one spec. */
export interface TaskClass {
  readonly session: Session;
  readonly spec: number;
  readonly level: Level;
  /** Shared with the session's other classes of this level that ask for the same. */
  readonly line: Line;
  /** In order of preference. */
  readonly shapes: readonly Shape[];
  readonly retries: Retries;
  readonly failInfeasible: boolean;
  /** Each of its tasks gets a worker for itself; see isolate.ts. */
  readonly alone: boolean;
  readonly queue: TaskQueue;
  readonly estimate: Estimate;
  /** How many of its tasks have ended with a result, and without. */
  finished: number;
  failed: number;
  /** Since when it could place nothing, on the clock of the events. */
  waitingSinceMs: number;
  /** Its client has been told that no worker could ever run it. */
  warned: boolean;
}

/** A class without tasks. */
export function newClass(
  state: State,
  session: Session,
  given: Pick<TaskClass, "spec" | "level" | "shapes" | "retries" | "failInfeasible" | "alone">,
): TaskClass {
  for (const shape of given.shapes) shape.open += 1;
  state.largeWanted = undefined;
  return {
    ...given,
    session,
    line: lineOf(session, given.level, given.shapes),
    queue: new TaskQueue(),
    estimate: newEstimate(),
    finished: 0,
    failed: 0,
    waitingSinceMs: state.nowMs,
    warned: false,
  };
}

function lineOf(session: Session, level: Level, shapes: readonly Shape[]): Line {
  const key = `${level.priority} ${shapes.map((shape) => shape.key).join(" | ")}`;
  let line = session.lines.get(key);
  if (line === undefined) {
    line = new Line(level, session, shapes);
    session.lines.set(key, line);
  }
  return line;
}
