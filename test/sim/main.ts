/** `npm run soak`: see scripts/soak.mjs. */

import { parseArgs } from "node:util";
import { soak } from "./soak.js";

const { values } = parseArgs({ options: { events: { type: "string" }, seed: { type: "string" } } });
const events = positive("--events", values.events ?? "10000000");
const seed = positive("--seed", values.seed ?? String(Date.now() % 2 ** 31));
const startedAt = performance.now();

try {
  print(`${events} events from seed ${seed}`);
  const all = soak({
    events,
    seed,
    progress: ({ scenarios, events: stepped, plans, tasks, executions }) => {
      const seconds = (performance.now() - startedAt) / 1000;
      const rate = Math.round(stepped / seconds);
      print(
        `${seconds.toFixed(0)} s: ${scenarios} scenarios, ${stepped - plans} events and ${plans} plans ` +
          `(${rate}/s), ${tasks} tasks, ${executions} executions`,
      );
    },
  });
  print(`all ${all.scenarios} scenarios kept every invariant and ended every task`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
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
