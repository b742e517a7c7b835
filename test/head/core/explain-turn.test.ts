import { describe, expect, it } from "vitest";
import { explanationText } from "../../../head/core/explain-text.js";
import { cores, limit, nodes, token, wtime } from "../../../proto/resource/index.js";
import { anyOf } from "../../../proto/resource/resource.js";
import { poolOf } from "../../kit/core.js";
import { explain, lines, on, queued, world } from "./explaining.js";

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
    driver.settle();
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
    driver.settle();
    driver.nowMs = 60_000;
    driver.settle();
    const [task] = driver.submit(1, 2, 1) as [number];
    driver.settle();
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
