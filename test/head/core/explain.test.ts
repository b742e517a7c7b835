import { describe, expect, it } from "vitest";
import type { Explanation, QueuedTask } from "../../../head/core/explain.js";
import { explanationText } from "../../../head/core/explain-text.js";
import type { Obstacle } from "../../../head/core/obstacle.js";
import type { SchedulingOptions } from "../../../head/core/options.js";
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
import { CoreDriver, poolOf, type SpecOptions } from "../../kit/core.js";

const GIB = 1024 ** 3;
const nameOf = (session: number, spec: number) => `f${session}${spec}`;

/** One session with one spec, workers w1, w2, …, and so many tasks, planned. */
function world(
  demand: ResourceLike,
  pools: Pool[],
  count = 1,
  options: SpecOptions & Partial<SchedulingOptions> = {},
): CoreDriver {
  const driver = new CoreDriver(options);
  driver.session(1);
  driver.spec(1, 1, demand, options);
  pools.forEach((pool, index) => {
    driver.worker(index + 1, pool);
  });
  driver.submit(1, 1, count);
  driver.plan();
  return driver;
}

function explain(driver: CoreDriver, session: number, task: number): Explanation {
  return driver.core.view.explain(session, task, driver.nowMs);
}

function queued(driver: CoreDriver, session: number, task: number): QueuedTask {
  const explanation = explain(driver, session, task);
  expect(explanation.type).toBe("queued");
  return explanation as QueuedTask;
}

function lines(driver: CoreDriver, session: number, task: number): string[] {
  return explanationText(explain(driver, session, task), nameOf).split("\n");
}

const on = (worker: string, needed = 0, free = 0, total = 0) => ({ worker, needed, free, total });

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
      driver.plan();
    }
    return last;
  }

  it("a worker that leaves", () => {
    const driver = world(cores(1), []);
    driver.worker(1, poolOf(4));
    driver.step({ type: "workerLeaving", worker: 1 });
    driver.plan();
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
      const [effect] = driver.plan();
      if (failInfeasible)
        expect(effect).toMatchObject({ verdict: { reason: expect.stringContaining(reason) } });
      else expect(effect).toMatchObject({ type: "warn", reason });
    }
  });
});

describe("whose turn it is", () => {
  it("counts what is more urgent, what is before it in its queue, and clients that hold less", () => {
    const driver = world(cores(1), [poolOf(4)], 4);
    driver.session(2, { name: "scan" });
    driver.session(3, { prioritized: true });
    driver.spec(1, 2, cores(4), { priority: 3 });
    driver.spec(1, 3, cores(2));
    driver.spec(2, 1, cores(4));
    driver.spec(3, 1, cores(4), { priority: -1 });
    driver.submit(1, 2, 7);
    const own = driver.submit(1, 3, 9);
    driver.submit(2, 1, 3);
    driver.submit(3, 1, 2);
    driver.plan();
    const last = own.at(-1)!;
    expect(queued(driver, 1, last)).toMatchObject({
      urgent: [
        { prioritized: true, priority: -1, tasks: 2 },
        { prioritized: false, priority: 3, tasks: 7 },
      ],
      before: 8,
      sessions: [{ session: 2, name: "scan", tasks: 3 }],
    });
    expect(lines(driver, 1, last)).toEqual([
      `Task 1.${last} (f13) is queued; it asks for 2 cores.`,
      "Short of cores: 0 of 4 free on w1.",
      "Tasks before it: 9 of higher priority (up to -1, prioritized); 8 of its own queue; …",
    ]);
    expect(queued(driver, 1, own[0]!).before).toBe(0);
    expect(queued(driver, 2, 1)).toMatchObject({ before: 0, sessions: [] });
  });

  it("counts what came back before what never ran, and specs that ask for the same as one queue", () => {
    const driver = world(cores(4), [poolOf(4)], 3, { retries: 1 });
    driver.spec(1, 2, cores(4), { retries: 1 });
    const [other] = driver.submit(1, 2, 1) as [number];
    driver.step({ type: "workerLost", worker: 1, planned: true });
    expect([1, 2, 3, other].map((task) => queued(driver, 1, task).before)).toEqual([0, 1, 2, 3]);
    expect(queued(driver, 1, 1).attempt).toBe(2);
    expect(lines(driver, 1, 1)[0]).toBe("Task 1.1 (f11), attempt 2 is queued; it asks for 4 cores.");
  });

  it("does not count more than there are when tasks before it were cancelled", () => {
    const driver = world(cores(1), [], 10);
    driver.step({ type: "cancelRequested", session: 1, tasks: [2, 3, 4, 5, 6, 7, 8, 9] });
    expect(queued(driver, 1, 10).before).toBe(1);
  });

  it("says so when there is room and the plan is due", () => {
    const driver = world(cores(1), []);
    driver.worker(1, poolOf(2));
    expect(queued(driver, 1, 1).alternatives).toMatchObject([{ room: ["w1"], moreRoom: 0, obstacles: [] }]);
    expect(lines(driver, 1, 1).slice(1)).toEqual([
      "There is room on w1.",
      "Nothing goes before it: it is about to start.",
    ]);
  });

  it("says for whom workers are kept free, and when there will be room", () => {
    const driver = world(cores(1).and(wtime(600)), [poolOf(4)], 3, { reserveAfterMs: 1_000 });
    driver.session(2);
    driver.spec(2, 1, cores(4));
    driver.spec(1, 2, cores(1));
    driver.submit(2, 1, 1);
    driver.plan();
    driver.nowMs = 60_000;
    driver.plan();
    const [task] = driver.submit(1, 2, 1) as [number];
    driver.plan();
    const reserved = { session: 2, spec: 1, workers: ["w1"], expectedMs: 540_000 };
    expect(queued(driver, 2, 1).reserved).toEqual(reserved);
    expect(lines(driver, 2, 1)[1]).toBe(
      "Kept free for it (room expected in 0:09:00): w1; short of cores: 1 of 4 free on w1.",
    );
    expect(queued(driver, 1, task).alternatives[0]!.obstacles).toEqual([
      { type: "reserved", reserved, workers: [on("w1")], others: 0 },
    ]);
    expect(lines(driver, 1, task)[1]).toBe("Kept free for f21 of session 2 (room expected in 0:09:00): w1.");
  });
});

