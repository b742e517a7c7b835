/** The bare relay's client: `relay-client ADDRESS rate COUNT` or `relay-client ADDRESS times COUNT ROUNDS`. Measures as the product's programs do. */

import { pack, unpack } from "msgpackr";
import { quantiles, ready, tell } from "../tell.js";
import { type Batch, type Call, Gathering, openStream } from "../wire.js";

const [address, kind] = [process.argv[2]!, process.argv[3]!];
const [count, rounds] = [Number(process.argv[4]), Number(process.argv[5] ?? 1)];

const stream = openStream(address, "client");
const out = new Gathering<Call>((calls) => stream.write({ calls }));
const waiting = new Map<number, (value: unknown) => void>();
let last = 0;
stream.on("data", ({ results }: Batch) => {
  for (const { id, value } of results ?? []) {
    waiting.get(id)!(unpack(value));
    waiting.delete(id);
  }
});

function call(...args: unknown[]): Promise<unknown> {
  last += 1;
  out.push({ id: last, function: 0, args: pack(args) });
  return new Promise((resolve) => waiting.set(last, resolve));
}

async function rate(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await call();
  await ready();
  const startedAt = performance.now();
  const calls = new Array<Promise<unknown>>(count);
  for (let i = 0; i < count; i += 1) calls[i] = call();
  await Promise.all(calls);
  tell("done", { ms: performance.now() - startedAt });
}

async function roundTrips(): Promise<void> {
  for (let i = 0; i < 200; i += 1) await call();
  for (let round = 0; round < rounds; round += 1) {
    await ready();
    const times: number[] = [];
    for (let i = 0; i < count; i += 1) {
      const startedAt = performance.now();
      await call();
      times.push(performance.now() - startedAt);
    }
    tell("done", quantiles(times));
  }
}

await (kind === "rate" ? rate() : roundTrips());
stream.end();
process.exit(0);
