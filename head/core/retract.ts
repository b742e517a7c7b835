/** Asking tasks back that were sent ahead. */

import { askBack, type State } from "./state.js";
import type { Task } from "./task.js";
import type { Worker } from "./worker.js";

/** Asks a worker to give back those of the tasks that have not been asked back yet. */
export function retract(state: State, worker: Worker, tasks: readonly Task[]): void {
  const numbersOf = new Map<number, number[]>();
  for (const task of tasks) {
    if (task.state.type !== "ahead") continue;
    askBack(state, task);
    const session = task.class.session.number;
    const numbers = numbersOf.get(session);
    if (numbers === undefined) numbersOf.set(session, [task.number]);
    else numbers.push(task.number);
  }
  for (const [session, numbers] of numbersOf) {
    state.effects.push({ type: "retract", worker: worker.number, session, tasks: numbers });
  }
}
