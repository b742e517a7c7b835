/** What `npm run bench` says about figures: verdicts, comparisons, and bad usage. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { changeOf, showComparison } from "../../bench/compare.js";
import { readOptions, UsageError } from "../../bench/options.js";
import { drawChart } from "../../bench/plot/chart.js";
import { showCount } from "../../bench/plot/scale.js";
import { showLine, showSummary } from "../../bench/report.js";
import { type BenchResult, summarize } from "../../bench/result.js";
import type { Line } from "../../bench/row.js";
import { ROOT } from "../kit/daemons.js";

const rate: Line = {
  name: "rate",
  title: "tasks at once",
  unit: "tasks/s",
  digits: 0,
  bound: { least: 100 },
  ratio: { of: "relay", bound: { least: 0.5 } },
};
const time: Line = { name: "time", title: "round trip", unit: "ms", digits: 1, bound: { most: 2 } };

const samples = (...values: number[]) => values.map((value) => ({ value }));

describe("a line's verdict", () => {
  it("is that of the ratio where there is one; both are shown", () => {
    const slow = [90, 80, 85].map((value) => ({ value, baseline: 150 }));
    const result = summarize(rate, slow);
    expect(result).toMatchObject({ median: 85, verdict: "pass", absolute: "FAIL" });
    expect(result.ratio?.median).toBeCloseTo(0.567, 3);
    expect(showLine(result)).toMatch(
      /^pass .* 85 tasks\/s +\(80 to 90\) +FAIL: at least 100\n.*of relay .*0\.57 x/,
    );
    const hurried = summarize(rate, [{ value: 200, baseline: 500 }]);
    expect(hurried).toMatchObject({ verdict: "FAIL", absolute: "pass" });
    expect(showSummary([result, hurried])).toBe("1 of 2 targets are missed: rate.\n");
  });

  it("takes the ratio of each run, not of the medians", () => {
    const drifting = [
      { value: 10, baseline: 10 },
      { value: 100, baseline: 100 },
      { value: 50, baseline: 1000 },
    ];
    expect(summarize(rate, drifting).ratio?.median).toBe(1);
  });

  it("is that of the figure otherwise, from below or above", () => {
    expect(summarize(time, samples(1, 2, 3)).verdict).toBe("pass");
    expect(summarize(time, samples(1, 3, 3)).verdict).toBe("FAIL");
    const shown: Line = { name: "x", title: "x", unit: "tasks/s", digits: 0 };
    expect(summarize(shown, samples(1)).verdict).toBeUndefined();
  });
});

describe("a comparison", () => {
  const before = summarize(time, samples(1.8, 2, 2.2));

  it.each([
    ["worse", samples(2.3, 2.4, 2.5)],
    ["better", samples(1.5, 1.6, 1.7)],
    ["noise", samples(2.1, 2.4, 2.5)],
    ["noise", samples(9)],
  ])("marks what is %s", (change, after) => {
    expect(changeOf(before, summarize(time, after))).toBe(change);
  });

  it("shows each row's change, and says when the machines differ", () => {
    const result = (line: typeof before, cpu: string): BenchResult => ({
      version: 1,
      date: "2026-01-02T03:04:05Z",
      machine: { cpu, cores: 2, memoryGiB: 8, kernel: "6", node: "v20", load: 0, commit: "abc" },
      runs: 3,
      lines: [line],
      skipped: [],
    });
    const after = summarize(time, samples(3, 3, 3));
    const text = showComparison(result(before, "one"), result(after, "other"));
    expect(text).toMatch(/Another machine/);
    expect(text).toMatch(/round trip .* 2\.0 → +3\.0 ms +\+50\.0 % {2}worse/);
  });
});

describe("the command line", () => {
  it("selects rows, and single lines of them", () => {
    const { rows, lines } = readOptions(["--only", "echo-1,cpu-head", "--runs", "7"]);
    expect(rows.map(({ name }) => name)).toEqual(["cpu", "echo-1"]);
    expect([...lines].sort()).toEqual(["cpu-head", "echo-1"]);
    expect(readOptions([]).rows.some(({ name }) => name === "curves")).toBe(false);
  });

  it.each([
    [["--runs", "0"], /--runs must be a whole number/],
    [["--runs", "many"], /--runs must be a whole number/],
    [["--only", "nothing"], /there is no row nothing; there are noop-300000/],
    [["--unknown"], /Unknown option '--unknown'/],
    [["extra"], /Unexpected argument 'extra'/],
    [["--name", "a/b"], /--name becomes part of a file's name/],
  ])("refuses %j", (argv, message) => {
    expect(() => readOptions(argv)).toThrow(UsageError);
    expect(() => readOptions(argv)).toThrow(message);
  });

  it("says what is wrong in one line and exits with 2", () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      ["--import", "tsx", join(ROOT, "bench/main.ts"), "--compare", "/nowhere/old.json"],
      { encoding: "utf8" },
    );
    expect(status).toBe(2);
    expect(stderr).toMatch(/^bench: \/nowhere\/old\.json cannot be read: [^\n]+\n$/);
  });
});

describe("a chart", () => {
  it("puts every point inside, and no label on another", () => {
    const counts = [1_000, 3_000, 10_000, 30_000, 100_000, 300_000];
    const svg = drawChart({
      title: "Tasks & time < 1",
      subtitle: "here",
      xLabel: "tasks",
      yLabel: "tasks per second",
      showX: showCount,
      series: [
        { name: "one", color: "#000", points: counts.map((x) => ({ x, y: x / 10, range: [x / 20, x / 5] })) },
        { name: "other", color: "#111", dashed: true, points: counts.map((x) => ({ x, y: x })) },
      ],
    });
    expect(svg).toContain("Tasks &amp; time &lt; 1");
    const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.map(Number);
    for (const [, cx, cy] of svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)) {
      expect(Number(cx)).toBeLessThan(width!);
      expect(Number(cy)).toBeLessThan(height!);
    }
    const ticks = [...svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)" font-size="13"[^>]*middle">([^<]+)/g)];
    expect(ticks.map(([, , , label]) => label)).toEqual(["1k", "3k", "10k", "30k", "100k", "300k"]);
    const places = ticks.map(([, x]) => Number(x));
    for (let i = 1; i < places.length; i += 1) expect(places[i]! - places[i - 1]!).toBeGreaterThan(50);
  });
});
