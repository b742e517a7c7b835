/** The first task's result, embedded: tells the milliseconds since Node was ready to run the program. */

import { cores, delayed, run } from "grain-scheduler";
import { tell } from "../tell.js";

const answer = delayed(function answer(): number {
  return 42;
}).with(cores(1));

await run(
  async () => {
    if ((await answer()) !== 42) throw new Error("the result is another");
    tell("done", { ms: performance.now() - performance.nodeTiming.bootstrapComplete });
  },
  { progress: false },
);
