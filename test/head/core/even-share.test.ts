import { describe, expect, it } from "vitest";
import { cores } from "../../../proto/resource/index.js";
import { CoreDriver, poolOf, type TestEffect } from "../../kit/core.js";

const WORKERS = 300;
/** So many report every 60 ms, and hold 180 ms of work ahead. */
const RUN_US = 10_000;
const AHEAD = 18;

function crowd(): CoreDriver {
  const driver = new CoreDriver({}, 50);
  driver.session(1);
  driver.spec(1, 1, cores(1));
  driver.spec(1, 2, cores(2));
  driver.worker(1, poolOf(1));
  driver.submit(1, 1, 1);
  driver.settle();
  driver.finish(1, 1, [1], { runUs: RUN_US });
  for (let worker = 2; worker <= WORKERS; worker += 1) driver.worker(worker, poolOf(1));
  driver.settle();
  return driver;
}

/** How many tasks each worker was sent of one kind. */
function sent(effects: readonly TestEffect[], granted: boolean): Map<number, number> {
  const counts = new Map<number, number>();
  for (const effect of effects) {
    if (effect.type !== "assign" || effect.granted !== granted) continue;
    counts.set(effect.worker, (counts.get(effect.worker) ?? 0) + effect.tasks.length);
  }
  return counts;
}

function tasksOn(effects: readonly TestEffect[], worker: number): number[] {
  return effects.flatMap((effect) =>
    effect.type === "assign" && effect.worker === worker ? effect.tasks : [],
  );
}

/** All tasks up to `ends` have ended, and the next has started. */
function report(driver: CoreDriver, worker: number, tasks: readonly number[], ends: number): void {
  driver.finish(worker, 1, tasks.slice(0, ends), { runUs: RUN_US });
  driver.step({ type: "started", worker, session: 1, tasks: [tasks[ends]!], attempts: [] });
}

describe("a queue with enough for all", () => {
  it("gives a worker its first task and what goes ahead in one step", () => {
    const driver = crowd();
    driver.submit(1, 1, 10_000);
    const step = driver.planSlice();
    const granted = sent(step, true);
    expect(granted.size).toBeGreaterThan(10);
    expect(granted.size).toBeLessThan(WORKERS);
    const ahead = sent(step, false);
    // But for the last one, where the step may have been over.
    const all = [...granted.keys()].slice(0, -1);
    expect([...ahead.keys()].slice(0, all.length)).toEqual(all);
    expect(all.map((worker) => ahead.get(worker))).toEqual(all.map(() => AHEAD));
    const rest = driver.settle();
    expect(granted.size + sent(rest, true).size).toBe(WORKERS);
  });

  it.each([
    ["another shape waits", 10_000, true],
    ["it is short", WORKERS * AHEAD, false],
  ])("first gives every worker a task when %s", (_name, count, other) => {
    const driver = crowd();
    if (other) driver.submit(1, 2, 1);
    driver.submit(1, 1, count);
    expect(sent(driver.planSlice(), false).size).toBe(0);
  });
});

describe("a queue that runs short", () => {
  it("is shared evenly", () => {
    const driver = crowd();
    driver.submit(1, 1, WORKERS * 3);
    const effects = driver.settle();
    expect([...sent(effects, true).values()]).toEqual(new Array(WORKERS).fill(1));
    expect([...sent(effects, false).values()]).toEqual(new Array(WORKERS).fill(2));
  });

  it("gives a worker that reports what it lacks of what is likely to be left on the others", () => {
    const driver = crowd();
    driver.submit(1, 1, WORKERS * (1 + AHEAD) + 600);
    const effects = driver.settle();
    expect([...sent(effects, false).values()]).toEqual(new Array(WORKERS).fill(AHEAD));
    driver.nowMs += 60;
    report(driver, 7, tasksOn(effects, 7), 6);
    // It has twelve left, and so have the others by now, with 600 queued: two more for each.
    expect(sent(driver.settle(), false)).toEqual(new Map([[7, 2]]));
    driver.nowMs += 60;
    // Most should have reported by now: as they have not, nothing has ended there.
    report(driver, 8, tasksOn(effects, 8), 12);
    expect(sent(driver.settle(), false)).toEqual(new Map([[8, 12]]));
  });
});
