/** Random work and faults for a simulated cluster: what fast-check makes up, shrinks, and prints. */

import fc from "fast-check";
import type { SchedulingOptions } from "../../head/core/options.js";
import type { Pool } from "../../proto/resource/pool.js";
import {
  anyOf,
  capacity,
  cores,
  gpus,
  limit,
  memory,
  nodes,
  type ResourceLike,
  resource,
  token,
  wtime,
} from "../../proto/resource/resource.js";
import type { Retries } from "../../proto/retries.js";
import { poolOf } from "../kit/core.js";
import { type Action, perform } from "./action.js";
import { Cluster } from "./cluster.js";

/** Everything a task can ask for, alone and combined. */
export const DEMANDS: readonly ResourceLike[] = [
  cores(1),
  cores(2),
  cores(5),
  cores(0.5),
  memory(8),
  cores(1).and(memory(30)),
  cores("all"),
  gpus(1),
  gpus(0.25).and(cores(0.1)),
  anyOf(gpus(1), cores(3)),
  cores(1).and(limit("license", 2)),
  memory(1).and(limit("net", 3)),
  token("fast").and(cores(1)),
  resource("seat", 2),
  resource("seat", 1).and(cores(1)),
  capacity(1),
  cores(1).and(wtime(2, { soft: 0.5 })),
  cores(2).and(wtime(10)),
  cores("all").and(wtime(5, { soft: 1 })),
  cores(1).and(wtime(60, { soft: 20, group: "learnt" })),
  nodes(1),
  nodes(2),
  nodes(3),
  nodes(2).and(cores(2)),
  nodes(2).and(limit("license", 2)),
  nodes(2).and(wtime(8, { soft: 2 })),
  anyOf(nodes(2), cores(3)),
  anyOf(cores("all").and(token("fast")), cores(1).and(memory(16))),
];

const SESSIONS = 3;

interface SpecOf {
  readonly demand: number;
  readonly priority: number;
  readonly retries: number | Retries;
  readonly failInfeasible: boolean;
  /** Mean run time in relation to the scenario's. */
  readonly scale: number;
}

export interface Scenario {
  readonly seed: number;
  readonly scheduling: Partial<SchedulingOptions>;
  readonly specs: readonly SpecOf[];
  readonly meanRunMs: number;
  readonly failureRate: number;
  /** Each with how long after the one before, in milliseconds. */
  readonly actions: readonly (readonly [number, Action])[];
}

const session = fc.integer({ min: 1, max: SESSIONS });
const pick = fc.nat(9);
const forMs = fc.constantFrom(1, 50, 2_000);

const pool: fc.Arbitrary<Pool> = fc
  .record({
    cores: fc.integer({ min: 0, max: 6 }),
    gpus: fc.nat(2),
    seats: fc.nat(3),
    capacity: fc.nat(3),
    fast: fc.boolean(),
    remainingMs: fc.constantFrom(undefined, undefined, undefined, 400, 3_000, 30_000),
  })
  .map(({ cores: count, gpus: devices, seats, capacity: slots, fast, remainingMs }) =>
    poolOf(count, 32, {
      gpus: Array.from({ length: devices }, (_, id) => id),
      others: [
        { kind: "capacity", amount: slots * 10_000 },
        { kind: "seat", amount: seats * 10_000 },
      ].filter(({ amount }) => amount > 0),
      tokens: fast ? ["fast"] : [],
      remainingMs,
    }),
  );

function actionOf(specs: number): fc.Arbitrary<Action> {
  const count = fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 40 }));
  return fc.oneof(
    {
      weight: 9,
      arbitrary: fc.record({
        type: fc.constant("submit" as const),
        session,
        spec: fc.nat(specs - 1),
        count,
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constant("join" as const),
        pool,
        linkMs: fc.constantFrom(0.02, 1, 2, 40),
      }),
    },
    { weight: 2, arbitrary: fc.record({ type: fc.constant("lose" as const), pick }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant("leave" as const), pick }) },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant("press" as const),
        pick,
        forMs: fc.constantFrom(0, 1, 50, 2_000, 100_000),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant("restart" as const),
        pick,
        afterMs: fc.constantFrom(0, 1, 100),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant("cancel" as const),
        session,
        // Numbers may come twice, and may not exist.
        tasks: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 12 }),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constant("cut" as const),
        pick,
        // The last is too long.
        ms: fc.constantFrom(0, 1, 30, 400, 700),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant("cutClient" as const),
        session,
        ms: fc.constantFrom(0, 1, 30, 1_900, 1_900, 2_100),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant("killHead" as const),
        downMs: fc.constantFrom(0, 1, 30, 400),
        // The last is too late.
        clientsMs: fc.constantFrom(100, 100, 300),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant("partition" as const),
        picks: fc.uniqueArray(pick, { minLength: 1, maxLength: 4 }),
        sessions: fc.uniqueArray(session, { maxLength: SESSIONS }),
        ms: fc.constantFrom(1, 30, 400, 700),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant("delay" as const),
        of: fc.constantFrom("worker" as const, "client" as const),
        pick,
        byMs: fc.constantFrom(5, 60, 300),
        forMs,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant("slow" as const),
        pick,
        times: fc.constantFrom(3, 30),
        forMs,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant("duplicate" as const), pick, forMs }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant("close" as const), session }) },
  );
}

