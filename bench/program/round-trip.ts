/** One task after the other: `round-trip COUNT`. Tells the median and the 99th percentile in milliseconds, whenever it is let go. */

import { cores, delayed, each, run } from "grain-scheduler";
import { numberAt, quantiles, ready, tell } from "../tell.js";

const noop = delayed(function noop(): undefined {
  return undefined;
}).with(cores(1));

async function measure(count: number): Promise<{ p50: number; p99: number }> {
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const startedAt = performance.now();
    await noop();
    times.push(performance.now() - startedAt);
  }
  return quantiles(times);
}

await run(
  async () => {
    const [count, rounds] = [numberAt(0), numberAt(1)];
    await each([noop(), noop()]);
    for (let i = 0; i < 200; i += 1) await noop();
    for (let round = 0; round < rounds; round += 1) {
      await ready();
      tell("done", await measure(count));
    }
    await ready();
  },
  { progress: false },
);
