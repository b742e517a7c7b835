/** Tasks whose argument and result have a size: `payload COUNT BYTES`. Tells how long until all results are back. */

import { cores, delayed, each, run } from "grain-scheduler";
import { numberAt, ready, tell } from "../tell.js";

const echo = delayed(function echo(value: Uint8Array): Uint8Array {
  return value;
}).with(cores(1));

/** Different in each call: equal values of more than 64 KiB are sent once. */
function distinctValue(bytes: number, call: number): Uint8Array {
  const value = new Uint8Array(bytes);
  for (let i = 0; i < Math.min(bytes, 4); i += 1) value[i] = call >>> (8 * i);
  return value;
}

await run(
  async () => {
    const [count, bytes] = [numberAt(0), numberAt(1)];
    await each([echo(distinctValue(1, 1)), echo(distinctValue(1, 2))]);
    await ready();
    const startedAt = performance.now();
    // Large values in slices: what is in flight stays within some hundred MiB.
    const slice = Math.max(8, Math.floor((128 * 1024 * 1024) / Math.max(bytes, 1)));
    for (let from = 0; from < count; from += slice) {
      const calls = Math.min(slice, count - from);
      await each(Array.from({ length: calls }, (_, i) => echo(distinctValue(bytes, from + i))));
    }
    tell("done", { ms: performance.now() - startedAt });
  },
  { progress: false },
);
