import { describe, expect, it } from "vitest";
import { cores, memory, nodes, wtime } from "../../../proto/resource/index.js";
import { CoreDriver, placements, poolOf, type TestEffect } from "../../kit/core.js";

const LONG = { runUs: 600_000_000 };

/** Finishes a task and gives what is placed then. */
function turn(driver: CoreDriver, worker: number, tasks: number[], runUs = 600_000_000): TestEffect[] {
  driver.finish(worker, 1, tasks, { runUs });
  return driver.settle();
}

describe("a class that has waited too long", () => {
  it("gets a worker reserved and drained, and starts although small tasks never stop coming", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.spec(1, 2, cores(4));
    driver.worker(1, poolOf(4));
    driver.submit(1, 1, 100);
    driver.settle();
    const [large] = driver.submit(1, 2, 1);
    const placed: string[] = [];
    for (let task = 1; task <= 40 && !placed.includes(`w1: ${large}`); task += 1) {
      driver.nowMs += 1_000;
      placed.push(...placements(turn(driver, 1, [task])));
    }
    expect(placed).toContain(`w1: ${large}`);
    expect(driver.nowMs).toBeGreaterThanOrEqual(30_000);
    expect(driver.nowMs).toBeLessThanOrEqual(36_000);
  });

  it("takes the worker that will be free first", () => {
    const driver = new CoreDriver({ reserveAfterMs: 1_000, policy: "spread" });
    driver.session(1);
    driver.spec(1, 1, cores(2).and(wtime(1_000)));
    driver.spec(1, 2, cores(2).and(wtime(10)));
    driver.spec(1, 3, cores(4));
    driver.spec(1, 4, cores(2));
    driver.worker(1, poolOf(4));
    driver.worker(2, poolOf(4));
    driver.submit(1, 1, 1);
    driver.settle();
    driver.submit(1, 2, 1);
    driver.settle();
    driver.submit(1, 3, 1);
    driver.nowMs = 2_000;
    driver.settle();
    const [reservation] = [...driver.core.view.internals.reservations.values()];
    expect(reservation?.workers.map(({ number }) => number)).toEqual([2]);
    expect(reservation?.expectedMs).toBe(10_000);
    // The other worker is free for everybody.
    driver.submit(1, 4, 1);
    expect(placements(driver.settle())).toEqual(["w1: 4"]);
  });

  it("lets tasks by that will have ended, or that fit beside it, and no others", () => {
    const driver = new CoreDriver({ reserveAfterMs: 0 });
    driver.session(1);
    driver.spec(1, 1, cores(4).and(wtime(100)));
    driver.spec(1, 2, cores(6));
    driver.spec(1, 3, cores(2).and(wtime(50)));
    driver.spec(1, 4, cores(2).and(wtime(500)));
    driver.spec(1, 5, cores(1).and(memory(1)));
    driver.worker(1, poolOf(8));
    driver.submit(1, 1, 1);
    driver.settle();
    driver.submit(1, 2, 1);
    driver.settle();
    const [short] = driver.submit(1, 3, 1);
    expect(placements(driver.settle())).toEqual([`w1: ${short}`]);
    const [beside] = driver.submit(1, 4, 1);
    expect(placements(driver.settle())).toEqual([`w1: ${beside}`]);
    driver.finish(1, 1, [short!], LONG);
    driver.submit(1, 5, 1);
    expect(placements(driver.settle())).toEqual([]);
  });

  it("gives way to what is more urgent", () => {
    const driver = new CoreDriver({ reserveAfterMs: 0 });
    driver.session(1);
    driver.spec(1, 1, cores(2));
    driver.spec(1, 2, cores(4));
    driver.spec(1, 3, cores(2), { priority: 1 });
    driver.worker(1, poolOf(4));
    driver.submit(1, 1, 1);
    driver.settle();
    driver.submit(1, 2, 1);
    driver.settle();
    const [urgent] = driver.submit(1, 3, 1);
    expect(placements(driver.settle())).toEqual([`w1: ${urgent}`]);
  });

  it("drops its reservation when it is cancelled, and the worker is used again", () => {
    const driver = new CoreDriver({ reserveAfterMs: 0 });
    driver.session(1);
    driver.spec(1, 1, cores(2));
    driver.spec(1, 2, cores(4));
    driver.worker(1, poolOf(4));
    driver.submit(1, 1, 1);
    driver.settle();
    const [large] = driver.submit(1, 2, 1);
    driver.settle();
    driver.submit(1, 1, 1);
    expect(placements(driver.settle())).toEqual([]);
    driver.step({ type: "cancelRequested", session: 1, tasks: [large!] });
    expect(placements(driver.settle()).filter((text) => !text.includes("+"))).toEqual(["w1: 3"]);
  });
});

