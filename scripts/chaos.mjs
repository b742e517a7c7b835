// `npm run chaos`: real daemons are killed, stopped and cut off while real programs run on them; then looks
// whether anything was lost, repeated or left. Arguments: `npm run chaos -- --tasks 100000 --minutes 5 --seed 1`.
// On failure it prints the seed and where the logs are.
import { spawnSync } from "node:child_process";
import { build, install, root } from "./prepare.mjs";

install();
build();
const { status } = spawnSync(
  process.execPath,
  ["--import", "tsx", "test/chaos/main.ts", ...process.argv.slice(2)],
  { cwd: root, stdio: "inherit" },
);
process.exitCode = status ?? 1;
