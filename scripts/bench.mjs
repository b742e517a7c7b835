// `npm run bench`: all set-up, then the measurements. Arguments: see bench/main.ts.
import { spawnSync } from "node:child_process";
import { build, install, root } from "./prepare.mjs";

install();
build();
const { status } = spawnSync(
  process.execPath,
  ["--import", "tsx", "bench/main.ts", ...process.argv.slice(2)],
  { cwd: root, stdio: "inherit" },
);
process.exitCode = status ?? 1;
