/** `npm run soak`: see scripts/soak.mjs. */

import { parseArgs } from "node:util";
import { ALWAYS, ONCE } from "./promise.js";
import { nothingPlayed, soak } from "./soak.js";

/** Of each turn those in which anything can happen, and those with a stricter promise, each. */
const ALWAYS_PER_TURN = 400;
const ONCE_PER_TURN = 100;

const { values } = parseArgs({
  options: { events: { type: "string" }, minutes: { type: "string" }, seed: { type: "string" } },
});
const minutes = values.minutes === undefined ? undefined : positive("--minutes", values.minutes);
const events =
  values.events === undefined && minutes !== undefined
    ? Number.POSITIVE_INFINITY
    : positive("--events", values.events ?? "10000000");
const first = positive("--seed", values.seed ?? String(Date.now() % 2 ** 31));
const startedAt = performance.now();
const soFar = nothingPlayed();

try {
  const until = minutes === undefined ? `${events} events` : `${minutes} minutes`;
  print(`${until} from seed ${first}`);
  for (let seed = first; isGoingOn(); seed += ALWAYS_PER_TURN) {
    soak({ ...ALWAYS, atLeast: ALWAYS_PER_TURN, seed }, soFar);
    for (const kept of ONCE) soak({ ...kept, atLeast: ONCE_PER_TURN, seed }, soFar);
    print(progress());
  }
  print(`all ${soFar.scenarios} scenarios kept every invariant and ended every task`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

function isGoingOn(): boolean {
  const { events: stepped, plans } = soFar;
  const isInTime = minutes === undefined || performance.now() - startedAt < minutes * 60_000;
  return isInTime && stepped - plans < events;
}

function progress(): string {
  const { scenarios, events: stepped, plans, tasks, executions, kills, resumed } = soFar;
  const seconds = (performance.now() - startedAt) / 1000;
  return (
    `${seconds.toFixed(0)} s: ${scenarios} scenarios, ${stepped - plans} events and ${plans} plans ` +
    `(${Math.round(stepped / seconds)}/s), ${tasks} tasks, ${executions} executions, ` +
    `${kills} heads killed, ${resumed} links resumed`
  );
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function positive(option: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  process.stderr.write(`${option}: ${text} is not a positive whole number.\n`);
  process.exit(2);
}
