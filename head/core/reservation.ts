/** Workers that are kept free for a class that has waited too long. */

import type { Shape } from "./shape.js";
import type { TaskClass } from "./task-class.js";
import type { Worker } from "./worker.js";

/** One reservation: for the next task of a class. */
export interface Reservation {
  readonly class: TaskClass;
  readonly shape: Shape;
  readonly alternative: number;
  /** One, or as many as the gang needs. */
  readonly workers: readonly Worker[];
  readonly sinceMs: number;
  /** When there will be room, as far as run times are known; Infinity: not known. */
  expectedMs: number;
}
