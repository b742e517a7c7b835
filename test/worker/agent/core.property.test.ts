import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AgentState } from "../../../worker/agent/core/state.js";
import { demandOf, poolOf, World } from "./world.js";

const SPECS = [demandOf(1), demandOf(2), demandOf(0.5), demandOf(0, 1), demandOf(1, 1)];

const action = fc.tuple(
  fc.constantFrom(
    "assign",
    "assignMany",
    "promote",
    "retract",
    "cancel",
    "toAgent",
    "toAgent",
    "toHead",
    "hear",
    "hear",
    "finish",
    "finish",
    "finish",
    "fail",
    "large",
    "uploaded",
    "flush",
    "flush",
    "die",
    "exit",
    "timer",
    "sweep",
    "prepare",
    "pressure",
    "noPressure",
    "overflow",
  ),
  fc.nat(),
);

type Action = typeof action extends fc.Arbitrary<infer A> ? A : never;

function pick<T>(items: Iterable<T>, n: number): T | undefined {
  const list = [...items];
  return list[n % Math.max(list.length, 1)];
}

function act(world: World, [what, n]: Action): void {
  const executor = pick(world.executors.values(), n);
  switch (what) {
    case "assign":
      world.assign(n % SPECS.length, n % 2 === 0, n % 7 !== 0);
      return;
    case "assignMany":
      for (let i = 0; i < 20; i++) world.assign(n % SPECS.length, false);
      return;
    case "promote":
      if (world.tasks.length > 0) world.promote((n % world.tasks.length) + 1);
      return;
    case "retract":
      if (world.tasks.length > 0) world.order("retracted", (n % world.tasks.length) + 1);
      return;
    case "cancel":
      if (world.tasks.length > 0) world.order("cancelRequested", (n % world.tasks.length) + 1);
      return;
    case "toAgent":
      world.deliverToAgent();
      return;
    case "toHead":
      world.deliverToHead();
      return;
    case "hear":
      if (executor !== undefined) world.hearAgent(executor);
      return;
    case "finish":
      if (executor !== undefined) world.endTask(executor, "finished");
      return;
    case "fail":
      if (executor !== undefined) world.endTask(executor, "failed");
      return;
    case "large":
      if (executor !== undefined) world.endTask(executor, "uploading");
      return;
    case "flush":
      if (executor !== undefined) world.flush(executor);
      return;
    case "die":
    case "exit":
      if (executor !== undefined) world.die(executor, what === "exit");
      return;
    case "timer": {
      const timer = pick(world.timers, n);
      if (timer !== undefined) world.fireTimer(timer);
      return;
    }
    case "sweep":
      world.take({ type: "swept", keep: n % 3 });
      return;
    case "uploaded": {
      const ref = world.uploads.shift();
      const value = new Uint8Array(0);
      if (ref !== undefined)
        world.take({ type: "uploaded", report: { type: "finished", ref, value, runUs: 10 } });
      return;
    }
    case "pressure":
    case "noPressure":
      world.take({ type: "pressureFelt", pressed: what === "pressure" });
      return;
    case "overflow": {
      const ref = pick(world.state.byRef.keys(), n);
      if (ref !== undefined) world.take({ type: "memoryExceeded", ref, usedBytes: 2 ** 30 });
      return;
    }
    case "prepare": {
      const ref = world.unprepared.shift();
      if (ref !== undefined) world.take({ type: "prepared", ref, value: new Uint8Array(0) });
      return;
    }
  }
}

/** Runs enough of each spec for the agent to know that they are short. */
function learn(world: World): void {
  for (let spec = 0; spec < SPECS.length; spec++) {
    for (let i = 0; i < 10; i++) {
      world.assign(spec, true);
      world.settle();
    }
  }
}

function check(state: AgentState): void {
  let owning = 0;
  for (const task of state.byKey.values()) if ("allocation" in task.phase) owning += 1;
  expect(state.ledger.outstanding).toBe(owning);
  let exclusive = 0;
  for (const executor of state.executors.values()) {
    if (executor.use.type === "exclusive") {
      exclusive += 1;
      expect(executor.running.size).toBeLessThanOrEqual(1);
    }
    if (executor.ahead.length > 0) expect(executor.running.size).toBe(1);
    if (executor.use.type === "idle") expect(executor.running.size).toBe(0);
  }
  expect(state.exclusive).toBe(exclusive);
  for (const executor of state.idle) expect(executor.use.type).toBe("idle");
  let waiting = 0;
  for (const _ of state.waiting) waiting += 1;
  expect(state.waiting.size).toBe(waiting);
  expect(state.byRef.size).toBe(state.byKey.size);
}

describe("the agent's core", () => {
  it("never over-commits, and ends each task exactly once, whatever happens in whatever order", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 300, size: "max" }), (actions) => {
        const world = new World(poolOf(3, 2), SPECS, [0, 0, 0, 0, 1000]);
        learn(world);
        for (const one of actions) {
          act(world, one);
          check(world.state);
        }
        world.take({ type: "pressureFelt", pressed: false });
        world.settle();
        check(world.state);
        expect(world.tasks.filter((task) => task.state !== "ended")).toEqual([]);
        expect(world.state.byKey.size).toBe(0);
        expect(world.free).toEqual(world.total);
        expect(world.state.ledger.free()).toEqual(world.total);
      }),
      { numRuns: 500 },
    );
  });

  it("ends when it is left, with everything given back or ended", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 100, size: "max" }), (actions) => {
        const world = new World(poolOf(2, 2), SPECS);
        learn(world);
        for (const one of actions) act(world, one);
        // Sometimes with a deadline that has passed already.
        world.take({ type: "leaveRequested" });
        if (actions.length % 2 === 0) world.take({ type: "evictRequested" });
        world.settle();
        expect(world.left).toBe(true);
        expect(world.state.byKey.size).toBe(0);
        expect(world.state.ledger.outstanding).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
