import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ResourceLike } from "../../proto/resource/resource.js";
import { anyOf, cores, gpus, limit, memory } from "../../proto/resource/resource.js";
import { poolOf } from "../kit/core.js";
import { Cluster } from "./cluster.js";

const DEMANDS: readonly ResourceLike[] = [
  cores(1),
  cores(2),
  cores(0.5),
  memory(8),
  cores(1).and(memory(30)),
  cores("all"),
  gpus(1),
  anyOf(gpus(1), cores(3)),
  cores(1).and(limit("license", 2)),
];
const SESSIONS = 3;

type Action =
  | { type: "submit"; session: number; demand: number; count: number }
  | { type: "join"; cores: number; gpus: number }
  | { type: "lose"; pick: number; planned: boolean }
  | { type: "leave"; pick: number }
  | { type: "cancel"; session: number; tasks: number[] }
  | { type: "close"; session: number };

const session = fc.integer({ min: 1, max: SESSIONS });
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant("submit" as const),
      session,
      demand: fc.nat(DEMANDS.length - 1),
      count: fc.integer({ min: 1, max: 40 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("join" as const),
      cores: fc.integer({ min: 1, max: 6 }),
      gpus: fc.nat(2),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("lose" as const), pick: fc.nat(9), planned: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("leave" as const), pick: fc.nat(9) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("cancel" as const),
      session,
      tasks: fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 20 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("close" as const), session }) },
);

const scenario = fc.record({
  seed: fc.nat(),
  meanRunMs: fc.constantFrom(0.05, 1, 30, 3_000),
  failureRate: fc.constantFrom<number>(0, 0, 0.2),
  actions: fc.array(fc.tuple(fc.constantFrom(0, 0, 0.3, 5, 60), action), { minLength: 1, maxLength: 40 }),
});

type Scenario = typeof scenario extends fc.Arbitrary<infer S> ? S : never;

function play({ seed, meanRunMs, failureRate, actions }: Scenario): {
  cluster: Cluster;
  closed: Set<number>;
} {
  const cluster = new Cluster(seed);
  cluster.meanRunMs = meanRunMs;
  cluster.failureRate = failureRate;
  const closed = new Set<number>();
  for (let number = 1; number <= SESSIONS; number += 1) {
    cluster.open(number, { prioritized: number === 1 });
    for (const [spec, demand] of DEMANDS.entries()) {
      cluster.spec(number, spec, demand, { priority: spec % 3, retries: spec % 2 });
    }
  }
  let atMs = 0;
  for (const [waitMs, act] of actions) {
    atMs += waitMs;
    cluster.after(atMs, () => perform(cluster, closed, act));
  }
  // In the end there is room for everything, so everything must end.
  cluster.after(atMs + 100, () => cluster.join(poolOf(8, 256, { gpus: [0, 1] })));
  cluster.run();
  return { cluster, closed };
}

function perform(cluster: Cluster, closed: Set<number>, act: Action): void {
  const workers = [...cluster.workers.keys()];
  switch (act.type) {
    case "submit":
      if (!closed.has(act.session)) cluster.submit(act.session, act.demand, act.count);
      return;
    case "join":
      cluster.join(poolOf(act.cores, 32, { gpus: Array.from({ length: act.gpus }, (_, id) => id) }));
      return;
    case "lose":
      if (workers.length > 0) cluster.lose(workers[act.pick % workers.length]!, act.planned);
      return;
    case "leave":
      if (workers.length > 0) cluster.leave(workers[act.pick % workers.length]!);
      return;
    case "cancel":
      cluster.cancel(act.session, act.tasks);
      return;
    case "close":
      closed.add(act.session);
      cluster.close(act.session);
      return;
    default:
      act satisfies never;
  }
}

const RUNS = Number(process.env.GRAIN_SIM_RUNS ?? 400);

describe("a cluster with random work, losses, departures and cancellations", () => {
  it("ends every task exactly once and keeps every invariant", () => {
    let steps = 0;
    fc.assert(
      fc.property(scenario, (given) => {
        const { cluster, closed } = play(given);
        for (const [task, ends] of cluster.ends) {
          const owner = Number(task.split(".")[0]);
          if (closed.has(owner)) expect(ends.length, task).toBeLessThanOrEqual(1);
          else expect(ends, task).toHaveLength(1);
        }
        for (const number of closed)
          expect(cluster.endedSessions.has(number), `session ${number}`).toBe(true);
        steps += cluster.steps;
      }),
      { numRuns: RUNS },
    );
    expect(steps).toBeGreaterThan(RUNS);
  });

  it("runs each task once when nothing fails", () => {
    const quiet = scenario.map((given) => ({
      ...given,
      failureRate: 0,
      actions: given.actions.filter(([, { type }]) => type === "submit" || type === "join"),
    }));
    fc.assert(
      fc.property(quiet, (given) => {
        const { cluster } = play(given);
        for (const [task, ends] of cluster.ends) {
          expect(ends, task).toEqual(["delivered"]);
          expect(cluster.executions.get(task), task).toBe(1);
        }
      }),
      { numRuns: RUNS / 2 },
    );
  });
});
