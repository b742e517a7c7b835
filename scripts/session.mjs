// `npm run session`: runs the commands of the README's terminal session against a real head, two workers and a
// program, and writes what they print into the README.
import { spawnSync } from "node:child_process";
import { build, install, root } from "./prepare.mjs";

install();
build();
const { status } = spawnSync(process.execPath, ["--import", "tsx", "test/session/main.ts"], {
  cwd: root,
  stdio: "inherit",
});
process.exitCode = status ?? 1;
