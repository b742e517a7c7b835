import { setImmediate as turn } from "node:timers/promises";
import { expect, it, vi } from "vitest";
import { Loop, type Scheduler } from "../../../head/shell/loop.js";

it("plans again in the next turn, after what has arrived meanwhile", async () => {
  const steps: string[] = [];
  let slices = 3;
  const core: Pick<Scheduler, "step"> = {
    step(event) {
      steps.push(event.type);
      if (event.type !== "planDue") return [];
      slices -= 1;
      return slices > 0
        ? [{ type: "planAgain" }, { type: "promote", worker: 1, session: 1, tasks: [slices] }]
        : [];
    },
  };
  const carried: unknown[] = [];
  const loop = new Loop(
    core,
    (effect) => void carried.push(effect),
    () => 0,
  );
  let flushes = 0;
  loop.step({ type: "workerLeaving", worker: 1 });
  loop.touch({
    flush: () => {
      flushes += 1;
    },
  });
  await turn();
  expect(steps).toEqual(["workerLeaving", "planDue"]);
  expect(flushes).toBe(1);
  loop.step({ type: "workerLeaving", worker: 2 });
  await turn();
  await turn();
  await turn();
  expect(steps).toEqual(["workerLeaving", "planDue", "workerLeaving", "planDue", "planDue"]);
  expect(carried).toEqual([2, 1].map((left) => ({ type: "promote", worker: 1, session: 1, tasks: [left] })));
});

it("sends what a plan has placed at once, turn after turn", async () => {
  const core: Pick<Scheduler, "step"> = {
    step: (event) =>
      event.type === "planDue" ? [{ type: "promote", worker: 1, session: 1, tasks: [1] }] : [],
  };
  let flushes = 0;
  const peer = {
    flush: () => {
      flushes += 1;
    },
  };
  const loop = new Loop(
    core,
    () => loop.touch(peer),
    () => 0,
  );
  for (let lone = 1; lone <= 3; lone += 1) {
    loop.step({ type: "workerLeaving", worker: 1 });
    await Promise.resolve().then(() => {});
    expect(flushes).toBe(lone);
    await turn();
    expect(flushes).toBe(lone);
  }
});

it("plans at the time that the core asked for, and not before", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  try {
    const plannedAtMs: number[] = [];
    let nowMs = 1_000.5;
    const core: Pick<Scheduler, "step"> = {
      step(event, atMs) {
        if (event.type !== "planDue") return [];
        return plannedAtMs.push(atMs) === 1 ? [{ type: "planAt", atMs: 1_030 }] : [];
      },
    };
    const loop = new Loop(
      core,
      () => {},
      () => nowMs,
    );
    loop.step({ type: "workerLeaving", worker: 1 });
    await turn();
    vi.advanceTimersByTime(29);
    await turn();
    expect(plannedAtMs).toEqual([1_000.5]);
    nowMs = 1_030;
    vi.advanceTimersByTime(2);
    await turn();
    expect(plannedAtMs).toEqual([1_000.5, 1_030]);
  } finally {
    vi.useRealTimers();
  }
});

it("plans at a time that no timer reaches in one go, and not at once", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  try {
    const plannedAtMs: number[] = [];
    let nowMs = 0;
    const farMs = 2 ** 31 + 5_000;
    const core: Pick<Scheduler, "step"> = {
      step(event, atMs) {
        if (event.type !== "planDue") return [];
        return plannedAtMs.push(atMs) === 1 ? [{ type: "planAt", atMs: farMs }] : [];
      },
    };
    const loop = new Loop(
      core,
      () => {},
      () => nowMs,
    );
    loop.step({ type: "workerLeaving", worker: 1 });
    await turn();
    nowMs = 2 ** 31;
    vi.advanceTimersByTime(2 ** 31);
    await turn();
    expect(plannedAtMs).toEqual([0]);
    nowMs = farMs;
    vi.advanceTimersByTime(6_000);
    await turn();
    expect(plannedAtMs).toEqual([0, farMs]);
  } finally {
    vi.useRealTimers();
  }
});