const scheduling: fc.Arbitrary<Partial<SchedulingOptions>> = fc.record({
  reserveAfterMs: fc.constantFrom(0, 5, 200, 30_000),
  policy: fc.constantFrom("fit" as const, "spread" as const),
  ageingMs: fc.constantFrom(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 20, 1_000),
  weights: fc.constantFrom(new Map(), new Map([["client2", 3]]), new Map([["client1", 0.5]])),
});

const spec: fc.Arbitrary<SpecOf> = fc.record({
  demand: fc.nat(DEMANDS.length - 1),
  priority: fc.constantFrom(0, 0, 0, 1, -1),
  retries: fc.oneof(
    fc.nat(1),
    fc.record({ max: fc.nat(3), backoffMs: fc.constantFrom(0, 5, 3_000), on: fc.constant([]) }),
  ),
  failInfeasible: fc.constantFrom(false, false, false, true),
  scale: fc.constantFrom(0.1, 1, 1, 10),
});

export const scenario: fc.Arbitrary<Scenario> = fc
  .array(spec, { minLength: 1, maxLength: 6 })
  .chain((specs) =>
    fc.record({
      seed: fc.nat(),
      scheduling,
      specs: fc.constant(specs),
      meanRunMs: fc.constantFrom(0.05, 1, 30, 1_500),
      failureRate: fc.constantFrom(0, 0, 0.2),
      actions: fc.array(fc.tuple(fc.constantFrom(0, 0, 0.3, 5, 60, 1_000), actionOf(specs.length)), {
        minLength: 1,
        maxLength: 40,
        size: "max",
      }),
    }),
  );

/** A scenario in which the head lives to the end. */
export const lastingScenario: fc.Arbitrary<Scenario> = scenario.map((given) => ({
  ...given,
  actions: given.actions.filter(([, { type }]) => type !== "killHead"),
}));

/** Plays it to the end. */
export function play(given: Scenario): Cluster {
  const cluster = new Cluster(given.seed, {
    scheduling: given.scheduling,
  });
  prepare(cluster, given);
  let atMs = 0;
  for (const [waitMs, action] of given.actions) {
    atMs += waitMs;
    cluster.after(atMs, () => perform(cluster, action));
  }
  cluster.after(atMs + 100, () => {
    // In the end there is room for everything, so everything must end.
    for (let i = 0; i < 3; i += 1) cluster.join(ROOMY);
  });
  cluster.run();
  return cluster;
}

const ROOMY = poolOf(8, 256, {
  gpus: [0, 1],
  others: [
    { kind: "capacity", amount: 40_000 },
    { kind: "seat", amount: 40_000 },
  ],
  tokens: ["fast"],
});

function prepare(cluster: Cluster, { specs, meanRunMs, failureRate }: Scenario): void {
  for (let number = 1; number <= SESSIONS; number += 1) {
    cluster.open(number, { prioritized: number === 1 });
    for (const [index, { demand, priority, retries, failInfeasible }] of specs.entries()) {
      cluster.spec(number, index, DEMANDS[demand]!, { priority, retries, failInfeasible });
    }
  }
  cluster.courseOf = (task) => ({
    runMs: cluster.exponential(meanRunMs * specs[task.spec]!.scale),
    fails: cluster.random.next() < failureRate,
  });
}

/** Throws unless everything has ended as it must, and nothing is left over. */
export function verify(cluster: Cluster): void {
  const state = cluster.driver.core.view.internals;
  for (const [task, ends] of cluster.clients.ends) {
    const session = Number(task.split(".")[0]);
    if (cluster.clients.closed.has(session) || ends.length === 1) continue;
    throw new Error(`task ${task} never ended: ${placeOf(cluster, task)}`);
  }
  for (const number of cluster.clients.closed)
    if (!cluster.clients.endedSessions.has(number))
      throw new Error(`session ${number} was closed and has not ended`);
  for (const worker of state.workers.values()) {
    const used = worker.total.findIndex((total, kind) => worker.free[kind] !== total);
    if (used !== -1) throw new Error(`${worker.name} is not free in kind ${used} at the end`);
    if (worker.aheadCount > 0) throw new Error(`${worker.name} has tasks ahead at the end`);
  }
  for (const [name, count] of state.limitsInUse)
    if (count !== 0) throw new Error(`limit ${name} counts ${count} at the end`);
  if (state.reservations.size > 0) throw new Error("a reservation is left at the end");
  if (cluster.occupancy.runningCount > 0) throw new Error("something runs at the end that is over");
}

function placeOf(cluster: Cluster, name: string): string {
  const [session, task] = name.split(".").map(Number);
  const owner = cluster.driver.core.view.internals.sessions.get(session!);
  if (owner?.batches.of(task!) !== undefined) return "queued";
  const known = owner?.tasks.get(task!);
  if (known === undefined) return "the core has forgotten it";
  return `${known.state.type}, ${known.class.shapes.map(({ text }) => text).join(" or ")}`;
}

/** A scenario, an event a line. */
export function describeScenario({ actions, specs, ...rest }: Scenario): string {
  const options = { ...rest.scheduling, weights: [...(rest.scheduling.weights ?? [])] };
  return [
    `seed ${rest.seed}, mean run ${rest.meanRunMs} ms, failure rate ${rest.failureRate}`,
    `scheduling ${JSON.stringify(options, (_, value) => (value === Number.POSITIVE_INFINITY ? "Infinity" : value))}`,
    ...specs.map(
      ({ demand, ...more }, index) => `spec ${index}: ${String(DEMANDS[demand])} ${JSON.stringify(more)}`,
    ),
    ...actions.map(([waitMs, { type, ...more }]) => `+${waitMs} ms ${type} ${JSON.stringify(more)}`),
  ].join("\n");
}