describe("gangs", () => {
  it("take whole workers, all at once", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, nodes(2));
    driver.spec(1, 2, cores(1));
    driver.worker(1, poolOf(4));
    driver.submit(1, 1, 1);
    expect(placements(driver.settle())).toEqual([]);
    driver.worker(2, poolOf(2));
    const [assign] = driver.settle().filter(({ type }) => type === "assign");
    expect(assign).toMatchObject({ worker: 1, tasks: [1], gangs: [[1, 2]], granted: true });
    driver.submit(1, 2, 1);
    expect(placements(driver.settle())).toEqual([]);
    driver.finish(1, 1, [1], LONG);
    expect(placements(driver.settle())).toHaveLength(1);
  });

  it("run again when any of their workers is lost, after the first has confirmed", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, nodes(2));
    driver.worker(1, poolOf(4));
    driver.worker(2, poolOf(4));
    driver.submit(1, 1, 1);
    driver.settle();
    expect(driver.step({ type: "workerLost", worker: 2, planned: false })).toMatchObject([
      { type: "remember", task: 1, lostWorkers: ["w2"], queued: false },
      { type: "stop", worker: 1, session: 1, tasks: [1] },
    ]);
    driver.worker(3, poolOf(4));
    expect(placements(driver.settle())).toEqual([]);
    driver.fail(1, 1, 1, 1, "cancelled");
    expect(driver.settle()).toMatchObject([{ type: "assign", tasks: [1], attempts: [2], gangs: [[1, 3]] }]);
  });

  it("are charged for each worker that is lost, also while they are being stopped", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, nodes(3));
    for (const worker of [1, 2, 3]) driver.worker(worker, poolOf(4));
    driver.submit(1, 1, 1);
    driver.settle();
    driver.step({ type: "workerLost", worker: 2, planned: false });
    expect(driver.step({ type: "workerLost", worker: 3, planned: false })).toMatchObject([
      { type: "remember", task: 1, lostWorkers: ["w2", "w3"], queued: false },
    ]);
  });

  it("of overlapping sizes do not wait for each other's parts", () => {
    const driver = new CoreDriver({ reserveAfterMs: 10 });
    driver.session(1);
    driver.spec(1, 1, nodes(2));
    driver.spec(1, 2, nodes(3));
    driver.spec(1, 3, cores(1));
    for (const worker of [1, 2, 3]) driver.worker(worker, poolOf(1));
    driver.submit(1, 3, 3);
    driver.settle();
    const gangs = [...driver.submit(1, 1, 1), ...driver.submit(1, 2, 1)];
    const ended: number[] = [];
    const running = new Map<number, number[]>([
      [1, [1]],
      [2, [2]],
      [3, [3]],
    ]);
    while (ended.length < 2) {
      driver.nowMs += 20;
      const [worker, tasks] = [...running][0]!;
      running.delete(worker);
      driver.finish(worker, 1, tasks, LONG);
      ended.push(...tasks.filter((task) => gangs.includes(task)));
      for (const effect of driver.settle())
        if (effect.type === "assign") running.set(effect.worker, effect.tasks);
    }
    expect(ended.sort()).toEqual(gangs);
  });
});

