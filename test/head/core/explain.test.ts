import { describe, expect, it } from "vitest";
import type { Obstacle } from "../../../head/core/obstacle.js";
import {
  cores,
  gpus,
  limit,
  memory,
  nodes,
  type Pool,
  type ResourceLike,
  token,
  wtime,
} from "../../../proto/resource/index.js";
import { anyOf } from "../../../proto/resource/resource.js";
import { type CoreDriver, poolOf } from "../../kit/core.js";
import { explain, GIB, lines, on, queued, world } from "./explaining.js";

describe("what is missing", () => {
  const withToken = poolOf(1, 64, { tokens: ["x"] });
  const ending = poolOf(4, 64, { remainingMs: 600_000 });
  it.each<[string, ResourceLike, Pool[], number, Obstacle[], string]>([
    [
      "a kind that is in use, the closest worker first",
      cores(3),
      [poolOf(4), poolOf(8), poolOf(1)],
      4,
      [
        {
          type: "short",
          kind: "cores",
          workers: [
            on("w2", 30_000, 20_000, 80_000),
            on("w1", 30_000, 10_000, 40_000),
            on("w3", 30_000, 10_000, 10_000),
          ],
          others: 0,
        },
      ],
      "Short of cores: 2 of 8 free on w2, 1 of 4 free on w1, only 1 on w3.",
    ],
    [
      "a kind on many workers: three are named",
      cores(2),
      Array.from({ length: 7 }, () => poolOf(2)),
      8,
      [
        {
          type: "short",
          kind: "cores",
          workers: [on("w1", 20_000, 0, 20_000), on("w2", 20_000, 0, 20_000), on("w3", 20_000, 0, 20_000)],
          others: 4,
        },
      ],
      "Short of cores: 0 of 2 free on w1, 0 of 2 free on w2, 0 of 2 free on w3, 4 more.",
    ],
    [
      "memory",
      memory(40),
      [poolOf(4, 64), poolOf(4, 32)],
      2,
      [
        {
          type: "short",
          kind: "memory",
          workers: [on("w1", 40 * GIB, 24 * GIB, 64 * GIB), on("w2", 40 * GIB, 32 * GIB, 32 * GIB)],
          others: 0,
        },
      ],
      "Short of memory: 24 of 64G free on w1, only 32G on w2.",
    ],
    [
      "all cores",
      cores("all"),
      [poolOf(4), poolOf(0)],
      2,
      [
        {
          type: "short",
          kind: "cores",
          workers: [on("w1", 40_000, 0, 40_000), on("w2", 0, 0, 0)],
          others: 0,
        },
      ],
      "Short of cores: 0 of 4 free on w1, none on w2.",
    ],
    [
      "a token",
      token("x").and(cores(1)),
      [poolOf(4), withToken],
      2,
      [
        { type: "short", kind: "cores", workers: [on("w2", 10_000, 0, 10_000)], others: 0 },
        { type: "token", token: "x", workers: [on("w1")], others: 0 },
      ],
      "Short of cores: 0 of 1 free on w2; no token x on w1.",
    ],
    [
      "time that the worker has left",
      wtime(3600).and(cores(1)),
      [ending, poolOf(1)],
      2,
      [
        { type: "short", kind: "cores", workers: [on("w2", 10_000, 0, 10_000)], others: 0 },
        { type: "walltime", workers: [on("w1", 3_600_000, 600_000, 600_000)], others: 0 },
      ],
      "Short of cores: 0 of 1 free on w2; 1:00:00 of walltime needed: 0:10:00 left on w1.",
    ],
    [
      "a cluster-wide limit",
      limit("db", 2).and(cores(1)),
      [poolOf(4)],
      3,
      [{ type: "limit", name: "db", inUse: 2, count: 2 }],
      "Limit db reached: 2 of 2 in use.",
    ],
    [
      "whole workers for a gang",
      nodes(2),
      [poolOf(4), poolOf(8)],
      2,
      [
        { type: "nodes", needed: 2, idle: 0, able: 2 },
        { type: "busy", workers: [on("w1"), on("w2")], others: 0 },
      ],
      "2 whole workers needed: 0 idle of 2 that would do; in use: w1, w2.",
    ],
  ])("%s", (_, demand, pools, count, obstacles, text) => {
    const driver = world(demand, pools, count);
    // Short tasks may be sent ahead, long ones not: run times are not known, so the last one may be.
    const task = lastQueued(driver, count);
    const { alternatives, workers } = queued(driver, 1, task);
    expect(workers).toBe(pools.length);
    expect(alternatives).toMatchObject([{ never: undefined, room: [], obstacles }].map(limitRoom));
    expect(lines(driver, 1, task)[1]).toBe(text);
  });

  /** A limit keeps tasks from workers that have room. */
  function limitRoom<T extends { obstacles: Obstacle[]; room: string[] }>(expected: T): Partial<T> {
    if (expected.obstacles[0]?.type !== "limit") return expected;
    const { room: _, ...rest } = expected;
    return rest as Partial<T>;
  }

  /** Submits more of the same until one stays queued, whatever is sent ahead. */
  function lastQueued(driver: CoreDriver, count: number): number {
    let last = count;
    while (explain(driver, 1, last).type !== "queued") {
      [last] = driver.submit(1, 1, 1) as [number];
      driver.settle();
    }
    return last;
  }

  it("a worker that leaves", () => {
    const driver = world(cores(1), []);
    driver.worker(1, poolOf(4));
    driver.step({ type: "workerLeaving", worker: 1 });
    driver.settle();
    expect(queued(driver, 1, 1).alternatives[0]!.obstacles).toEqual([
      { type: "leaving", workers: [on("w1")], others: 0 },
    ]);
    expect(lines(driver, 1, 1).slice(1)).toEqual([
      "Leaving: w1.",
      "Nothing goes before it: it starts when another worker joins; start one with grain-worker.",
    ]);
  });

  it("of each alternative", () => {
    const driver = world(anyOf(gpus(1), cores(4), memory(400)), [poolOf(4, 64, { gpus: [0] }), poolOf(4)], 4);
    const { alternatives } = queued(driver, 1, 4);
    expect(alternatives.map(({ demand, able }) => [demand, able])).toEqual([
      ["1 gpu", 1],
      ["4 cores", 2],
      ["400G memory", 0],
    ]);
    expect(alternatives[2]!.never).toEqual({ reasons: ["400G memory asked, 64G there"], closest: "w1" });
    expect(lines(driver, 1, 4)[1]).toBe(
      "1 gpu (short of gpus: 0 of 1 free on w1); 4 cores (short of cores: 0 of 4 free on w1); …",
    );
  });
});

