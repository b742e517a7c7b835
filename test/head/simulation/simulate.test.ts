import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lowerBound } from "../../../head/simulation/bound.js";
import { parsePoolSpec } from "../../../head/simulation/pool-spec.js";
import { SIMULATED_POLICIES, type SimulatedPolicy } from "../../../head/simulation/scheduler.js";
import { simulate } from "../../../head/simulation/simulate.js";
import type { Client, TaskKind, WorkloadTask } from "../../../head/simulation/workload.js";
import {
  anyOf,
  cores,
  gpus,
  limit,
  memory,
  nodes,
  type ResourceLike,
  toRequest,
  wtime,
} from "../../../proto/resource/resource.js";

const ANN: Client = { name: "ann" };
const BEN: Client = { name: "ben" };

function kindOf(demand: ResourceLike, priority = 0): TaskKind {
  return { request: toRequest(demand), priority };
}

function many(count: number, kind: TaskKind, runMs: number, client = ANN, submitMs = 0): WorkloadTask[] {
  return Array.from({ length: count }, () => ({ submitMs, client, kind, runMs }));
}

/** Latencies and turns delay every start a little. */
function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}

describe.each(SIMULATED_POLICIES)("simulate with %s", (policy) => {
  it("fills two workers with what they can hold", () => {
    const workers = [parsePoolSpec("2x4c,16G")];
    const result = simulate({ workers, tasks: many(16, kindOf(cores(1)), 10_000), policy });
    expect(result).toMatchObject({ tasks: 16, finished: 16, failed: 0, unfinished: 0 });
    expect(seconds(result.makespanMs)).toBe(20);
    expect(seconds(result.waitMs.mean)).toBe(5);
    expect(seconds(result.waitMs.longest)).toBe(10);
    expect(result.utilisation.cores).toBeCloseTo(1, 2);
    expect(result.utilisation.dominantKind).toBe("cores");
    expect(result.messages).toBeGreaterThan(0);
  });

  it("runs a task for all cores, a gang, an alternative and a limited one", () => {
    const tasks = [
      ...many(2, kindOf(cores("all")), 1_000),
      ...many(2, kindOf(nodes(2)), 1_000),
      ...many(4, kindOf(anyOf(gpus(1), cores(4))), 1_000),
      ...many(3, kindOf(cores(1).and(limit("licence", 1))), 1_000),
    ];
    const result = simulate({ workers: [parsePoolSpec("2x4c,16G,1g")], tasks, policy });
    expect(result).toMatchObject({ finished: tasks.length, unfinished: 0 });
    // The gangs alone, one after the other, and the limited tasks, one after the other.
    expect(result.makespanMs).toBeGreaterThanOrEqual(3_000);
  });

  it("says what could never run", () => {
    const tasks = [...many(3, kindOf(cores(8)), 1_000), ...many(2, kindOf(cores(1)), 1_000, BEN)];
    const result = simulate({ workers: [parsePoolSpec("4c")], tasks, policy });
    // First in, first out blocks for ever behind what never fits.
    expect(result.unfinished).toBe(policy === "fifo" ? 5 : 3);
  });

  it("kills what runs beyond its walltime", () => {
    const tasks = many(2, kindOf(cores(1).and(wtime(5))), 60_000);
    const result = simulate({ workers: [parsePoolSpec("4c")], tasks, policy });
    expect(result).toMatchObject({ finished: 0, failed: 2, unfinished: 0 });
    expect(seconds(result.makespanMs)).toBe(5);
  });

  it("runs elsewhere what a worker had when it left", () => {
    const workers = [
      { ...parsePoolSpec("4c"), leaveMs: 5_000 },
      { ...parsePoolSpec("4c"), joinMs: 20_000 },
    ];
    const result = simulate({ workers, tasks: many(4, kindOf(cores(1)), 10_000), policy });
    expect(result).toMatchObject({ finished: 4, unfinished: 0 });
    expect(seconds(result.makespanMs)).toBe(30);
  });

  it("gives the same twice", () => {
    const tasks = [
      ...many(50, kindOf(cores(1)), 700),
      ...many(20, kindOf(cores(3).and(memory(4))), 1_300, BEN),
    ];
    const given = { workers: [parsePoolSpec("3x4c,16G")], tasks, policy };
    expect(simulate(given)).toEqual(simulate(given));
  });

  it("never beats the lower bound, and ends everything", () => {
    const task = fc.record({
      kind: fc.nat(4),
      client: fc.nat(1),
      runMs: fc.integer({ min: 1, max: 20_000 }),
      submitMs: fc.integer({ min: 0, max: 30_000 }),
    });
    const kinds = [
      kindOf(cores(1)),
      kindOf(cores(3)),
      kindOf(cores(1).and(memory(12)), 1),
      kindOf(anyOf(gpus(1), cores(2))),
      kindOf(cores("all")),
    ];
    const workers = [parsePoolSpec("2x4c,16G"), parsePoolSpec("8c,32G,1g")];
    fc.assert(
      fc.property(fc.array(task, { minLength: 1, maxLength: 60 }), (given) => {
        const tasks = given.map(({ kind, client, ...times }) => ({
          ...times,
          kind: kinds[kind]!,
          client: client === 0 ? ANN : BEN,
        }));
        const result = simulate({ workers, tasks, policy });
        expect(result.unfinished).toBe(0);
        expect(result.makespanMs).toBeGreaterThanOrEqual(lowerBound(workers, tasks).makespanMs - 1e-6);
        expect(result.utilisation.cores).toBeLessThanOrEqual(1 + 1e-9);
      }),
      { numRuns: 40 },
    );
  });
});

