// `npm run bench`: all set-up, then the measurements. Arguments: `npm run bench -- --list`, and docs/performance.md.
import { spawn } from "node:child_process";
import { build, install, root } from "./prepare.mjs";

install();
build();
const [script, ...args] =
  process.argv[2] === "plot" ? ["plot", ...process.argv.slice(3)] : ["main", ...process.argv.slice(2)];
const bench = spawn(process.execPath, ["--import", "tsx", `bench/${script}.ts`, ...args], {
  cwd: root,
  stdio: "inherit",
});
// It ends what it has started.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => bench.kill(signal));
bench.on("close", (code) => {
  process.exitCode = code ?? 1;
});
