/** Laws about when things start, in a simulated cluster whose links take no time. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ResourceLike } from "../../../proto/resource/resource.js";
import { cores, limit, memory, nodes, wtime } from "../../../proto/resource/resource.js";
import { poolOf } from "../../kit/core.js";
import { Cluster } from "../../sim/cluster.js";

const RESERVE_AFTER_MS = 1_000;
/** How often the head of these tests plans without an event. */
/** A plan goes on in the next turn, and a stopped task is reported in another. */
const TURNS_MS = 1;

const SMALL = 0;
const LARGE = 1;
const OTHER = 2;

interface Crowd {
  readonly seed: number;
  readonly workers: number;
  readonly cores: number;
  readonly longestMs: number;
  readonly policy: "fit" | "spread";
}

const crowd: fc.Arbitrary<Crowd> = fc.record({
  seed: fc.nat(),
  workers: fc.integer({ min: 1, max: 4 }),
  cores: fc.integer({ min: 1, max: 4 }),
  longestMs: fc.constantFrom(20, 300, 3_000),
  policy: fc.constantFrom("fit" as const, "spread" as const),
});

/** A cluster that is never without small tasks: for each that begins, another is submitted. */
function crowded({ seed, workers, cores: each, longestMs, policy }: Crowd): Cluster {
  const cluster = new Cluster(seed, {
    scheduling: { reserveAfterMs: RESERVE_AFTER_MS, policy },
    linkMs: 0,
  });
  for (let i = 0; i < workers; i += 1) cluster.join(poolOf(each));
  cluster.open(1);
  cluster.open(2);
  cluster.spec(1, SMALL, cores(1));
  cluster.courseOf = ({ spec }) => {
    if (spec === SMALL) cluster.after(0, () => cluster.clients.submit(1, SMALL, 1));
    return { runMs: longestMs * (spec === SMALL ? 0.2 + 0.8 * cluster.random.next() : 1), fails: false };
  };
  cluster.clients.submit(1, SMALL, workers * each * 2);
  return cluster;
}

/** When the first task of a spec began; Infinity: it did not. */
function beganMs(cluster: Cluster, session: number, spec: number): number {
  const began = cluster.started.find(({ task }) => task.session === session && task.spec === spec);
  return began?.atMs ?? Number.POSITIVE_INFINITY;
}

