/**
 * `npm run bench [-- --runs N] [--json FILE] [--only NAME]`: medians over several runs,
 * from separate processes (client, head, worker with two cores), and the same embedded.
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

interface Row {
  readonly measure: string;
  readonly title: string;
  readonly unit: string;
  readonly digits: number;
  /** Takes the figure out of what the program printed. */
  readonly figure: (printed: unknown) => number;
}

const asNumber = (printed: unknown) => printed as number;
const times = (printed: unknown) => printed as { p50Ms: number; p99Ms: number };

const ROWS: readonly Row[] = [
  { measure: "noop1000", title: "no-op tasks, 1,000 at once", unit: "tasks/s", digits: 0, figure: asNumber },
  {
    measure: "noop10000",
    title: "no-op tasks, 10,000 at once",
    unit: "tasks/s",
    digits: 0,
    figure: asNumber,
  },
  {
    measure: "noop100000",
    title: "no-op tasks, 100,000 at once",
    unit: "tasks/s",
    digits: 0,
    figure: asNumber,
  },
  {
    measure: "roundTrip",
    title: "round trip, median",
    unit: "ms",
    digits: 3,
    figure: (printed) => times(printed).p50Ms,
  },
  {
    measure: "roundTrip",
    title: "round trip, 99th percentile",
    unit: "ms",
    digits: 3,
    figure: (printed) => times(printed).p99Ms,
  },
  { measure: "echo1", title: "echo of 1 MiB, 8 in flight", unit: "MiB/s", digits: 0, figure: asNumber },
  { measure: "echo64", title: "echo of 64 MiB", unit: "MiB/s", digits: 0, figure: asNumber },
  { measure: "programs", title: "tasks that start /bin/true", unit: "tasks/s", digits: 0, figure: asNumber },
];

const { values: options } = parseArgs({
  options: { runs: { type: "string", default: "3" }, json: { type: "string" }, only: { type: "string" } },
});
const runs = Number(options.runs);
if (!Number.isInteger(runs) || runs < 1)
  throw new Error(`--runs must be a whole number from 1, not ${options.runs}`);
const scratch = mkdtempSync(join(tmpdir(), "grain-bench-"));

function daemon(name: string, args: string[]): ChildProcess {
  return spawn(process.execPath, [join(ROOT, "dist/bin", `${name}.js`), ...args], {
    cwd: scratch,
    stdio: ["ignore", "pipe", "ignore"],
  });
}

async function addressOf(head: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: head.stdout! })) {
    const match = /listening on (\S+)/.exec(line);
    if (match?.[1] !== undefined) return match[1];
  }
  throw new Error("the head ended before it was ready");
}

function measure(name: string, address: string | undefined): unknown {
  const env: NodeJS.ProcessEnv = { ...process.env, MEASURE: name, GRAIN_ADDRESS: address ?? "" };
  const { status, stdout } = spawnSync(
    process.execPath,
    ["--import", "tsx", join(ROOT, "bench/program.ts")],
    {
      cwd: ROOT,
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  if (status !== 0) throw new Error(`the measurement ${name} ended with exit code ${status}`);
  return JSON.parse(stdout.trim().split("\n").at(-1)!);
}

/** What a shell tool does for the last row, in the same run. */
function xargsRate(): number {
  const startedAt = performance.now();
  spawnSync("sh", ["-c", "seq 1000 | xargs -P2 -n1 /bin/true"]);
  return 1_000 / ((performance.now() - startedAt) / 1000);
}

function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

function collect(address: string | undefined): Map<string, number[]> {
  const figures = new Map<string, number[]>();
  const wanted = ROWS.filter(({ measure: name }) => options.only === undefined || name === options.only);
  for (let round = 0; round < runs; round += 1) {
    for (const name of new Set(wanted.map((row) => row.measure))) {
      const printed = measure(name, address);
      for (const row of wanted.filter((candidate) => candidate.measure === name)) {
        figures.set(row.title, [...(figures.get(row.title) ?? []), row.figure(printed)]);
      }
    }
  }
  return figures;
}

function show(title: string, figures: Map<string, number[]>): void {
  console.log(`\n${title}`);
  for (const row of ROWS) {
    const all = figures.get(row.title);
    if (all === undefined) continue;
    const text = (n: number) =>
      n.toLocaleString("en-US", { maximumFractionDigits: row.digits, minimumFractionDigits: row.digits });
    const spread = `${text(Math.min(...all))} to ${text(Math.max(...all))}`;
    console.log(
      `  ${row.title.padEnd(30)} ${text(median(all)).padStart(10)} ${row.unit.padEnd(8)} (${spread})`,
    );
  }
}

const head = daemon("grain-head", ["--listen", "127.0.0.1:0"]);
const children = [head];
try {
  console.log(
    `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}, Linux ${release()}; median of ${runs} runs (least to most)`,
  );
  const address = await addressOf(head);
  children.push(daemon("grain-worker", ["--address", address, "--name", "bench", "--cpus", "2"]));
  const separate = collect(address);
  for (const child of children) child.kill("SIGTERM");
  const embedded = collect(undefined);
  const xargs = Array.from({ length: runs }, xargsRate);
  show("Client, head and worker as separate processes", separate);
  show("Embedded", embedded);
  console.log(
    `\n  ${"xargs -P2 -n1 /bin/true".padEnd(30)} ${median(xargs).toFixed(0).padStart(10)} programs/s`,
  );
  if (options.json !== undefined) {
    const result = {
      node: process.version,
      separate: Object.fromEntries(separate),
      embedded: Object.fromEntries(embedded),
      xargs,
    };
    writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
  }
} finally {
  for (const child of children) child.kill("SIGTERM");
  rmSync(scratch, { recursive: true, force: true });
}
