import { describe, expect, it } from "vitest";
import { cores } from "../../../proto/resource/index.js";
import { CoreDriver, placements, poolOf, type TestEffect } from "../../kit/core.js";

function aheadOf(effects: readonly TestEffect[]): number[] {
  return effects.flatMap((effect) => (effect.type === "assign" && !effect.granted ? effect.tasks : []));
}

/** What an assignment starts at once on a worker. */
function grantedOn(effect: TestEffect, worker: number): readonly number[] {
  return effect.type === "assign" && effect.granted && effect.worker === worker ? effect.tasks : [];
}

function warm(driver: CoreDriver, runUs: number): void {
  driver.submit(1, 1, 1);
  driver.settle();
  driver.finish(1, 1, [1], { runUs });
}

describe("prefetch", () => {
  it.each([
    ["5 µs", 5, 1024],
    ["1 ms", 1_000, 60],
    ["100 ms", 100_000, 1],
    ["ten minutes", 600_000_000, 0],
  ])("sends ahead according to the run time: %s", (_name, runUs, expected) => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.worker(1, poolOf(1));
    warm(driver, runUs);
    driver.submit(1, 1, 5_000);
    // Sent in slices, and not filled up again before it is half empty.
    const sent = aheadOf(driver.settle()).length;
    expect(sent).toBeLessThanOrEqual(expected);
    expect(sent).toBeGreaterThanOrEqual(expected * 0.9);
  });

  it("sends what sessions get by turns in one message for each of them, in equal parts", () => {
    const driver = new CoreDriver();
    for (const session of [1, 2, 3]) {
      driver.session(session);
      driver.spec(session, 1, cores(1));
    }
    driver.worker(1, poolOf(1));
    for (const session of [1, 2, 3]) {
      driver.submit(session, 1, 1);
      driver.settle();
      driver.finish(1, session, [1], { runUs: 100 });
    }
    for (const session of [1, 2, 3]) driver.submit(session, 1, 60);
    const sent = driver
      .settle()
      .flatMap((effect) => (effect.type === "assign" && !effect.granted ? [effect] : []));
    expect(sent.map(({ session }) => session)).toHaveLength(3);
    const counts = sent.map(({ tasks }) => tasks.length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    for (const { tasks } of sent) expect(tasks).toEqual([...tasks].sort((a, b) => a - b));
  });

  it("gives a session half a millisecond of work at a time, and each its turn", () => {
    const driver = new CoreDriver();
    const sessions = [1, 2, 3, 4, 5, 6];
    for (const session of sessions) {
      driver.session(session);
      driver.spec(session, 1, cores(1));
    }
    driver.worker(1, poolOf(1));
    for (const session of sessions) {
      driver.submit(session, 1, 1);
      driver.settle();
      driver.finish(1, session, [1], { runUs: 2 });
    }
    for (const session of sessions) driver.submit(session, 1, 2_000);
    const held: { session: number; task: number }[] = [];
    let blocks = 0;
    const take = () => {
      for (const effect of driver.settle()) {
        if (effect.type !== "assign") continue;
        blocks += 1;
        held.push(...effect.tasks.map((task) => ({ session: effect.session, task })));
      }
    };
    take();
    const ended = new Map(sessions.map((session) => [session, 0]));
    for (let rounds = 0; rounds < 60; rounds += 1) {
      const { session } = held[0]!;
      const other = held.findIndex((each) => each.session !== session);
      const tasks = held.splice(0, Math.min(100, other < 0 ? held.length : other)).map(({ task }) => task);
      driver.finish(1, session, tasks, { runUs: 2 });
      ended.set(session, ended.get(session)! + tasks.length);
      const [next] = held;
      if (next !== undefined)
        driver.step({ type: "started", worker: 1, session: next.session, tasks: [next.task], attempts: [] });
      take();
    }
    const total = [...ended.values()].reduce((sum, count) => sum + count, 0);
    // Of none has ended less than of the others by more than a turn or two.
    expect(Math.min(...ended.values())).toBeGreaterThan(total / 6 - 2 * 250);
    expect(total / blocks).toBeGreaterThan(100);
  });

  it("lets many workers report seldom, and sends them so much more ahead", () => {
    const driver = new CoreDriver({}, 100);
    driver.session(1);
    driver.spec(1, 1, cores(1));
    for (let worker = 1; worker <= 20; worker += 1) driver.worker(worker, poolOf(1));
    warm(driver, 10_000);
    const assigned = () => {
      driver.submit(1, 1, 10_000);
      return driver.settle().flatMap((effect) => (effect.type === "assign" ? [effect] : []));
    };
    const few = assigned();
    expect(few.map(({ reportMs }) => reportMs)).toEqual(few.map(() => undefined));
    expect(few.filter(({ worker, granted }) => worker === 1 && !granted)).toMatchObject([
      { tasks: { length: 6 } },
    ]);
    for (let worker = 21; worker <= 400; worker += 1) driver.worker(worker, poolOf(1));
    const many = assigned();
    expect(new Set(many.map(({ reportMs }) => reportMs))).toEqual(new Set([80]));
    const ahead = many.filter(({ worker, granted }) => worker === 400 && !granted);
    const held = ahead.flatMap(({ tasks }) => tasks);
    expect(held).toHaveLength(22);
    // Each report is answered.
    driver.finish(400, 1, [...many.flatMap((each) => grantedOn(each, 400)), ...held.slice(0, 7)], {
      runUs: 10_000,
    });
    driver.step({ type: "started", worker: 400, session: 1, tasks: held.slice(7, 8), attempts: [] });
    expect(aheadOf(driver.settle())).toHaveLength(8);
  });

  it("lets a task take over the place of one that ended, in order and at once", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.worker(1, poolOf(1));
    warm(driver, 1_000);
    driver.submit(1, 1, 100);
    driver.settle();
    driver.finish(1, 1, [2, 3], { runUs: 1_000 });
    driver.step({ type: "started", worker: 1, session: 1, tasks: [4], attempts: [] });
    expect([...driver.core.view.workers()][0]).toMatchObject({ running: 1 });
  });

  it("drops a worker that starts more than its resources allow", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.worker(1, poolOf(1));
    warm(driver, 1_000);
    driver.submit(1, 1, 100);
    driver.settle();
    const effects = driver.step({ type: "started", worker: 1, session: 1, tasks: [4], attempts: [] });
    expect(effects).toMatchObject([{ type: "dropWorker", worker: 1 }]);
  });

  it("takes back what waits while another worker idles, and sends it there", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.worker(1, poolOf(1));
    warm(driver, 100_000);
    driver.submit(1, 1, 2);
    expect(placements(driver.settle())).toEqual(["w1: 2", "w1+: 3"]);
    driver.worker(2, poolOf(1));
    expect(driver.settle()).toMatchObject([{ type: "retract", worker: 1, tasks: [3] }]);
    driver.step({ type: "returned", worker: 1, session: 1, tasks: [3], attempts: [] });
    expect(placements(driver.settle())).toEqual(["w2: 3"]);
  });

  it("survives that a task asked back has just started", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.worker(1, poolOf(1));
    warm(driver, 100_000);
    driver.submit(1, 1, 2);
    driver.settle();
    driver.worker(2, poolOf(1));
    driver.settle();
    driver.finish(1, 1, [2]);
    driver.step({ type: "started", worker: 1, session: 1, tasks: [3], attempts: [] });
    expect(driver.settle()).toEqual([]);
    expect(driver.finish(1, 1, [3])).toMatchObject([{ type: "deliver", tasks: [3] }]);
  });

  it("makes way for more urgent work", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.spec(1, 2, cores(1), { priority: 9 });
    driver.worker(1, poolOf(1));
    warm(driver, 100_000);
    driver.submit(1, 1, 2);
    driver.settle();
    driver.submit(1, 2, 1);
    expect(driver.settle()).toContainEqual({ type: "retract", worker: 1, session: 1, tasks: [3] });
  });

  it("makes way for a client that holds less, as far as that one has work", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.worker(1, poolOf(4));
    warm(driver, 450_000);
    driver.submit(1, 1, 1_000);
    driver.settle();
    driver.session(2);
    driver.spec(2, 1, cores(1));
    driver.submit(2, 1, 3);
    const retracted = driver.settle().flatMap((effect) => (effect.type === "retract" ? effect.tasks : []));
    expect(retracted).toHaveLength(3);
    driver.submit(1, 1, 1);
    expect(driver.settle().filter(({ type }) => type === "retract")).toEqual([]);
  });

  it("does not refill while another shape waits for the worker, so that it finds room", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.spec(1, 2, cores(2));
    driver.worker(1, poolOf(2));
    warm(driver, 5);
    driver.submit(1, 2, 1);
    driver.settle();
    driver.submit(1, 1, 1_000);
    driver.submit(1, 2, 1);
    driver.settle();
    driver.finish(1, 1, [2], { runUs: 5 });
    const sent = aheadOf(driver.settle());
    expect(sent.length).toBeGreaterThan(0);
    driver.finish(1, 1, sent.slice(0, sent.length - 1), { runUs: 5 });
    expect(aheadOf(driver.settle())).toEqual([]);
  });

  it("promotes what waits on a worker that gets room", () => {
    const driver = new CoreDriver();
    driver.session(1);
    driver.spec(1, 1, cores(1));
    driver.spec(1, 2, cores(1));
    driver.worker(1, poolOf(2));
    warm(driver, 200_000);
    const [other] = driver.submit(1, 2, 1);
    driver.settle();
    driver.submit(1, 1, 2);
    expect(placements(driver.settle())).toEqual(["w1: 3", "w1+: 4"]);
    driver.finish(1, 1, [other!]);
    expect(driver.settle()).toEqual([{ type: "promote", worker: 1, session: 1, tasks: [4] }]);
  });
});
