/** So many no-op tasks at once, a round more than once: `noop COUNT`. Tells how long until all results are back. */

import { cores, delayed, each, run } from "grain-scheduler";
import { numberAt, ready, tell } from "../tell.js";

const noop = delayed(function noop(): undefined {
  return undefined;
}).with(cores(1));

await run(
  async () => {
    const count = numberAt(0);
    // The first tasks load the module in each executor.
    await each([noop(), noop()]);
    for (let i = 0; i < 20; i += 1) await noop();
    await ready();
    const startedAt = performance.now();
    const tasks = new Array<ReturnType<typeof noop>>(count);
    for (let i = 0; i < count; i += 1) tasks[i] = noop();
    await each(tasks);
    tell("done", { ms: performance.now() - startedAt });
    await ready();
  },
  { progress: false },
);
