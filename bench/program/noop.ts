/** So many no-op tasks at once: `noop COUNT [WARM]`, after as many to warm up. Tells how long until all results are back. */

import { cores, delayed, each, run } from "grain-scheduler";
import { numberAt, ready, tell } from "../tell.js";

const noop = delayed(function noop(): undefined {
  return undefined;
}).with(cores(1));

async function all(count: number): Promise<void> {
  const tasks = new Array<ReturnType<typeof noop>>(count);
  for (let i = 0; i < count; i += 1) tasks[i] = noop();
  await each(tasks);
}

await run(
  async () => {
    const count = numberAt(0);
    const warm = process.argv[3] === undefined ? 0 : numberAt(1);
    // The first tasks load the module in each executor.
    await each([noop(), noop()]);
    for (let i = 0; i < 20; i += 1) await noop();
    if (warm > 0) await all(warm);
    await ready();
    const startedAt = performance.now();
    await all(count);
    tell("done", { ms: performance.now() - startedAt });
    await ready();
  },
  { progress: false },
);
