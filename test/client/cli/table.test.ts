import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { showStatus } from "../../../client/cli/ls.js";
import { formatTable } from "../../../client/cli/table.js";

describe("a table", () => {
  it("puts numbers to the right and cuts what is too wide", () => {
    const table = formatTable(
      ["NAME", "N", "WHAT"],
      [
        ["w1", 5, "x".repeat(100)],
        ["longer", 123, ""],
      ],
    );
    expect(table.split("\n")).toEqual([
      "NAME      N  WHAT",
      `w1        5  ${"x".repeat(66)}…`,
      "longer  123",
      "",
    ]);
  });

  it("is never wider than 80 columns", () => {
    const text = fc.string({ unit: "grapheme-ascii", maxLength: 120 });
    const row = fc.tuple(text, fc.nat(), text, text);
    fc.assert(
      fc.property(fc.array(row), (rows) => {
        for (const line of formatTable(["A", "B", "C", "D"], rows).split("\n"))
          expect(line.length).toBeLessThanOrEqual(80);
      }),
    );
  });
});

describe("a head's state", () => {
  const hello = { protocol: 1, version: "0.1.0", node: "v20", host: "cluster", pid: 7, bundleFormat: 1 };
  const empty = {
    hello,
    uptimeMs: 61_234.5,
    workers: [],
    sessions: [],
    queues: [],
    lateResults: 0,
    clockMs: 0,
  };

  it("says what there is none of", () => {
    expect(showStatus(empty)).toMatch(
      /^Head 0\.1\.0 on cluster, process 7, up .*\n\nNo workers are connected\.\n\nNothing is queued\.\n$/,
    );
  });

  it("shows workers with what is free, the queue and the clients", () => {
    const pool = {
      cores: [0, 1, 2, 3],
      gpus: [],
      memoryBytes: 8 * 1024 ** 3,
      others: [],
      tokens: ["fast"],
      numa: [],
    };
    const shown = showStatus({
      ...empty,
      workers: [
        {
          worker: 1,
          name: "w1",
          host: "n1",
          pid: 8,
          state: "ready",
          pool: { ...pool, remainingMs: undefined },
          free: [{ kind: "memory", amount: 1024 ** 3 }],
          running: 4,
          waiting: 2,
          connectedMs: 5,
          finished: 1234,
        },
      ],
      queues: [
        { session: 1, function: "energy", demand: "2 cores", prioritized: true, priority: 3, queued: 17 },
        { session: 1, function: "idle", demand: "1 core", prioritized: false, priority: 0, queued: 0 },
      ],
      sessions: [
        {
          session: 1,
          name: "scan",
          host: "laptop",
          pid: 9,
          prioritized: true,
          queued: 17,
          running: 4,
          finished: 100,
          failed: 1,
        },
      ],
    });
    expect(shown).toMatch(/\nw1 +ready +0\/4 cores, 1\/8G memory, token fast +4 +2 +1234\n/);
    expect(shown).toMatch(/\n +17 +energy +2 cores +3! +1\n/);
    expect(shown).not.toContain("idle");
    expect(shown).toMatch(/\n +1 +scan +laptop:9 +17 +4 +100 +1\n/);
  });
});
