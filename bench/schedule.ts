/**
 * `npm run bench:schedule [-- --runs N] [--only quality|cost] [--json FILE]`: how good the schedules are,
 * in virtual time, and what deciding costs, in real time. Exit code 1 when a target is missed.
 */

import { writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { parseArgs } from "node:util";
import { costTargets, measureCosts, showCosts } from "./schedule/costs.js";
import { measureQuality, qualityTargets, showQuality } from "./schedule/quality.js";
import { isMet, showTargets, type Target } from "./schedule/target.js";

const { values: options } = parseArgs({
  options: { runs: { type: "string", default: "3" }, json: { type: "string" }, only: { type: "string" } },
});
const runs = Number(options.runs);
if (!Number.isInteger(runs) || runs < 1)
  throw new Error(`--runs must be a whole number from 1, not ${options.runs}`);
if (options.only !== undefined && options.only !== "quality" && options.only !== "cost")
  throw new Error(`--only must be quality or cost, not ${options.only}`);

console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}, Linux ${release()}`);
const targets: Target[] = [];
const quality = options.only === "cost" ? undefined : measureQuality();
if (quality !== undefined) {
  console.log("\nQuality, in virtual time (0.5 ms between head and workers)");
  console.log(showQuality(quality));
  targets.push(...qualityTargets(quality));
}
const costs = options.only === "quality" ? undefined : measureCosts(runs);
if (costs !== undefined) {
  console.log(`\nCost of the scheduler core alone; medians of ${runs} runs`);
  console.log(showCosts(costs));
  targets.push(...costTargets(costs));
}
console.log("Targets");
console.log(showTargets(targets));
if (options.json !== undefined) {
  const result = { node: process.version, quality, costs, targets };
  writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
}
process.exitCode = targets.every(isMet) ? 0 : 1;
