/**
 * A parameter sweep: how much rain runs off, and how often soil is dry, for soils
 * that hold more or less water and lose it faster or slower.
 *
 * Each point starts an external program (awk) on real weather data. Run it on this
 * machine with `npx grain run examples/water-balance/sweep.ts`, or over a head and
 * its workers with GRAIN_ADDRESS=host:port; the program is the same.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { calc, cores, currentTask, delayed, each, memory, run } from "grain-scheduler";

interface Point {
  capacityMm: number;
  lossMm: number;
  rainMm: number;
  runoffMm: number;
  dryDays: number;
  days: number;
  worker: string;
  cores: number[];
}

/** Runs the model for one soil. Everything it needs arrives as an argument. */
const simulate = delayed(async function simulate(
  model: string,
  weather: string,
  capacityMm: number,
  lossMm: number,
  years: number,
): Promise<Point> {
  const { $, resources, worker } = currentTask();
  const settings = { capacity: capacityMm, loss: lossMm, years, seed: 20_151_231 };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-v", `${name}=${value}`]);
  const { stdout } = await $({ input: weather })`awk ${flags} ${model}`;
  const [rainMm, runoffMm, dryDays, days] = stdout.split(" ").map(Number) as [number, number, number, number];
  return { capacityMm, lossMm, rainMm, runoffMm, dryDays, days, worker, cores: resources.cores };
});

const capacities = [25, 50, 100, 200];
const losses = [0.15, 0.2, 0.25, 0.3];
const here = (file: string) => readFileSync(new URL(file, import.meta.url), "utf8");

await run(async () => {
  const model = here("./bucket.awk");
  const weather = here("./seattle-weather.csv");
  const years = Number(process.env.YEARS ?? 1500);
  const onOneCore = simulate.with(cores(1), memory("200M"));

  const points = capacities.flatMap((capacity) =>
    losses.map((loss) => onOneCore(model, weather, capacity, loss, years)),
  );
  const runoff = points.map((point) => calc`${point.runoffMm} / ${point.rainMm} * 100`);
  const dry = points.map((point) => calc`${point.dryDays} / ${point.days} * 100`);

  const rows = await each(points);
  const runoffShares = await each(runoff);
  const dryShares = await each(dry);

  console.log("soil holds  loses/°C  runs off  dry days  worker    cores");
  rows.forEach(({ capacityMm, lossMm, worker, cores: ids }, i) => {
    const numbers = [
      `${capacityMm} mm`,
      `${lossMm} mm`,
      `${runoffShares[i]!.toFixed(1)} %`,
      `${dryShares[i]!.toFixed(1)} %`,
    ];
    console.log(
      `${numbers.map((text, n) => text.padStart(n === 0 ? 10 : 8)).join("  ")}  ${worker.padEnd(8)}  ${ids.join(",")}`,
    );
  });
  if (process.env.RESULTS) {
    writeFileSync(
      process.env.RESULTS,
      JSON.stringify(rows.map(({ worker, cores: ids, ...result }) => result)),
    );
  }
});