describe("what no connected worker could ever give", () => {
  it.each<[string, ResourceLike, Pool[], string[]]>([
    ["workers at all", cores(1), [], ["No workers are connected to the head: start some with grain-worker."]],
    [
      "two kinds: the closest worker is named",
      cores(64).and(memory(100)),
      [poolOf(4), poolOf(16)],
      [
        "No worker here could run it; closest is w2: 64 cores asked, 16 there; 100G memory asked, 64G there.",
        "Ask for less, or start workers that have it (`grain ls` shows what there is).",
      ],
    ],
    [
      "enough workers for a gang",
      nodes(3),
      [poolOf(4), poolOf(4)],
      [
        "No worker here could run it: 3 nodes asked, 2 workers there.",
        "Ask for less, or start more workers (`grain ls` shows what there is).",
      ],
    ],
    [
      "enough workers of a size for a gang",
      nodes(2).and(cores(8)),
      [poolOf(4), poolOf(8)],
      [
        "No worker here could run it; closest is w1: 2 nodes asked, 1 of 2 would do; 8 cores asked, 4 there.",
        "Ask for less, or start workers that have it (`grain ls` shows what there is).",
      ],
    ],
    [
      "any alternative",
      anyOf(gpus(1), token("x")),
      [poolOf(4)],
      [
        "No worker here could run it: 1 gpu asked, none there; token x asked, not there.",
        "Ask for less, or start workers that have it (`grain ls` shows what there is).",
      ],
    ],
  ])("%s", (_, demand, pools, expected) => {
    const driver = world(demand, pools);
    expect(lines(driver, 1, 1).slice(1)).toEqual(expected);
  });

  it("is seen at the time of the question", () => {
    const driver = world(cores(4).and(wtime(100)), [poolOf(4, 64, { remainingMs: 250_000 })], 9);
    expect(queued(driver, 1, 9).alternatives[0]!.never).toBeUndefined();
    driver.nowMs = 200_000;
    expect(queued(driver, 1, 9).alternatives[0]!.never).toEqual({
      reasons: ["walltime 0:01:40 asked, 0:00:50 left"],
      closest: "w1",
    });
  });

  it.each<[ResourceLike, Pool[], string]>([
    [cores(64), [poolOf(4)], "64 cores asked, 4 there (on w1, the only worker)"],
    [cores(64), [poolOf(4), poolOf(16)], "64 cores asked, 16 there (on w2, the closest of 2 workers)"],
    [nodes(2), [poolOf(4)], "2 nodes asked, 1 worker there"],
    [
      anyOf(gpus(1), cores(9)),
      [poolOf(4)],
      "for 1 gpu: 1 gpu asked, none there (on w1, the only worker); for 9 cores: 9 cores asked, 4 there (on w1, the only worker)",
    ],
  ])("%s is told to the client, or fails", (demand, pools, reason) => {
    for (const failInfeasible of [false, true]) {
      const driver = world(demand, pools, 0);
      driver.spec(1, 2, demand, { failInfeasible });
      driver.submit(1, 2, 1);
      const [effect] = driver.settle();
      if (failInfeasible)
        expect(effect).toMatchObject({ verdict: { reason: expect.stringContaining(reason) } });
      else expect(effect).toMatchObject({ type: "warn", reason });
    }
  });
});
