/** A chain of local operators: `operators COUNT`, with --expose-gc. Nothing of it leaves the process. */

import { delayedVal, op, run } from "grain-scheduler";
import { numberAt, tell } from "../tell.js";

const collect = (globalThis as { gc?: () => void }).gc;
if (collect === undefined) throw new Error("run it with --expose-gc");

await run(
  async () => {
    const count = numberAt(0);
    const one = delayedVal({ n: 1 });
    // Warm, and the same for what the chain is made of.
    await op.add(one.n, 0);
    collect();
    const before = process.memoryUsage().heapUsed;
    const startedAt = performance.now();
    let chain = op.add(0, one.n);
    // Each step makes two: an access and an addition.
    for (let made = 2; made < count; made += 2) chain = op.add(chain, one.n);
    const builtAt = performance.now();
    collect();
    const bytes = (process.memoryUsage().heapUsed - before) / count;
    const evaluateAt = performance.now();
    const sum = await chain;
    const ms = builtAt - startedAt + performance.now() - evaluateAt;
    if (sum !== count / 2) throw new Error(`the sum is ${sum}`);
    tell("done", { ms, bytes });
  },
  { progress: false },
);