describe("a task that is not queued", () => {
  it("is unknown when it has ended or never was", () => {
    const driver = world(cores(1), [poolOf(1)]);
    driver.finish(1, 1, [1]);
    for (const [session, task] of [
      [1, 1],
      [1, 9],
      [7, 1],
    ] as const) {
      expect(explain(driver, session, task)).toEqual({ type: "unknown", session, task });
      expect(lines(driver, session, task)[0]).toBe(
        `Task ${session}.${task} is not known: it has ended, or was never submitted.`,
      );
    }
  });

  it("runs, for so long", () => {
    const driver = world(cores(1), [poolOf(1)]);
    driver.nowMs = 65_000;
    expect(explain(driver, 1, 1)).toEqual({
      type: "running",
      session: 1,
      task: 1,
      spec: 1,
      attempt: 1,
      workers: ["w1"],
      runningMs: 65_000,
    });
    expect(lines(driver, 1, 1)).toEqual(["Task 1.1 (f11) has run on w1 for 0:01:05."]);
  });

  it("runs on all workers of its gang", () => {
    const driver = world(nodes(2), [poolOf(1), poolOf(1)]);
    expect(explain(driver, 1, 1)).toMatchObject({ type: "running", workers: ["w1", "w2"] });
    expect(lines(driver, 1, 1)).toEqual(["Task 1.1 (f11) has run on w1 and w2 for 0:00:00."]);
  });

  it("was sent ahead", () => {
    const driver = world(cores(1), [poolOf(1)], 2);
    expect(explain(driver, 1, 2)).toMatchObject({ type: "ahead", worker: "w1", askedBack: false });
    expect(lines(driver, 1, 2)).toEqual([
      "Task 1.2 (f11) was sent ahead to w1: it starts there when a task ends.",
    ]);
  });

  it("is being ended", () => {
    const driver = world(cores(1), [poolOf(1)], 2);
    driver.step({ type: "cancelRequested", session: 1, tasks: [1, 2] });
    expect(explain(driver, 1, 1)).toMatchObject({ type: "stopping", workers: ["w1"], started: true });
    expect(lines(driver, 1, 1)).toEqual([
      "Task 1.1 (f11) is being ended: w1, which ran it, has not confirmed that yet.",
    ]);
    expect(explain(driver, 1, 2)).toMatchObject({ type: "stopping", started: false });
  });
});

it("has at most three lines of at most 100 columns, whatever the names", () => {
  const long = "x".repeat(200);
  const driver = world(
    anyOf(token(long), cores(3).and(token(long)).and(limit(long, 1))),
    Array.from({ length: 9 }, () => poolOf(4, 64, { tokens: [long] })),
    30,
  );
  driver.worker(10, poolOf(1));
  for (let task = 1; task <= 30; task += 1) {
    const text = explanationText(explain(driver, 1, task), () => long).split("\n");
    expect(text.length).toBeLessThanOrEqual(3);
    for (const line of text) expect(line.length).toBeLessThanOrEqual(100);
  }
});
