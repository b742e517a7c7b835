/** Submits so many tasks that no worker takes: `queue COUNT`. It is ended from outside. */

import { cores, delayed, each, run } from "grain-scheduler";
import { numberAt, tell } from "../tell.js";

const noop = delayed(function noop(): undefined {
  return undefined;
}).with(cores(1));

await run(
  async () => {
    const count = numberAt(0);
    const tasks = new Array<ReturnType<typeof noop>>(count);
    for (let i = 0; i < count; i += 1) tasks[i] = noop();
    tell("submitted");
    await each(tasks);
  },
  { progress: false },
);
