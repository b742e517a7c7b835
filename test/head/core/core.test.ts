import { describe, expect, it } from "vitest";
import { cores, gpus, limit, memory, token } from "../../../proto/resource/index.js";
import { anyOf, nodes } from "../../../proto/resource/resource.js";
import { CoreDriver, placements, poolOf } from "../../kit/core.js";

/** So long that nothing is sent ahead. */
const LONG = { runUs: 600_000_000 };

describe("placing", () => {
  it("grants what fits and keeps the rest queued", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(2));
    driver.worker(1, poolOf(5));
    driver.submit(1, 1, 10);
    const granted = driver.settle().filter((effect) => effect.type === "assign" && effect.granted);
    expect(placements(granted)).toEqual(["w1: 1,2"]);
    expect(driver.core.view.session(1)?.queued).toBe(6);
  });

  it("waits without workers and places when one joins", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.submit(1, 1, 1);
    expect(driver.settle()).toEqual([]);
    driver.worker(1, poolOf(1));
    expect(placements(driver.settle())).toEqual(["w1: 1"]);
  });

  it("passes over what fits nowhere: no head-of-line blocking", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.session(2, { prioritized: true });
    driver.spec(1, 1, cores(8));
    driver.spec(1, 2, cores(1));
    driver.spec(2, 1, gpus(1));
    driver.worker(1, poolOf(2));
    driver.submit(1, 1, 3);
    driver.submit(2, 1, 3);
    const [small] = driver.submit(1, 2, 1);
    expect(placements(driver.settle())).toEqual([`w1: ${small}`]);
  });

  it("spreads over idle workers", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.worker(1, poolOf(4));
    driver.worker(2, poolOf(4));
    driver.submit(1, 1, 2);
    expect(placements(driver.settle())).toEqual(["w1: 1", "w2: 2"]);
  });

  it.each([
    ["tokens", token("has-gpu").and(cores(1)), poolOf(4), poolOf(4, 64, { tokens: ["has-gpu"] })],
    ["memory", memory(100), poolOf(4, 64), poolOf(4, 128)],
    ["gpus", gpus(1), poolOf(4), poolOf(4, 64, { gpus: [0] })],
    ["all cores", cores("all"), poolOf(0), poolOf(4)],
  ])("respects %s", (_name, demand, wrong, right) => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, demand);
    driver.worker(1, wrong);
    driver.submit(1, 1, 1);
    expect(placements(driver.settle())).toEqual([]);
    driver.worker(2, right);
    expect(placements(driver.settle())).toEqual(["w2: 1"]);
  });

  it("grants the first alternative that fits now", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, anyOf(gpus(1), cores(2)));
    driver.worker(1, poolOf(4, 64, { gpus: [0] }));
    driver.submit(1, 1, 3);
    const assigned = driver
      .settle()
      .flatMap((effect) => (effect.type === "assign" ? [[effect.alternative, effect.tasks]] : []));
    expect(assigned).toEqual([
      [0, [1]],
      [1, [2, 3]],
    ]);
  });

  it("keeps cluster-wide limits", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1).and(limit("license", 2)));
    driver.worker(1, poolOf(4));
    driver.worker(2, poolOf(4));
    driver.submit(1, 1, 5);
    expect(placements(driver.settle())).toEqual(["w1: 1", "w2: 2"]);
    driver.finish(1, 1, [1], LONG);
    expect(placements(driver.settle())).toEqual(["w1: 3"]);
  });

  it("gives a task with a soft walltime only to a worker with that much time left", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, { cores: 1, wtime: { hard: 200, soft: 100 } });
    driver.worker(1, poolOf(4, 64, { remainingMs: 150_000 }));
    driver.submit(1, 1, 2);
    driver.nowMs = 60_000;
    expect(placements(driver.settle())).toEqual([]);
    driver.worker(2, poolOf(1, 64, { remainingMs: 100_000 }));
    expect(placements(driver.settle()).filter((text) => !text.includes("+"))).toEqual(["w2: 1"]);
  });
});

