/**
 * `npm run bench`: what the package is held to, measured. Exit code 1 when a target is missed, 2 for bad usage.
 *
 * Each row is measured several times from separate processes; where a row has a baseline, both are
 * measured in turns. docs/performance.md says how to read it.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { showComparison } from "./compare.js";
import { Lab, ROOT } from "./lab.js";
import { describeMachine, showMachine } from "./machine.js";
import { type Options, readOptions, USAGE, UsageError } from "./options.js";
import { showLine, showSummary } from "./report.js";
import { type BenchResult, type LineResult, readResult, summarize } from "./result.js";
import type { Row, Samples } from "./row.js";
import { EXTRA_ROWS, ROWS } from "./rows.js";

const INTERRUPTED = 130;

const interrupt = new AbortController();

async function main(argv: readonly string[]): Promise<number> {
  let options: Options;
  let before: BenchResult | undefined;
  try {
    options = readOptions(argv);
    before = options.compare === undefined ? undefined : readResult(resolve(options.compare));
  } catch (error) {
    const usage = error instanceof UsageError ? ` (${USAGE})` : "";
    process.stderr.write(`bench: ${(error as Error).message}${usage}\n`);
    return 2;
  }
  if (options.list) {
    process.stdout.write(list());
    return 0;
  }
  const result = await measureAll(options);
  if (before !== undefined) process.stdout.write(`\n${showComparison(before, result)}`);
  return result.lines.some(({ verdict }) => verdict === "FAIL") ? 1 : 0;
}

function list(): string {
  const show = (row: Row) =>
    row.lines.map(
      (line, i) => `${(i === 0 ? row.name : "").padEnd(14)} ${line.name.padEnd(18)} ${line.title}\n`,
    );
  return `${"row".padEnd(14)} ${"line".padEnd(18)} title\n${[...ROWS, ...EXTRA_ROWS].flatMap(show).join("")}`;
}

function filesOf({ json, name }: Options): string[] {
  const named =
    name === undefined
      ? []
      : [join(ROOT, "bench/results", `${new Date().toISOString().slice(0, 10)}-${name}.json`)];
  return json === undefined ? named : [resolve(json), ...named];
}

/** After every row: what has been measured is kept when a later row fails, or somebody has seen enough. */
function save(result: BenchResult, options: Options): void {
  for (const file of filesOf(options)) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  }
}

async function measureAll(options: Options): Promise<BenchResult> {
  const machine = describeMachine(ROOT);
  const { runs } = options;
  const date = new Date().toISOString();
  if (options.profile !== undefined) mkdirSync(options.profile, { recursive: true });
  const lab = new Lab(options.profile === undefined ? undefined : resolve(options.profile), options.insecure);
  const onInterrupt = () => {
    interrupt.abort();
    // Whoever waits for one of the processes hears that it has ended, which is what was wanted.
    process.on("unhandledRejection", () => {});
    void lab.close();
  };
  process.once("SIGINT", onInterrupt).once("SIGTERM", onInterrupt);
  const lines: LineResult[] = [];
  const skipped: { row: string; why: string }[] = [];
  process.stdout.write(`${showMachine(machine)}; medians of ${runs} (least to most)\n\n`);
  try {
    await lab.open();
    for (const row of options.rows) {
      const why = row.skip?.(lab);
      if (why !== undefined) {
        skipped.push({ row: row.name, why });
        process.stdout.write(`skip  ${row.lines[0]?.title}: ${why}\n`);
        continue;
      }
      for (const line of await measureRow(lab, row, options)) {
        lines.push(line);
        process.stdout.write(showLine(line));
      }
      save({ version: 1, date, machine, runs, lines, skipped }, options);
    }
  } finally {
    process.off("SIGINT", onInterrupt).off("SIGTERM", onInterrupt);
    await lab.close();
  }
  if (lines.some(({ verdict }) => verdict !== undefined)) process.stdout.write(`\n${showSummary(lines)}`);
  return { version: 1, date, machine, runs, lines, skipped };
}

async function measureRow(lab: Lab, row: Row, { runs, lines }: Options): Promise<LineResult[]> {
  const all: Samples[] = [];
  try {
    const prepared = await row.prepare(lab);
    for (let run = 0; run < runs; run += 1) all.push(await prepared.run());
  } catch (error) {
    throw new Error(`${row.name}: ${(error as Error).message}`, { cause: error });
  } finally {
    await lab.clear();
  }
  return row.lines
    .filter((line) => lines.has(line.name))
    .map((line) =>
      summarize(
        line,
        all.map((samples) => samples[line.name]!),
      ),
    );
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!interrupt.signal.aborted) process.stderr.write(`bench: ${(error as Error).message}\n`);
  process.exitCode = interrupt.signal.aborted ? INTERRUPTED : 1;
}
