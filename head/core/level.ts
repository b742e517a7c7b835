/** Levels of urgency: the prioritized queue before the normal one, a higher priority before a lower. */

import type { Line } from "./line.js";
import type { TaskClass } from "./task-class.js";

/** Classes of one urgency. */
export interface Level {
  readonly prioritized: boolean;
  readonly priority: number;
  /** Classes with queued tasks. */
  readonly waiting: Set<TaskClass>;
  /** Their lines. */
  readonly lines: Set<Line>;
}

/** Whether a goes before b (negative), after it (positive), or is its equal. */
export function compareLevels(a: Urgency, b: Urgency): number {
  if (a.prioritized !== b.prioritized) return a.prioritized ? -1 : 1;
  return b.priority - a.priority;
}

/** What decides how urgent something is. */
export type Urgency = Pick<Level, "prioritized" | "priority">;

/** All levels, most urgent first. */
export class Levels {
  readonly #sorted: Level[] = [];

  of(prioritized: boolean, priority: number): Level {
    const wanted: Level = { prioritized, priority, waiting: new Set(), lines: new Set() };
    const at = this.#sorted.findIndex((level) => compareLevels(level, wanted) >= 0);
    const found = this.#sorted[at];
    if (found !== undefined && compareLevels(found, wanted) === 0) return found;
    this.#sorted.splice(at === -1 ? this.#sorted.length : at, 0, wanted);
    return wanted;
  }

  /** Whether any task is in its queue. */
  get someWait(): boolean {
    for (let i = 0; i < this.#sorted.length; i += 1) if (this.#sorted[i]!.lines.size > 0) return true;
    return false;
  }

  [Symbol.iterator](): Iterator<Level> {
    return this.#sorted[Symbol.iterator]();
  }
}
