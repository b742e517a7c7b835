/** Repeating a task whose function failed: whether, and when. */

import { isRepeated, OUT_OF_MEMORY, retryDelayMs } from "../../proto/retries.js";
import { remember } from "./remember.js";
import { delay, endDelay, requeue, type State, takeOff } from "./state.js";
import type { Task } from "./task.js";

/** Takes a failed task off its worker to run again, if its spec says so; false: it is to end. */
export function repeat(state: State, task: Task, labels: readonly string[]): boolean {
  const { retries } = task.class;
  const memory = labels.includes(OUT_OF_MEMORY);
  const before = memory ? task.memoryFailures : task.failures;
  if (!isRepeated(retries, labels, before)) return false;
  takeOff(state, task);
  if (memory) task.memoryFailures += 1;
  else task.failures += 1;
  task.attempt += 1;
  task.again = true;
  const delayMs = retryDelayMs(retries, before);
  if (delayMs === 0) requeue(state, task);
  else {
    delay(state, task, state.nowMs + delayMs);
    remember(state, task);
  }
  return true;
}

/** Queues the tasks whose delay is over. */
export function wake(state: State): void {
  const { delayed } = state;
  for (let task = delayed.first; task !== undefined; task = delayed.first) {
    if (task.state.type === "delayed" && task.state.dueMs > state.nowMs) return;
    delayed.removeFirst();
    // Otherwise it has been cancelled meanwhile.
    if (task.state.type !== "delayed") continue;
    endDelay(task);
    requeue(state, task);
  }
}
