// `npm run demo`: the sweep of examples/water-balance, first on this machine alone, then, unchanged,
// over a head and two workers started as daemons in empty directories. Both must give the same results.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { build, install, root } from "./prepare.mjs";

install();
build();

const scratch = mkdtempSync(join(tmpdir(), "grain-demo-"));
const daemons = [];
// The head makes its credentials there, and leaves the user's own alone.
process.env.GRAIN_ACCESS_DIR = join(scratch, "access");

/** Starts a daemon in an empty directory of its own. */
function start(name, args) {
  const child = spawn(process.execPath, [join(root, "dist/bin", `${name}.js`), ...args], {
    cwd: mkdtempSync(join(scratch, `${name}-`)),
    stdio: ["ignore", "pipe", "ignore"],
  });
  daemons.push(child);
  return child;
}

/** The first line of its output that matches. */
async function line(child, pattern) {
  for await (const text of createInterface({ input: child.stdout })) {
    const match = pattern.exec(text);
    if (match !== null) return match;
  }
  throw new Error("a daemon ended before it was ready");
}

function ended(child) {
  return child.exitCode !== null || child.signalCode !== null
    ? undefined
    : new Promise((resolve) => child.once("exit", resolve));
}

/** Runs the sweep; returns its results and how long it took. */
function sweep(title, address) {
  console.log(`\n== ${title}\n`);
  const file = join(scratch, `${address === undefined ? "local" : "cluster"}.json`);
  const env = { ...process.env, RESULTS: file, GRAIN_ADDRESS: address ?? "" };
  const startedAt = performance.now();
  const program = [join(root, "dist/bin/grain.js"), "run", join(root, "examples/water-balance/sweep.ts")];
  const { status } = spawnSync(process.execPath, program, { cwd: scratch, env, stdio: "inherit" });
  if (status !== 0) throw new Error(`the sweep ended with exit code ${status}`);
  return { results: readFileSync(file, "utf8"), seconds: (performance.now() - startedAt) / 1000 };
}

try {
  const local = sweep("On this machine: no head configured, so the program brings its own");

  const head = start("grain-head", ["--listen", "127.0.0.1:0"]);
  const [, address] = await line(head, /listening on (\S+)/);
  for (const [name, ids] of [
    ["east", "0-0"],
    ["west", "1-1"],
  ])
    start("grain-worker", ["--address", address, "--name", name, "--cpus", ids]);
  const cluster = sweep(
    `Over a head at ${address} and two workers with none of its files: the same program`,
    address,
  );

  if (local.results !== cluster.results) throw new Error("the two runs gave different results");
  console.log(`\nBoth runs gave the same ${JSON.parse(local.results).length} results.`);
  console.log(
    `This machine: ${local.seconds.toFixed(2)} s.  Head and two workers: ${cluster.seconds.toFixed(2)} s.`,
  );
} catch (error) {
  console.error(`The demo failed: ${error.message}`);
  process.exitCode = 1;
} finally {
  for (const child of [...daemons].reverse()) child.kill("SIGTERM");
  await Promise.all(daemons.map(ended));
  rmSync(scratch, { recursive: true, force: true });
}
