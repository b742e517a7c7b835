/** So many tasks of a function that only played workers run: `sleep COUNT [WARM]`, after as many to warm up. Tells how long until all results are back. */

import { cores, delayed, each, run } from "grain-scheduler";
import { numberAt, ready, tell } from "../tell.js";

const sleep = delayed(async function sleep(): Promise<void> {
  throw new Error("a played worker runs nothing");
}).with(cores(1));

await run(
  async () => {
    const count = numberAt(0);
    const warm = process.argv[3] === undefined ? 500 : numberAt(1);
    // Runs are measured before the rest is sent ahead.
    await each(Array.from({ length: warm }, () => sleep()));
    await ready();
    const startedAt = performance.now();
    await each(Array.from({ length: count }, () => sleep()));
    tell("done", { ms: performance.now() - startedAt });
  },
  { progress: false },
);
