/** What holds for every sequence of decisions, whatever the batch system does. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Goal } from "../../../head/scale/goal.js";
import { leastOf, mostOf } from "../../../head/scale/goal.js";
import { MINUTE_MS, World } from "./world.js";

const goal: fc.Arbitrary<Goal> = fc.oneof(
  fc.record({ type: fc.constant("fixed" as const), workers: fc.nat(6) }),
  fc.tuple(fc.nat(4), fc.nat(6), fc.integer({ min: 0, max: 10 })).map(([min, more, idle]) => ({
    type: "demand" as const,
    min,
    max: min + more,
    idleMs: idle * MINUTE_MS,
  })),
);

type Happening =
  | { readonly type: "tasks"; readonly count: number }
  | { readonly type: "weather"; readonly what: "refuses" | "broken" | "silent"; readonly on: boolean }
  | { readonly type: "nodes"; readonly count: number }
  | { readonly type: "time"; readonly minutes: number }
  | { readonly type: "goal"; readonly goal: Goal }
  | { readonly type: "cancel"; readonly which: number };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant("tasks" as const), count: fc.nat(20) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("weather" as const),
      what: fc.constantFrom("refuses" as const, "broken" as const, "silent" as const),
      on: fc.boolean(),
    }),
  },
  fc.record({ type: fc.constant("nodes" as const), count: fc.nat(8) }),
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant("time" as const), minutes: fc.integer({ min: 1, max: 40 }) }),
  },
  fc.record({ type: fc.constant("goal" as const), goal }),
  fc.record({ type: fc.constant("cancel" as const), which: fc.nat(20) }),
);

const story = fc.array(happening, { maxLength: 25 });
const lifetime = fc.integer({ min: 8, max: 200 }).map((minutes) => minutes * MINUTE_MS);

function happen(world: World, each: Happening): void {
  switch (each.type) {
    case "tasks":
      world.tasks += each.count;
      return;
    case "weather":
      world.weather[each.what] = each.on;
      return;
    case "nodes":
      world.weather.nodes = each.count;
      return;
    case "time":
      world.pass(each.minutes);
      return;
    case "goal":
      return world.aim(each.goal);
    case "cancel": {
      const ids = [...world.jobs.keys()];
      if (ids.length > 0) world.cancel(ids[each.which % ids.length]!);
      return;
    }
    default:
      each satisfies never;
  }
}

function fine(world: World): void {
  Object.assign(world.weather, { nodes: 100, refuses: false, broken: false, silent: false });
}

describe("the swarm", () => {
  it("never asks for more than the goal allows", () => {
    fc.assert(
      fc.property(goal, lifetime, story, (first, lifetimeMs, happenings) => {
        const world = new World(first, lifetimeMs);
        for (const each of happenings) happen(world, each);
        for (const { actions, total, state } of world.decisions) {
          if (actions.every(({ type }) => type !== "submit")) continue;
          expect(total).toBeLessThanOrEqual(mostOf(state.goal));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("submits nothing while it is paused, or waits", () => {
    fc.assert(
      fc.property(goal, lifetime, story, (first, lifetimeMs, happenings) => {
        const world = new World(first, lifetimeMs);
        for (const each of happenings) happen(world, each);
        for (const { actions, state, atMs } of world.decisions) {
          if (state.pause === undefined && state.notBeforeMs <= atMs) continue;
          expect(actions.map(({ type }) => type)).not.toContain("submit");
        }
      }),
      { numRuns: 300 },
    );
  });

  it("comes to rest at the least number without work, and at nothing when it is to", () => {
    fc.assert(
      fc.property(goal, lifetime, story, (first, someMs, happenings) => {
        // Tasks that take longer than any worker lives never end.
        const lifetimeMs = someMs + 20 * MINUTE_MS;
        const world = new World(first, lifetimeMs);
        for (const each of happenings) happen(world, each);
        fine(world);
        const { goal: last } = world.state;
        world.aim(last);
        world.tasks = 0;
        // All that runs ends, if not at first, and the last has been idle for long enough.
        world.pass(90);
        const idle = world.pass(Math.ceil(lifetimeMs / MINUTE_MS) - 1);
        // Workers still come to their end, and are followed by others.
        for (const { actions } of idle) for (const { type } of actions) expect(type).toMatch(/submit|leave/);
        expect(world.alive).toBeGreaterThanOrEqual(leastOf(last));
        if (leastOf(last) === 0) expect(world.alive).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it("reaches the least number while submissions work", () => {
    fc.assert(
      fc.property(goal, story, (first, happenings) => {
        const world = new World(first, 600 * MINUTE_MS);
        for (const each of happenings) happen(world, each);
        fine(world);
        world.aim(world.state.goal);
        for (const _ of world.pass(30)) expect(world.alive).toBeGreaterThanOrEqual(leastOf(world.state.goal));
      }),
      { numRuns: 200 },
    );
  });

  it("decides nothing more once what it asked for is there and all have work", () => {
    fc.assert(
      fc.property(goal, fc.integer({ min: 1, max: 20 }), (first, tasks) => {
        const world = new World(first, 600 * MINUTE_MS);
        world.taskMs = 1_000 * MINUTE_MS;
        world.tasks = tasks;
        world.pass(20);
        for (const { actions } of world.pass(60)) expect(actions).toEqual([]);
        const wanted = Math.min(mostOf(first), Math.max(leastOf(first), tasks));
        // One that had nothing to do has left.
        if (tasks >= leastOf(first) || first.type === "fixed") expect(world.workers.size).toBe(wanted);
      }),
      { numRuns: 100 },
    );
  });

  it("runs all work to its end, over the ends of walltimes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 60 }), (max, tasks) => {
        const world = new World({ type: "demand", min: 0, max, idleMs: MINUTE_MS }, 40 * MINUTE_MS);
        world.tasks = tasks;
        world.pass(60 + Math.ceil((tasks / max) * 25));
        expect(world.tasks).toBe(0);
        expect(world.alive).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});