describe("learnt walltimes", () => {
  it("replace what was asked for after eight runs of at least ten seconds", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1).and(wtime("1:00:00", { group: "opt" })));
    driver.worker(1, poolOf(1));
    for (let run = 0; run < 9; run += 1) {
      const [task] = driver.submit(1, 1, 1);
      driver.settle();
      driver.finish(1, 1, [task!], { runUs: (run === 0 ? 1 : 20 + (run % 2)) * 1_000_000 });
    }
    driver.submit(1, 1, 1);
    const [assign] = driver.settle();
    if (assign?.type !== "assign") throw new Error("nothing was assigned");
    // Mean 20.5 s, deviation 0.5345 s.
    expect(assign.hardMs).toBeCloseTo(20_500 + 5 * 534.5, -1);
    driver.worker(2, poolOf(1, 64, { remainingMs: 22_000 }));
    driver.submit(1, 1, 1);
    expect(placements(driver.settle()).filter((text) => !text.includes("+"))).toEqual(["w2: 11"]);
  });
});

describe("weights", () => {
  it("divide what is contended for in their proportion", () => {
    const core = new CoreDriver({ weights: new Map([["client1", 3]]) });
    for (const session of [1, 2]) {
      core.session(session);
      core.spec(session, 1, cores(1));
      core.submit(session, 1, 100);
    }
    core.worker(1, poolOf(16));
    const placed = core
      .settle()
      .flatMap((effect) =>
        effect.type === "assign" && effect.granted ? effect.tasks.map(() => effect.session) : [],
      );
    expect(placed.filter((session) => session === 1)).toHaveLength(12);
  });
});

describe("ageing", () => {
  it("raises what waits by one step after each interval", () => {
    const driver = new CoreDriver({ ageingMs: 1_000 });
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.spec(1, 2, cores(1), { priority: 2 });
    driver.worker(1, poolOf(1));
    driver.submit(1, 2, 1);
    driver.settle();
    const [low] = driver.submit(1, 1, 1);
    driver.nowMs = 3_500;
    driver.submit(1, 2, 1);
    driver.finish(1, 1, [1], LONG);
    expect(placements(driver.settle())[0]).toBe(`w1: ${low}`);
  });
});

describe("fitting", () => {
  it("keeps whole workers free while something large may come, and spreads otherwise", () => {
    const place = (large: boolean, policy: "fit" | "spread") => {
      const driver = new CoreDriver({ policy });
      driver.session(1);
      driver.spec(1, 1, cores(1));
      if (large) driver.spec(1, 2, cores(8));
      driver.worker(1, poolOf(8));
      driver.worker(2, poolOf(8));
      driver.submit(1, 1, 2);
      return new Set(placements(driver.settle()).map((text) => text.slice(0, 2))).size;
    };
    expect([place(false, "fit"), place(true, "fit"), place(true, "spread")]).toEqual([2, 1, 2]);
  });

  it("leaves workers with devices and labels to those who need them", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.spec(1, 2, cores(8));
    driver.worker(1, poolOf(8, 64, { gpus: [0] }));
    driver.worker(2, poolOf(8, 64, { tokens: ["licence"] }));
    driver.worker(3, poolOf(8));
    driver.submit(1, 1, 1);
    expect(placements(driver.settle())).toEqual(["w3: 1"]);
  });
});

it("plans in slices: a step does a bounded amount of work and asks to be continued", () => {
  const driver = new CoreDriver();
  driver.session(1);
  driver.spec(1, 1, cores(1));
  for (let worker = 1; worker <= 100; worker += 1) driver.worker(worker, poolOf(64));
  driver.submit(1, 1, 6_400);
  const first = driver.core.step({ type: "planDue" }, driver.nowMs);
  expect(first.at(-1)).toEqual({ type: "planAgain" });
  const placed = placements([...first, ...driver.settle()]).flatMap((text) =>
    text.split(": ")[1]!.split(","),
  );
  expect(new Set(placed).size).toBe(6_400);
});
