/** Tasks that start /bin/true: `start-true COUNT HELD_MIB`, after half as many to warm up. The executors hold so much memory meanwhile. */

import { cores, currentTask, delayed, each, run } from "grain-scheduler";
import { numberAt, ready, tell } from "../tell.js";

let held: Uint8Array[] = [];

/** Runs in each executor: long enough that the two calls cannot share one. */
const hold = delayed(async function hold(mebibytes: number): Promise<number> {
  if (held.length === 0) held = Array.from({ length: mebibytes }, () => new Uint8Array(1024 * 1024).fill(1));
  await new Promise((resolve) => setTimeout(resolve, 200));
  return process.pid;
}).with(cores(1));

const startTrue = delayed(async function startTrue(): Promise<void> {
  await currentTask().$`/bin/true`;
}).with(cores(1));

await run(
  async () => {
    const [count, mebibytes] = [numberAt(0), numberAt(1)];
    const pids = new Set(await each([hold(mebibytes), hold(mebibytes)]));
    if (pids.size !== 2) throw new Error("one executor ran both");
    await each(Array.from({ length: count / 2 }, () => startTrue()));
    await ready();
    const startedAt = performance.now();
    await each(Array.from({ length: count }, () => startTrue()));
    tell("done", { ms: performance.now() - startedAt });
  },
  { progress: false },
);
