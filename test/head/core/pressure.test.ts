import { describe, expect, it } from "vitest";
import { cores, nodes } from "../../../proto/resource/index.js";
import { type CoreDriver, placements, poolOf, type TestEffect } from "../../kit/core.js";
import { lines, on, queued, world } from "./explaining.js";

function press(driver: CoreDriver, worker: number, pressed = true): void {
  driver.step({ type: "workerPressed", worker, pressed });
}

function promoted(effects: readonly TestEffect[]): string[] {
  return effects.flatMap((effect) =>
    effect.type === "promote" ? [`w${effect.worker}: ${effect.tasks.join(",")}`] : [],
  );
}

/** One worker of 4 cores that runs so many tasks of one core, then gets short of memory. */
function pressedWorld(running: number): CoreDriver {
  const driver = world(cores(1), [poolOf(4)], running);
  press(driver, 1);
  driver.settle();
  return driver;
}

describe("a worker that is short of memory", () => {
  it.each([
    ["nothing beside what runs", 2, []],
    ["one task when it runs nothing", 0, ["w1: 1"]],
  ])("gets %s", (_what, running, expected) => {
    const driver = pressedWorld(running);
    driver.submit(1, 1, 3);
    expect(placements(driver.settle())).toEqual(expected);
  });

  it("gets the next when the one has ended, and nothing ahead of that", () => {
    const driver = pressedWorld(0);
    driver.submit(1, 1, 8);
    driver.settle();
    driver.finish(1, 1, [1], { runUs: 100 });
    expect(placements(driver.settle())).toEqual(["w1: 2"]);
    driver.finish(1, 1, [2], { runUs: 100 });
    expect(placements(driver.settle())).toEqual(["w1: 3"]);
  });

  it("is passed over for one that is not", () => {
    const driver = pressedWorld(1);
    driver.worker(2, poolOf(4));
    driver.submit(1, 1, 3);
    expect(placements(driver.settle())).toEqual(["w2: 2,3,4"]);
  });

  it("gets what waits as soon as there is enough memory, where no plan would look otherwise", () => {
    const driver = pressedWorld(1);
    driver.submit(1, 1, 3);
    expect(driver.settle()).toEqual([]);
    press(driver, 1, false);
    expect(placements(driver.settle())).toEqual(["w1: 2,3,4"]);
  });

  it("starts nothing of what was sent ahead, until there is enough memory", () => {
    const driver = world(cores(1), [poolOf(2)], 4);
    expect(driver.core.view.internals.aheadCount).toBe(2);
    press(driver, 1);
    driver.finish(1, 1, [1]);
    expect(promoted(driver.settle())).toEqual([]);
    press(driver, 1, false);
    expect(promoted(driver.settle())).toEqual(["w1: 3"]);
  });

  it("runs what it gives back again when it runs nothing any more", () => {
    const driver = world(cores(1), [poolOf(2)], 4);
    press(driver, 1);
    driver.step({ type: "returned", worker: 1, session: 1, tasks: [3, 4], attempts: [] });
    expect(driver.settle()).toEqual([]);
    driver.finish(1, 1, [1]);
    expect(placements(driver.settle())).toEqual([]);
    driver.finish(1, 1, [2]);
    expect(placements(driver.settle())).toEqual(["w1: 3"]);
  });

  it("can be one of a gang's when it runs nothing", () => {
    const driver = world(nodes(2), [poolOf(4), poolOf(4)], 0);
    press(driver, 1);
    press(driver, 2);
    driver.submit(1, 1, 2);
    expect(placements(driver.settle())).toEqual(["w1: 1"]);
  });

  it("is not kept free for a task that could wait for another worker", () => {
    const driver = world(cores(1), [poolOf(4), poolOf(4)], 0, { reserveAfterMs: 100 });
    driver.spec(1, 2, cores("all"));
    driver.submit(1, 1, 8);
    driver.settle();
    // w1 lacks less, and would be taken otherwise.
    driver.finish(
      1,
      1,
      [...(driver.core.view.internals.workers.get(1)?.granted ?? [])].map((t) => t.number).slice(0, 3),
    );
    press(driver, 1);
    driver.submit(1, 2, 1);
    driver.settle();
    driver.nowMs = 200;
    driver.settle();
    const reserved = [...driver.core.view.internals.reservations.keys()].map(({ name }) => name);
    expect(reserved).toEqual(["w2"]);
    press(driver, 2);
    expect(driver.core.view.internals.reservations.size).toBe(0);
  });

  it("is shown, and told as what keeps a task back", () => {
    const driver = pressedWorld(1);
    driver.submit(1, 1, 1);
    driver.settle();
    expect([...driver.core.view.workers()].map(({ state }) => state)).toEqual(["pressed"]);
    expect(queued(driver, 1, 2).alternatives[0]!.obstacles).toEqual([
      { type: "pressed", workers: [on("w1")], others: 0 },
    ]);
    expect(lines(driver, 1, 2).slice(1)).toEqual([
      "Under memory pressure: w1.",
      "Nothing goes before it: it starts when there is memory again, or the worker runs nothing.",
    ]);
  });
});
