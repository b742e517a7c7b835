/** `npm run bench:plot [-- RESULT.json]`: draws the curves of a result (default: the newest that has some) into bench/results. */

import { readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "./lab.js";
import { type Chart, drawChart, type Point, type Series } from "./plot/chart.js";
import { showBytes, showCount } from "./plot/scale.js";
import { type BenchResult, type LineResult, median, readResult } from "./result.js";
import { readPoint } from "./rows/curves.js";

const RESULTS = join(ROOT, "bench/results");
const GRAIN = "#0a5fd6";
const OTHER = "#bc4c00";

interface CurvePoint {
  readonly at: number;
  readonly line: LineResult;
}

function curveOf(result: BenchResult, wanted: string): CurvePoint[] {
  return result.lines.flatMap((line) => {
    const point = readPoint(line.name);
    return point?.curve === wanted ? [{ at: point.at, line }] : [];
  });
}

function measured(points: readonly CurvePoint[]): Point[] {
  return points.map(({ at, line: { values, median: y } }) => ({
    x: at,
    y,
    range: [Math.min(...values), Math.max(...values)],
  }));
}

function baselines(points: readonly CurvePoint[]): Point[] {
  return points.flatMap(({ at, line: { baselines: all } }) =>
    all === undefined
      ? []
      : [{ x: at, y: median(all), range: [Math.min(...all), Math.max(...all)] as const }],
  );
}

function chartsOf(result: BenchResult): Record<string, Chart> {
  const { machine, runs, date } = result;
  const subtitle = `${date.slice(0, 10)}, ${machine.cores} × ${machine.cpu}, Node ${machine.node}; medians of ${runs}, bars from least to most`;
  const [tasks, workers, payload] = ["tasks", "workers", "payload"].map((curve) => curveOf(result, curve));
  const grain = (points: readonly CurvePoint[]): Series => ({
    name: "Grain",
    color: GRAIN,
    points: measured(points),
  });
  return {
    "throughput-tasks": {
      title: "No-op tasks that are submitted at once",
      subtitle,
      xLabel: "tasks",
      yLabel: "tasks per second",
      showX: showCount,
      series: [
        grain(tasks!),
        { name: "bare gRPC relay, no scheduling", color: OTHER, points: baselines(tasks!) },
      ],
    },
    "throughput-workers": {
      title: "Tasks of 1 ms on played workers of one core",
      subtitle,
      xLabel: "workers",
      yLabel: "tasks per second",
      showX: showCount,
      series: [
        grain(workers!),
        { name: "what the workers could do", color: OTHER, dashed: true, points: baselines(workers!) },
      ],
    },
    "throughput-payload": {
      title: "Tasks that give back their argument",
      subtitle,
      xLabel: "size of argument and of result",
      yLabel: "tasks per second",
      showX: showBytes,
      series: [grain(payload!)],
    },
  };
}

function newest(): string {
  const files = readdirSync(RESULTS)
    .filter((name) => name.endsWith(".json"))
    .map((name) => join(RESULTS, name))
    .filter((file) => curveOf(readResult(file), "tasks").length > 0)
    .sort((a, b) => (readResult(a).date < readResult(b).date ? -1 : 1));
  const last = files.at(-1);
  if (last === undefined)
    throw new Error(
      "no result in bench/results has curves: npm run bench -- --only curves --name curves makes one",
    );
  return last;
}

try {
  const { positionals } = parseArgs({ allowPositionals: true });
  const file = positionals[0] === undefined ? newest() : resolve(positionals[0]);
  for (const [name, chart] of Object.entries(chartsOf(readResult(file)))) {
    if (chart.series.every(({ points }) => points.length === 0)) continue;
    writeFileSync(join(RESULTS, `${name}.svg`), drawChart(chart));
    console.log(`bench/results/${name}.svg`);
  }
} catch (error) {
  process.stderr.write(`bench:plot: ${(error as Error).message.split("\n")[0]}\n`);
  process.exitCode = 2;
}
