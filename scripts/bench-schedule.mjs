// `npm run bench:schedule`: how good schedules are and what deciding costs. Arguments: see bench/schedule.ts.
import { spawnSync } from "node:child_process";
import { install, root } from "./prepare.mjs";

install();
const { status } = spawnSync(
  process.execPath,
  ["--expose-gc", "--import", "tsx", "bench/schedule.ts", ...process.argv.slice(2)],
  { cwd: root, stdio: "inherit" },
);
process.exitCode = status ?? 1;
