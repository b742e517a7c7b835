/**
 * A client program whose calls all have known ends: `program COUNT FOR_MS SALT`. It spreads them over the time,
 * looks at each end, and prints what it saw as one line of JSON.
 */

import { setTimeout as pause } from "node:timers/promises";
import { cores, currentTask, delayed, run, TaskError } from "grain-scheduler";
import { type Ends, kindOf, mix, OUTSTANDING } from "./calls.js";

const [count, forMs, salt] = process.argv.slice(2).map(Number) as [number, number, number];

const one = cores(1);
const compute = delayed(function compute(n: number) {
  return { value: mix(n), attempt: currentTask().attempt };
}).with(one);
const wait = delayed(async function wait(n: number, ms: number) {
  await pause(ms);
  return { value: mix(n), attempt: currentTask().attempt };
}).with(one);
const invert = delayed(function invert(n: number, bytes: Uint8Array) {
  return { value: mix(n), attempt: currentTask().attempt, bytes: bytes.map((byte) => byte ^ 255) };
}).with(one);
const echo = delayed(async function echo(n: number) {
  const { stdout } = await currentTask().$`sh -c ${"sleep 0.05; echo $0"} ${String(mix(n))}`;
  return { value: Number(stdout.trim()), attempt: currentTask().attempt };
}).with(one);
const fail = delayed(function fail(n: number): never {
  throw new RangeError(`no ${mix(n)}`);
}).with(one);

const ends: Ends = { calls: 0, wrong: [], twice: 0, attempts: {} };
const seen = new Uint8Array(count);

await run(
  async () => {
    const startedAt = performance.now();
    let next = 0;
    const lane = async () => {
      while (next < count) {
        const n = next;
        next += 1;
        const dueMs = (n / count) * forMs - (performance.now() - startedAt);
        if (dueMs > 0) await pause(dueMs);
        await end(n);
        if (ends.calls % 1_000 === 0) process.stdout.write(`${ends.calls} ended\n`);
      }
    };
    await Promise.all(Array.from({ length: OUTSTANDING }, lane));
  },
  { progress: false },
);
process.stdout.write(`${JSON.stringify(ends)}\n`);

/** Makes the call of that number and looks at how it ends. */
async function end(n: number): Promise<void> {
  const wrong = await wrongIn(n + salt * count);
  ends.calls += 1;
  if (seen[n] !== 0) ends.twice += 1;
  seen[n] = 1;
  if (wrong !== undefined && ends.wrong.length < 20) ends.wrong.push(`call ${n}: ${wrong}`);
}

async function wrongIn(n: number): Promise<string | undefined> {
  const kind = kindOf(n);
  try {
    switch (kind) {
      case "compute":
        return check(n, await compute(n));
      case "wait":
        return check(n, await wait(n, 20 + (n % 180)));
      case "echo":
        return check(n, await echo(n));
      case "invert": {
        const size = 70_000 + (n % 50_000);
        const result = await invert(n, new Uint8Array(size).fill(n));
        const right =
          result.bytes.length === size && result.bytes.every((byte) => byte === ((n & 255) ^ 255));
        return right ? check(n, result) : "its bytes are not those that were sent, inverted";
      }
      case "fail":
        return `it did not fail but gave ${JSON.stringify(await fail(n))}`;
      default:
        return kind satisfies never;
    }
  } catch (error) {
    const expected = kind === "fail" && error instanceof TaskError && error.message.includes(`no ${mix(n)}`);
    return expected ? undefined : `(${kind}) ${error}`;
  }
}

function check(n: number, { value, attempt }: { value: number; attempt: number }): string | undefined {
  ends.attempts[attempt] = (ends.attempts[attempt] ?? 0) + 1;
  return value === mix(n) ? undefined : `its value is ${value}, not ${mix(n)}`;
}
