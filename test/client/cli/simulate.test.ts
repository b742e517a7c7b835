import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type SimulateOptions, simulate } from "../../../client/cli/simulate.js";
import { LINES, TRACE } from "./recorded.js";

let directory = "";
let trace = "";

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "grain-simulate-"));
  trace = join(directory, "head.trace");
  await writeFile(trace, TRACE);
});

afterAll(() => rm(directory, { recursive: true }));

async function printed(options: SimulateOptions = {}, file = trace): Promise<string> {
  let text = "";
  const code = await simulate(file, options, (part) => {
    text += part;
  });
  expect(code).toBe(0);
  return text;
}

describe("grain simulate", () => {
  it("shows the recorded run beside the same work on other workers", async () => {
    const text = await printed({ workers: ["2x4c,16G"] });
    expect(text).toContain("Recorded on 1x4c,16G.");
    expect(text).toContain('Simulated with "fit" on 2x4c,16G.');
    expect(text).toMatch(/^makespan +20\.00 s +10\.00 s$/m);
    expect(text).toMatch(/^wait, mean +5\.00 s/m);
    expect(text).toMatch(/^cores in use +100\.0 % +100\.0 %$/m);
    expect(text).toContain("These workers would have been enough");
  });

  it("takes the recorded workers when none are named", async () => {
    expect(await printed()).toMatch(/^makespan +20\.00 s +20\.00 s$/m);
  });

  it("says by how much fewer workers are slower, and what they could never run", async () => {
    expect(await printed({ workers: ["2c"] })).toContain("2.00 times as long");
    expect(await printed({ workers: ["8x1c"] })).toContain("could never run 4 of the tasks");
  });

  it("prints JSON", async () => {
    const given = { workers: ["2x4c,16G", "8c"], policy: "first-fit", json: true };
    const result = JSON.parse(await printed(given)) as Record<string, unknown>;
    expect(result).toMatchObject({
      policy: "first-fit",
      workers: "2x4c,16G and 1x8c",
      recorded: { tasks: 4, leftOut: 0, droppedLines: 0 },
      simulated: { finished: 4 },
    });
  });

  it.each<[SimulateOptions, RegExp]>([
    [{ policy: "best" }, /"best" is no policy; choose one of fit, spread, fifo, first-fit, greedy/],
    [{ workers: ["2y"] }, /"2y" in "2y" is not understood/],
  ])("refuses %j", async (options, message) => {
    await expect(printed(options)).rejects.toThrow(message);
  });

  it("refuses a trace in which nothing ended", async () => {
    const empty = join(directory, "empty.trace");
    await writeFile(empty, `${JSON.stringify(LINES[0])}\n`);
    await expect(printed({}, empty)).rejects.toThrow(/holds no task that ended/);
  });
});
