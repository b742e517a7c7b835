/** `npm run chaos`: see scripts/chaos.mjs. */

import { parseArgs } from "node:util";
import { chaos } from "./chaos.js";

const { values } = parseArgs({
  options: { tasks: { type: "string" }, minutes: { type: "string" }, seed: { type: "string" } },
});
const tasks = positive("--tasks", values.tasks ?? "100000");
const minutes = positive("--minutes", values.minutes ?? "5");
const seed = positive("--seed", values.seed ?? String(1 + (Date.now() % 2 ** 31)));
const again = `npm run chaos -- --tasks ${tasks} --minutes ${minutes} --seed ${seed}`;

print(again);
const { complaints, summary, logs } = await chaos({ tasks, forMs: minutes * 60_000, seed, say: print });
for (const line of summary) print(line);
if (complaints.length === 0) {
  print("every call ended once and right; nothing is left, nothing grew");
} else {
  for (const complaint of complaints) print(`WRONG: ${complaint}`);
  print(`logs: ${logs}\nagain: ${again}`);
  process.exitCode = 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function positive(option: string, text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  process.stderr.write(`${option}: ${text} is not a positive number.\n`);
  process.exit(2);
}