describe("order", () => {
  it("takes the prioritized queue first, then the higher priority, then the order of submission", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.session(2, { prioritized: true });
    driver.spec(1, 1, cores(1));
    driver.spec(1, 2, cores(1), { priority: 5 });
    driver.spec(2, 1, cores(1), { priority: -3 });
    const plain = driver.submit(1, 1, 1);
    const high = driver.submit(1, 2, 1);
    const prioritized = driver.submit(2, 1, 1);
    driver.worker(1, poolOf(1));
    const order: string[] = [];
    for (let effects = driver.settle(); order.length < 3; effects = driver.settle()) {
      const started = effects.find(
        (effect) => effect.type === "promote" || (effect.type === "assign" && effect.granted),
      );
      if (started?.type !== "assign" && started?.type !== "promote") throw new Error("nothing was placed");
      order.push(`${started.session}.${started.tasks[0]}`);
      driver.finish(1, started.session, started.tasks, LONG);
    }
    expect(order).toEqual([`2.${prioritized[0]}`, `1.${high[0]}`, `1.${plain[0]}`]);
  });

  it("shares between sessions whatever their queue lengths", () => {
    const driver = new CoreDriver();
    for (const session of [1, 2]) {
      driver.session(session);
      driver.spec(session, 1, cores(1));
    }
    driver.submit(1, 1, 1000);
    driver.submit(2, 1, 4);
    driver.worker(1, poolOf(8));
    driver.settle();
    const running = [1, 2].map((session) => driver.core.view.session(session)!);
    expect(running[1]!.running).toBeGreaterThanOrEqual(4);
  });

  it("puts what comes back before what waits", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1), { retries: 1 });
    driver.worker(1, poolOf(1));
    driver.submit(1, 1, 5);
    driver.settle();
    driver.fail(1, 1, 1);
    const again = driver.settle().find((effect) => effect.type === "assign" && effect.granted);
    expect(again).toMatchObject({ tasks: [1], attempts: [2] });
  });
});

describe("ends", () => {
  it("delivers each result once and drops late ones", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.worker(1, poolOf(2));
    driver.submit(1, 1, 2);
    driver.settle();
    expect(driver.finish(1, 1, [1, 2])).toMatchObject([
      { type: "deliver", tasks: [1, 2], indices: undefined },
    ]);
    expect(driver.finish(1, 1, [1, 2])).toEqual([]);
    expect(driver.core.view.lateResults).toBe(2);
  });

  it("delivers only what is not late of a message", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.worker(1, poolOf(3));
    driver.submit(1, 1, 3);
    driver.settle();
    driver.finish(1, 1, [2]);
    expect(driver.finish(1, 1, [1, 2, 3])).toMatchObject([
      { type: "deliver", tasks: [1, 3], indices: [0, 2] },
    ]);
  });

  it("rejects at once by default and repeats as often as asked", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.spec(1, 2, cores(1), { retries: 2 });
    driver.worker(1, poolOf(2));
    driver.submit(1, 1, 1);
    driver.submit(1, 2, 1);
    driver.settle();
    expect(driver.fail(1, 1, 1)).toMatchObject([{ type: "reject", task: 1, attempt: 1 }]);
    for (const attempt of [1, 2]) {
      expect(driver.fail(1, 1, 2, attempt)).toMatchObject([
        { type: "remember", task: 2, attempt: attempt + 1, failures: attempt, again: true, queued: true },
      ]);
      driver.settle();
    }
    expect(driver.fail(1, 1, 2, 3)).toMatchObject([{ type: "reject", task: 2, attempt: 3 }]);
  });

  it("requeues what a lost worker had, with a new attempt, and drops its late results", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.worker(1, poolOf(1));
    driver.submit(1, 1, 3);
    driver.settle();
    driver.step({ type: "workerLost", worker: 1, planned: false });
    driver.worker(2, poolOf(1));
    const [assign] = driver.settle();
    expect(assign).toMatchObject({ type: "assign", worker: 2, tasks: [1], attempts: [2], granted: true });
    expect(driver.finish(1, 1, [1])).toEqual([]);
    expect(driver.finish(2, 1, [1], { attempts: [2] })).toMatchObject([{ type: "deliver", tasks: [1] }]);
  });

  it("ends a task under which five workers were lost, not one that only waited there", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.submit(1, 1, 2);
    const concluded: unknown[] = [];
    for (let worker = 1; worker <= 5; worker += 1) {
      driver.worker(worker, poolOf(1));
      driver.settle();
      concluded.push(
        ...driver
          .step({ type: "workerLost", worker, planned: false })
          .filter(({ type }) => type === "conclude"),
      );
    }
    expect(concluded).toMatchObject([
      {
        type: "conclude",
        tasks: [1],
        verdict: { type: "workersLost", workers: ["w1", "w2", "w3", "w4", "w5"] },
      },
    ]);
    expect(driver.core.view.session(1)?.queued).toBe(1);
  });

  it("charges nothing for a planned end", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.submit(1, 1, 1);
    for (let worker = 1; worker <= 9; worker += 1) {
      driver.worker(worker, poolOf(1));
      driver.settle();
      driver.step({ type: "workerLost", worker, planned: true });
    }
    expect(driver.core.view.session(1)?.queued).toBe(1);
  });
});

