/**
 * The measured program: one measurement a process, named by MEASURE. Prints one JSON
 * line. It runs embedded or against a head, as any program does.
 */

import { cores, currentTask, delayed, each, run } from "grain-scheduler";

const noop = delayed(function noop(): undefined {
  return undefined;
}).with(cores(1));

const echo = delayed(function echo(value: Uint8Array): Uint8Array {
  return value;
}).with(cores(1));

const program = delayed(async function program(): Promise<void> {
  await currentTask().$`/bin/true`;
}).with(cores(1));

/** Submits so many no-op tasks at once; tasks per second until all results are back. */
async function rate(count: number): Promise<number> {
  const startedAt = performance.now();
  const tasks = new Array(count);
  for (let i = 0; i < count; i += 1) tasks[i] = noop();
  await each(tasks);
  return count / ((performance.now() - startedAt) / 1000);
}

/** One task after the other; milliseconds at the median and the 99th percentile. */
async function roundTrip(count: number): Promise<{ p50Ms: number; p99Ms: number }> {
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const startedAt = performance.now();
    await noop();
    times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  return { p50Ms: times[Math.floor(count * 0.5)]!, p99Ms: times[Math.floor(count * 0.99)]! };
}

/** Sends values there and back, so many in flight; MiB per second, each byte counted once. */
async function echoRate(mebibytes: number, inFlight: number, count: number): Promise<number> {
  const values = Array.from({ length: inFlight }, (_, i) =>
    new Uint8Array(mebibytes * 1024 * 1024).fill(i + 1),
  );
  const startedAt = performance.now();
  let next = 0;
  const lane = async (value: Uint8Array) => {
    while (next < count) {
      next += 1;
      // Different each time, or only the first would be sent.
      value[0] = next;
      const back = await echo(value);
      if (back.byteLength !== value.byteLength || back[1] !== value[1])
        throw new Error("a value came back changed");
    }
  };
  await Promise.all(values.map(lane));
  return (count * mebibytes) / ((performance.now() - startedAt) / 1000);
}

async function programs(count: number): Promise<number> {
  const startedAt = performance.now();
  await each(Array.from({ length: count }, () => program()));
  return count / ((performance.now() - startedAt) / 1000);
}

const measurements: Record<string, () => Promise<unknown>> = {
  noop1000: () => rate(1_000),
  noop10000: () => rate(10_000),
  noop100000: () => rate(100_000),
  roundTrip: () => roundTrip(1_000),
  echo1: () => echoRate(1, 8, 200),
  echo64: () => echoRate(64, 1, 6),
  programs: () => programs(1_000),
};

await run(
  async () => {
    // Workers are warm: the first task loads the module in each executor.
    await each([noop(), noop()]);
    await roundTrip(20);
    const measure = measurements[process.env.MEASURE ?? ""];
    if (measure === undefined)
      throw new Error(`MEASURE must be one of ${Object.keys(measurements).join(", ")}`);
    console.log(JSON.stringify(await measure()));
  },
  { progress: false },
);