describe("no starvation", () => {
  const SUBMITTED_MS = 500;

  it.each<[string, (given: Crowd) => ResourceLike, number]>([
    ["a task for a whole worker", () => cores("all"), 1],
    ["one for a whole worker, of the session that has the stream", () => cores("all"), 2],
    ["a gang of all workers", ({ workers }) => nodes(workers), 2],
  ])("%s starts in spite of an endless stream of small tasks", (_name, demand, session) => {
    fc.assert(
      fc.property(crowd, (given) => {
        const cluster = crowded(given);
        cluster.spec(session, LARGE, demand(given));
        cluster.after(SUBMITTED_MS, () => cluster.clients.submit(session, LARGE, 1));
        const latestMs = SUBMITTED_MS + RESERVE_AFTER_MS + given.longestMs + TURNS_MS;
        cluster.run(latestMs + 1);
        expect(beganMs(cluster, session, LARGE)).toBeLessThanOrEqual(latestMs);
      }),
      { numRuns: 30 },
    );
  });

  it("keeps no worker free for what only a cluster-wide limit holds back", () => {
    fc.assert(
      fc.property(crowd, (given) => {
        const cluster = crowded({ ...given, longestMs: 50 });
        // One of two has the limit for good; the other must not cost anything meanwhile.
        const wide = cores("all").and(limit("license", 1));
        cluster.join(poolOf(1));
        cluster.spec(2, LARGE, wide, { priority: 1 });
        const { courseOf } = cluster;
        cluster.courseOf = (task) => (task.spec === LARGE ? { runMs: 1e9, fails: false } : courseOf(task));
        cluster.clients.submit(2, LARGE, 2);
        cluster.run(3 * RESERVE_AFTER_MS);
        const state = cluster.driver.core.view.internals;
        expect(beganMs(cluster, 2, LARGE)).toBeLessThan(3 * RESERVE_AFTER_MS);
        expect(state.reservations.size).toBe(0);
      }),
      { numRuns: 15 },
    );
  });

  it("several streams of unlike tasks that run long keep a large one waiting for a turn of each at most", () => {
    fc.assert(
      fc.property(crowd, (given) => {
        const cluster = crowded(given);
        const streams: ResourceLike[] = [cores(1).and(memory(1)), cores(1).and(memory(2))];
        for (const [index, demand] of streams.entries()) {
          cluster.open(index + 3);
          cluster.spec(index + 3, SMALL, demand);
          cluster.clients.submit(index + 3, SMALL, given.workers * given.cores);
        }
        const { courseOf } = cluster;
        cluster.courseOf = (task) => {
          if (task.session > 2) cluster.after(0, () => cluster.clients.submit(task.session, SMALL, 1));
          return task.session > 2 ? { runMs: given.longestMs, fails: false } : courseOf(task);
        };
        cluster.spec(2, LARGE, cores("all"));
        cluster.after(SUBMITTED_MS, () => cluster.clients.submit(2, LARGE, 1));
        const turns = streams.length + 2;
        const latestMs = SUBMITTED_MS + RESERVE_AFTER_MS + turns * (given.longestMs + TURNS_MS);
        cluster.run(latestMs + 1);
        expect(beganMs(cluster, 2, LARGE)).toBeLessThanOrEqual(latestMs);
      }),
      { numRuns: 30 },
    );
  });

  it("two gangs that overlap start one after the other", () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 }));
    fc.assert(
      fc.property(crowd, sizes, (given, [a, b]) => {
        const cluster = crowded(given);
        cluster.spec(1, LARGE, nodes(Math.min(a, given.workers)));
        cluster.spec(2, OTHER, nodes(Math.min(b, given.workers)));
        cluster.after(SUBMITTED_MS, () => {
          cluster.clients.submit(1, LARGE, 1);
          cluster.clients.submit(2, OTHER, 1);
        });
        // Both drain what runs; the second also waits for the first, which runs for as long.
        const latestMs = SUBMITTED_MS + RESERVE_AFTER_MS + 3 * given.longestMs + 2 * TURNS_MS;
        cluster.run(latestMs + 1);
        expect(beganMs(cluster, 1, LARGE)).toBeLessThanOrEqual(latestMs);
        expect(beganMs(cluster, 2, OTHER)).toBeLessThanOrEqual(latestMs);
      }),
      { numRuns: 30 },
    );
  });

  it("a less urgent task starts in time when ageing is on", () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        (seed, steps, n) => {
          const ageingMs = 100;
          const longestMs = 30;
          const cluster = new Cluster(seed, {
            scheduling: { ageingMs, reserveAfterMs: 1e6 },
            linkMs: 0,
          });
          cluster.join(poolOf(n));
          cluster.open(1);
          cluster.spec(1, SMALL, cores(1), { priority: steps });
          cluster.spec(1, LARGE, cores(1).and(limit("of-its-own", 1_000)), { priority: 0 });
          cluster.courseOf = ({ spec }) => {
            if (spec === SMALL) cluster.after(0, () => cluster.clients.submit(1, SMALL, 1));
            return { runMs: longestMs, fails: false };
          };
          cluster.clients.submit(1, SMALL, n * 4);
          cluster.after(50, () => cluster.clients.submit(1, LARGE, 1));
          const latestMs = 50 + (steps + 1) * ageingMs + 2 * longestMs + TURNS_MS;
          cluster.run(latestMs + 1);
          expect(beganMs(cluster, 1, LARGE)).toBeLessThanOrEqual(latestMs);
        },
      ),
      { numRuns: 30 },
    );
  });
});

interface Contest {
  readonly seed: number;
  readonly slots: number;
  readonly meanMs: number;
  readonly queues: readonly [number, number];
}

/** Runs two sessions of equal tasks until one has nothing queued; gives their slot-times and how far apart they were. */
function contest(given: Contest, weights: readonly [number, number], demand: ResourceLike) {
  const cluster = new Cluster(given.seed, {
    scheduling: {
      weights: new Map([
        ["client1", weights[0]],
        ["client2", weights[1]],
      ]),
    },
    linkMs: 0,
    checkEvery: 200,
  });
  for (const session of [1, 2]) {
    cluster.open(session);
    cluster.spec(session, SMALL, demand);
    cluster.clients.submit(session, SMALL, given.queues[session - 1]!);
  }
  for (let i = 0; i < given.slots; i += 2) cluster.join(poolOf(Math.min(2, given.slots - i)));
  const used: [number, number] = [0, 0];
  const running: [number, number] = [0, 0];
  let sinceMs = 0;
  let apart = 0;
  const isContended = () => [1, 2].every((session) => cluster.driver.core.view.session(session)!.queued > 0);
  const changed = (session: number, by: 1 | -1) => {
    if (isContended()) {
      used[0] += running[0] * (cluster.nowMs - sinceMs);
      used[1] += running[1] * (cluster.nowMs - sinceMs);
      if (cluster.nowMs > sinceMs)
        apart = Math.max(apart, Math.abs(running[0] / weights[0] - running[1] / weights[1]));
    }
    sinceMs = cluster.nowMs;
    running[session - 1]! += by;
  };
  cluster.courseOf = ({ session }) => {
    const runMs = given.meanMs * (0.5 + cluster.random.next());
    changed(session, 1);
    cluster.after(runMs, () => changed(session, -1));
    return { runMs, fails: false };
  };
  // Once one of them has nothing queued there is nothing more to see.
  while (isContended()) cluster.run(cluster.nowMs + 10 * given.meanMs);
  return { used, apart };
}

function jain(shares: readonly number[]): number {
  const sum = shares.reduce((a, b) => a + b, 0);
  return sum ** 2 / (shares.length * shares.reduce((a, b) => a + b * b, 0));
}

