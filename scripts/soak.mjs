// `npm run soak`: a simulated cluster with random work and faults for as long as asked, the core's invariants
// checked after every event. Arguments: `npm run soak -- --minutes 120 --seed 1`, or `--events 10000000`.
// On failure it prints the seed and the shortest list of events that fails.
import { spawnSync } from "node:child_process";
import { install, root } from "./prepare.mjs";

install();
const { status } = spawnSync(
  process.execPath,
  ["--import", "tsx", "test/sim/main.ts", ...process.argv.slice(2)],
  { cwd: root, stdio: "inherit" },
);
process.exitCode = status ?? 1;