describe("cancelling", () => {
  it("ends queued tasks at once and placed ones when their worker confirms", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.worker(1, poolOf(1));
    driver.submit(1, 1, 4);
    driver.settle();
    const effects = driver.step({ type: "cancelRequested", session: 1, tasks: [1, 4, 4, 99, 1] });
    expect(effects).toMatchObject([
      { type: "stop", worker: 1, tasks: [1] },
      { type: "conclude", tasks: [4], verdict: { type: "cancelled" } },
    ]);
    expect(placements(driver.settle()).filter((text) => !text.includes("+"))).toEqual([]);
    expect(driver.fail(1, 1, 1, 1, "cancelled")).toMatchObject([{ type: "conclude", tasks: [1] }]);
    expect(driver.settle()).not.toEqual([]);
  });

  it("tells a gang's task its workers also when two were lost under it", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, nodes(2));
    driver.submit(1, 1, 1);
    for (const lost of [1, 3]) {
      driver.worker(lost, poolOf(1));
      driver.worker(lost + 1, poolOf(1));
      expect(driver.settle()).toMatchObject([{ type: "assign", worker: lost, gangs: [[lost, lost + 1]] }]);
      driver.step({ type: "workerLost", worker: lost, planned: false });
      driver.step({ type: "workerLost", worker: lost + 1, planned: false });
    }
    driver.worker(5, poolOf(1));
    driver.worker(6, poolOf(1));
    expect(driver.settle()).toMatchObject([{ type: "assign", attempts: [3], gangs: [[5, 6]] }]);
  });

  it("runs a task alone under which two workers were lost, and the others beside each other", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    const [suspect] = driver.submit(1, 1, 1);
    for (const worker of [1, 2]) {
      driver.worker(worker, poolOf(1));
      driver.settle();
      driver.step({ type: "workerLost", worker, planned: false });
    }
    const others = driver.submit(1, 1, 5);
    driver.worker(3, poolOf(4));
    driver.worker(4, poolOf(4));
    const placed = driver.settle();
    const own = placed.filter((effect) => effect.type === "assign" && effect.tasks.includes(suspect!));
    expect(own).toMatchObject([{ tasks: [suspect], attempts: [3], granted: true, gangs: undefined }]);
    const alone = (own[0] as { worker: number }).worker;
    const beside = placed.flatMap((effect) =>
      effect.type === "assign" && effect.granted && effect.worker !== alone ? effect.tasks : [],
    );
    expect(beside).toEqual(others.slice(0, 4));
    driver.finish(alone, 1, [suspect!], { attempts: [3] });
    const [asked] = driver.settle();
    expect(asked).toMatchObject({ type: "retract", tasks: others.slice(4) });
  });

  it("closes a session when the last of its tasks is gone, and delivers nothing more", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.worker(1, poolOf(2));
    driver.submit(1, 1, 10);
    driver.settle();
    const stopped = driver
      .step({ type: "sessionClosed", session: 1 })
      .flatMap((effect) => (effect.type === "stop" ? effect.tasks : []));
    expect(stopped).toContain(1);
    expect(driver.finish(1, 1, [1])).toEqual([]);
    const effects = stopped
      .filter((task) => task !== 1)
      .flatMap((task) => driver.fail(1, 1, task, 1, "cancelled"));
    expect(effects).toEqual([{ type: "sessionEnded", session: 1 }]);
    expect(driver.core.view.session(1)).toBeUndefined();
  });
});

describe("feasibility", () => {
  it("warns once when no connected worker could ever run a class", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(64));
    driver.submit(1, 1, 2);
    expect(driver.settle()).toEqual([]);
    driver.worker(1, poolOf(4));
    expect(driver.settle()).toMatchObject([{ type: "warn", session: 1, spec: 1 }]);
    driver.submit(1, 1, 1);
    expect(driver.settle()).toEqual([]);
    driver.worker(2, poolOf(64));
    expect(placements(driver.settle())[0]).toBe("w2: 1");
  });

  it("fails such tasks when asked to", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(64), { failInfeasible: true });
    driver.worker(1, poolOf(4));
    driver.submit(1, 1, 2);
    expect(driver.settle()).toMatchObject([
      { type: "conclude", tasks: [1, 2], verdict: { type: "infeasible" } },
    ]);
  });
});