describe("fairness between sessions that both have work queued", () => {
  const contests = (long: boolean): fc.Arbitrary<Contest> =>
    fc.record({
      seed: fc.nat(),
      slots: fc.integer({ min: 2, max: 12 }),
      meanMs: long ? fc.constant(5_000) : fc.constantFrom(0.5, 5, 100),
      // Of short tasks so many that what is sent ahead at first, unmeasured, does not matter.
      queues: fc
        .constantFrom<[number, number][]>([100, 600], [600, 100], [300, 300])
        .map(([a, b]): [number, number] => (long ? [a, b] : [a * 24, b * 24])),
    });
  const weights = fc.constantFrom<[number, number][]>([1, 1], [2, 1], [1, 3]);

  it("long tasks: never more than one slot from what the weights say, whatever the queues", () => {
    fc.assert(
      fc.property(contests(true), weights, (given, shares) => {
        const { apart } = contest(given, shares, cores(1).and(limit("never-ahead", 1_000)));
        expect(apart).toBeLessThanOrEqual(1 / Math.min(...shares) + 1e-9);
      }),
      { numRuns: 20 },
    );
  });

  it("short tasks, many of them sent ahead: a fair part of the time", () => {
    fc.assert(
      fc.property(contests(false), weights, (given, shares) => {
        const { used } = contest(given, shares, cores(1));
        const fair = (given.slots * shares[0]) / (shares[0] + shares[1]);
        const got = (given.slots * used[0]) / (used[0] + used[1]);
        // Of few slots a part cannot be fair: then at most one slot from it, on average.
        if (Math.abs(got - fair) <= 1) return;
        expect(jain([used[0] / shares[0], used[1] / shares[1]])).toBeGreaterThanOrEqual(0.95);
      }),
      { numRuns: 20 },
    );
  });

  it("nobody's work is sent ahead and taken back for ever, by turns", () => {
    const { used } = contest(
      { seed: 986160429, slots: 5, meanMs: 100, queues: [14_400, 2_400] },
      [2, 1],
      cores(1),
    );
    expect(jain([used[0] / 2, used[1]])).toBeGreaterThanOrEqual(0.95);
  });

  it("a queue of 10 beside one of 100,000 is served as if they were alike", () => {
    const { used, apart } = contest(
      { seed: 1, slots: 4, meanMs: 5_000, queues: [10, 100_000] },
      [1, 1],
      cores(1).and(limit("never-ahead", 1_000)),
    );
    expect(apart).toBeLessThanOrEqual(1);
    expect(jain(used)).toBeGreaterThanOrEqual(0.95);
  });
});

describe("backfill", () => {
  const seconds = fc.integer({ min: 1, max: 20 });
  const task = fc.record({ cores: fc.integer({ min: 1, max: 3 }), seconds, known: fc.boolean() });

  it("never delays the task that has the reservation, when walltimes are what tasks take", () => {
    const given = fc.record({
      pools: fc.array(fc.integer({ min: 2, max: 6 }), { minLength: 1, maxLength: 3 }),
      running: fc.array(task, { minLength: 1, maxLength: 8 }),
      large: fc.constantFrom<ResourceLike[]>(cores("all"), cores(2), nodes(1), nodes(2)),
      others: fc.array(fc.tuple(fc.integer({ min: 0, max: 15_000 }), task), { minLength: 1, maxLength: 12 }),
      policy: fc.constantFrom("fit" as const, "spread" as const),
    });
    fc.assert(
      fc.property(given, ({ pools, running, large, others, policy }) => {
        const [alone, beside] = [[], others].map((later) => {
          const cluster = new Cluster(1, {
            scheduling: { reserveAfterMs: 0, policy },
            linkMs: 0,
          });
          for (const each of pools) cluster.join(poolOf(each));
          cluster.open(1);
          const runs: number[] = [];
          const submit = ({ cores: count, seconds: long, known }: (typeof running)[number]) => {
            const walltime = known ? cores(count).and(wtime(long)) : cores(count);
            cluster.spec(1, runs.push(long * 1_000), walltime);
            cluster.clients.submit(1, runs.length, 1);
          };
          cluster.courseOf = ({ spec }) => ({ runMs: runs[spec - 1] ?? 5_000, fails: false });
          for (const each of running) submit({ ...each, known: true });
          cluster.after(1, () => {
            // What could not start is not there any more: only what runs stands before the large task.
            const { tasks, classes } = cluster.driver.core.view.internals.sessions.get(1)!;
            const ahead = [...tasks.values()].filter(({ state }) => state.type === "ahead");
            cluster.clients.cancel(1, [
              ...ahead.map(({ number }) => number),
              ...[...classes.values()].flatMap(({ queue }) => [...queue]),
            ]);
            cluster.spec(1, 999, large);
            cluster.clients.submit(1, 999, 1);
          });
          for (const [atMs, each] of later) cluster.after(2 + atMs, () => submit(each));
          cluster.run();
          return beganMs(cluster, 1, 999);
        });
        expect(beside).toBeLessThanOrEqual(alone! + TURNS_MS);
      }),
      { numRuns: 300 },
    );
  });
});
