/** What a durable copy of the scheduler's state has to know of a task that runs again. */

import type { State } from "./state.js";
import type { Task } from "./task.js";

/** Says what there is to remember of a task that goes back to its queue, or will. */
export function remember(state: State, task: Task): void {
  state.effects.push({
    type: "remember",
    session: task.class.session.number,
    task: task.number,
    attempt: task.attempt,
    failures: task.failures,
    memoryFailures: task.memoryFailures,
    lostWorkers: [...(task.lostWorkers ?? [])],
    again: task.again,
    queued: task.state.type === "queued" || task.state.type === "delayed",
    delayMs: task.state.type === "delayed" ? task.state.dueMs - state.nowMs : 0,
  });
}
