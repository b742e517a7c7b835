/**
 * A class: the tasks of one spec of one session. They ask for the same, at the
 * same priority, so that one answer serves them all, and wait in one queue.
 */

import type { Estimate } from "./estimate.js";
import type { Level } from "./level.js";
import type { Line } from "./line.js";
import type { Session } from "./session.js";
import type { Shape } from "./shape.js";
import type { TaskQueue } from "./task-queue.js";

/** The tasks of one spec. */
export interface TaskClass {
  readonly session: Session;
  readonly spec: number;
  readonly level: Level;
  /** Shared with the session's other classes of this level that ask for the same. */
  readonly line: Line;
  /** In order of preference. */
  readonly shapes: readonly Shape[];
  readonly retries: number;
  readonly failInfeasible: boolean;
  readonly queue: TaskQueue;
  readonly estimate: Estimate;
  /** Since when it could place nothing, on the clock of the events. */
  waitingSinceMs: number;
  /** Its client has been told that no worker could ever run it. */
  warned: boolean;
}
