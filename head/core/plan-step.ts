/** What one step of a plan works with. */

import type { Assignments } from "./assignments.js";
import type { Line } from "./line.js";
import type { Candidates } from "./placement.js";
import type { Room } from "./room.js";
import type { Shape } from "./shape.js";
import type { State } from "./state.js";

/** One step of a plan: a bounded amount of work. */
export interface PlanStep {
  readonly state: State;
  readonly assignments: Assignments;
  readonly candidates: Map<Shape, Candidates>;
  /** On the workers that have been freed. */
  readonly freedRoom: Room;
  /** On the workers that are reserved. */
  readonly reservedRoom: Room;
  /** The only line that waits, if there is enough in it for every free slot; looked for at the first placement. */
  abundant: { readonly line: Line | undefined } | undefined;
  /** How many unstarted tasks a slot may have, of shapes of which too few are left; made when asked for. */
  readonly shares: Map<Shape, number>;
  /** Work that may still be done in this step; a placement is 1. */
  budget: number;
  /** A reservation ended. */
  released: boolean;
}

/** Comparisons of a task with a worker, in placements. */
export const COMPARISON = 1 / 8;

/** Sending a task ahead, in placements: nothing is looked for. */
export const SENDING_AHEAD = 1 / 4;

/** Preparing the set of workers a shape is compared with, in placements. */
export const MAKING = 1 / 2;
