/** One executor process, as the agent's correspondence with it goes. Data only. */

import type { Dying } from "../executor/message.js";
import type { Task } from "./core/task.js";
import { Tail } from "./outputs.js";

/** What is known of one process beside what the core knows. */
export interface Correspondent {
  /** Plans that were sent. */
  readonly plans: Set<number>;
  /** What it wrote to standard error while no task, or several, could be meant. */
  readonly tail: Tail;
  /** The task that printed or ended last. */
  lastTask: Task | undefined;
  dying: Dying | undefined;
  /** It has loaded itself. */
  isReady: boolean;
}

/** One that has said nothing yet. */
export function newCorrespondent(): Correspondent {
  return {
    plans: new Set(),
    tail: new Tail(),
    lastTask: undefined,
    dying: undefined,
    isReady: false,
  };
}
