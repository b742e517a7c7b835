// `npm run fuzz`: what was said in a real session is said again, changed, to a head, a worker and a client.
// Arguments: `npm run fuzz -- --runs 20000 --seed 1`. On failure it prints the seed and the file of the recording.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build, install, root } from "./prepare.mjs";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "20000" }, seed: { type: "string", default: "1" } },
});
install();
build();
const vitest = join(root, "node_modules/vitest/vitest.mjs");
const { status } = spawnSync(process.execPath, [vitest, "run", "test/fuzz"], {
  cwd: root,
  stdio: "inherit",
  env: { ...process.env, GRAIN_FUZZ_RUNS: values.runs, GRAIN_FUZZ_SEED: values.seed },
});
process.exitCode = status ?? 1;
