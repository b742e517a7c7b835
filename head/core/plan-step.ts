/** What one step of a plan works with. */

import type { Assignments } from "./assignments.js";
import type { Candidates } from "./placement.js";
import type { Shape } from "./shape.js";
import type { State } from "./state.js";

/** One step of a plan: a bounded amount of work. */
export interface PlanStep {
  readonly state: State;
  readonly assignments: Assignments;
  readonly candidates: Map<Shape, Candidates>;
  /** Placements that may still be made in this step. */
  budget: number;
  /** A reservation ended. */
  released: boolean;
}
