/** `currentTask()`: what the function that is running now can learn, on a worker and here. */

import { AsyncLocalStorage } from "node:async_hooks";
import { executorHost } from "../proto/host.js";
import type { CurrentTask } from "../proto/task.js";

/** The local call that the current asynchronous context belongs to. */
export const localTasks = new AsyncLocalStorage<CurrentTask>();

/**
 * The task that the caller runs in: its resources, its cancellation, and `$` to run programs with both.
 *
 * @returns the task; of a call without resources one with `worker` "local"
 * @throws Error when the caller runs in no task
 * @example
 * const { resources, $ } = currentTask();
 * await $`xtb --parallel ${resources.cores.length} h2.xyz`;
 */
export function currentTask(): CurrentTask {
  const task = executorHost()?.currentTask() ?? localTasks.getStore();
  if (task === undefined) {
    throw new Error(
      "currentTask() is called outside a task. Call it inside a function wrapped by delayed(), while that function runs.",
    );
  }
  return task;
}