describe("policies", () => {
  /** Behind a task for the whole worker come small ones. */
  const blocked = [
    ...many(1, kindOf(cores(1)), 10_000),
    ...many(1, kindOf(cores(4)), 1_000),
    ...many(6, kindOf(cores(1)), 1_000),
  ];
  const wait = (policy: SimulatedPolicy) =>
    seconds(simulate({ workers: [parsePoolSpec("4c")], tasks: blocked, policy }).waitMs.median);

  it("let small tasks past a large one that does not fit, first in first out apart", () => {
    expect(wait("fifo")).toBeGreaterThan(10);
    for (const policy of ["fit", "spread", "first-fit", "greedy"] as const)
      expect(wait(policy)).toBeLessThan(3);
  });

  it("serve clients alike, baselines apart", () => {
    const tasks = [
      ...many(2_000, kindOf(cores(1)), 1_000),
      ...many(400, kindOf(cores(1)), 1_000, BEN, 3_000),
    ];
    const fairness = (policy: SimulatedPolicy) =>
      simulate({ workers: [parsePoolSpec("2x8c")], tasks, policy }).fairness ?? 0;
    expect(fairness("fit")).toBeGreaterThan(0.9);
    expect(fairness("fifo")).toBeLessThan(0.6);
  });

  it("know of no fairness while clients are not there together", () => {
    const tasks = [...many(2, kindOf(cores(1)), 1_000), ...many(2, kindOf(cores(1)), 1_000, BEN, 60_000)];
    expect(simulate({ workers: [parsePoolSpec("4c")], tasks }).fairness).toBeUndefined();
  });
});

describe("lowerBound", () => {
  const workers = [parsePoolSpec("2x4c,16G")];
  it.each<[string, WorkloadTask[], number, RegExp]>([
    ["work", many(16, kindOf(cores(1)), 1_000), 2_000, /work in cores/],
    ["the longest task", [...many(1, kindOf(cores(1)), 9_000)], 9_000, /longest/],
    ["what shares no worker", many(4, kindOf(cores(3)), 1_000), 2_000, /fit/],
    [
      "what comes late",
      many(8, kindOf(cores(1)), 1_000, ANN, 5_000).concat(many(1, kindOf(cores(1)), 1)),
      6_000,
      /./,
    ],
  ])("sees %s", (_, tasks, boundMs, because) => {
    const bound = lowerBound(workers, tasks);
    expect(bound.makespanMs).toBeCloseTo(boundMs, 0);
    expect(bound.because).toMatch(because);
  });
});
