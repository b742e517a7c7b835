import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ResourceLike } from "../../../proto/resource/resource.js";
import { anyOf, cores, gpus, limit, memory, nodes, token, wtime } from "../../../proto/resource/resource.js";
import { CoreDriver, poolOf, type TestEffect } from "../../kit/core.js";
import { play, type Scenario, scenario } from "../../sim/scenario.js";

/** What fits on the workers of these tests. */
const SMALL: readonly ResourceLike[] = [
  cores(1),
  cores(2),
  cores(0.5).and(memory(2)),
  memory(4),
  anyOf(gpus(1), cores(2)),
  cores(1).and(limit("license", 2)),
  cores("all"),
  nodes(2),
];
/** What fits nowhere, ever. */
const HUGE: readonly ResourceLike[] = [
  cores(100),
  memory(1_000),
  token("nowhere"),
  nodes(20),
  gpus(9).and(cores(1)),
  cores(1).and(wtime(1e7)),
];

const small = fc.array(fc.constantFrom(...SMALL), { minLength: 1, maxLength: 4 });
const workers = fc.array(fc.record({ cores: fc.integer({ min: 1, max: 6 }), gpus: fc.nat(1) }), {
  minLength: 1,
  maxLength: 4,
});
const batches = fc.array(fc.record({ spec: fc.nat(3), count: fc.integer({ min: 1, max: 8 }) }), {
  minLength: 1,
  maxLength: 10,
});
const policy = fc.constantFrom("fit" as const, "spread" as const);

function withWorkers(driver: CoreDriver, pools: readonly { cores: number; gpus: number }[]): void {
  for (const [index, pool] of pools.entries()) {
    const devices = Array.from({ length: pool.gpus }, (_, id) => id);
    driver.worker(index + 1, poolOf(pool.cores, 16, { gpus: devices, remainingMs: 1e9 }));
  }
}

/** Who got what, where: of the effects, only what a task's owner would notice. */
function grantsOf(effects: readonly TestEffect[], session: number): string[] {
  return effects.flatMap((effect) =>
    effect.type === "assign" && effect.session === session
      ? [`${effect.worker} ${effect.spec} ${effect.granted} ${effect.tasks.join()} ${effect.gangs}`]
      : [],
  );
}

describe("no head-of-line blocking", () => {
  it("what fits nowhere changes nothing for others, however urgent it is", () => {
    const given = fc.record({
      demands: small,
      pools: workers,
      work: batches,
      huge: fc.array(fc.constantFrom(...HUGE), { minLength: 1, maxLength: 3 }),
      urgent: fc.boolean(),
    });
    fc.assert(
      fc.property(given, ({ demands, pools, work, huge, urgent }) => {
        const outcomes = [[], huge].map((blocked) => {
          // "spread": "fit" keeps whole workers free while somebody asks for something large.
          const driver = new CoreDriver({ policy: "spread", reserveAfterMs: 0 });
          driver.session(2, { prioritized: urgent });
          driver.session(1);
          for (const [spec, demand] of blocked.entries()) {
            driver.spec(2, spec, demand);
            driver.submit(2, spec, 3);
          }
          for (const [spec, demand] of demands.entries()) driver.spec(1, spec, demand);
          withWorkers(driver, pools);
          const seen: string[] = [];
          for (const { spec, count } of work) {
            driver.nowMs += 1;
            driver.submit(1, spec % demands.length, count);
            seen.push(...grantsOf(driver.settle(), 1));
          }
          return seen.sort();
        });
        expect(outcomes[1]).toEqual(outcomes[0]);
      }),
      { numRuns: 300 },
    );
  });
});

describe("order", () => {
  it("is strict: nothing of a less urgent level starts where something of a more urgent one would fit", () => {
    const level = fc.record({ prioritized: fc.boolean(), priority: fc.integer({ min: -1, max: 1 }) });
    const given = fc.tuple(fc.array(level, { minLength: 2, maxLength: 5 }), fc.integer({ min: 1, max: 12 }));
    fc.assert(
      fc.property(given, policy, ([levels, slots], placement) => {
        const driver = new CoreDriver({ policy: placement });
        const waiting: { session: number; prioritized: boolean; priority: number }[] = [];
        for (const [index, { prioritized, priority }] of levels.entries()) {
          driver.session(index + 1, { prioritized });
          driver.spec(index + 1, 1, cores(1), { priority });
          for (const _ of driver.submit(index + 1, 1, 3))
            waiting.push({ session: index + 1, prioritized, priority });
        }
        driver.worker(1, poolOf(slots));
        const granted = new Map<number, number>();
        for (const effect of driver.settle()) {
          if (effect.type !== "assign" || !effect.granted) continue;
          granted.set(effect.session, (granted.get(effect.session) ?? 0) + effect.tasks.length);
        }
        const rank = (a: (typeof waiting)[number]) => (a.prioritized ? -100 : 0) - a.priority;
        const best = waiting.sort((a, b) => rank(a) - rank(b)).slice(0, slots);
        const least = rank(best[best.length - 1]!);
        for (const [session, count] of granted) {
          const own = waiting.filter((task) => task.session === session);
          // Whoever is above the line gets all it asks for, whoever is below gets nothing.
          if (rank(own[0]!) < least) expect(count).toBe(3);
          expect(rank(own[0]!)).toBeLessThanOrEqual(least);
        }
        const total = [...granted.values()].reduce((sum, count) => sum + count, 0);
        expect(total).toBe(Math.min(slots, waiting.length));
      }),
      { numRuns: 300 },
    );
  });

  it("what came back from a worker goes first among equals, in order of submission", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), (ran, slots) => {
        const driver = new CoreDriver();
        driver.session(1);
        driver.spec(1, 1, cores(1).and(limit("never-ahead", 1_000)));
        driver.worker(1, poolOf(ran));
        const tasks = driver.submit(1, 1, 20);
        driver.settle();
        driver.step({ type: "workerLost", worker: 1, planned: true });
        driver.worker(2, poolOf(slots));
        const again = driver.settle().flatMap((effect) => (effect.type === "assign" ? effect.tasks : []));
        expect(again.sort((a, b) => a - b)).toEqual(tasks.slice(0, slots));
      }),
    );
  });
});

describe("a plan", () => {
  it("leaves nothing to do for a second one right after it", () => {
    const given = fc.record({ demands: small, pools: workers, work: batches, warm: fc.boolean() });
    fc.assert(
      fc.property(given, policy, ({ demands, pools, work, warm }, placement) => {
        const driver = new CoreDriver({ policy: placement, reserveAfterMs: 2 });
        driver.session(1);
        driver.session(2);
        withWorkers(driver, pools);
        for (const session of [1, 2])
          for (const [spec, demand] of demands.entries()) driver.spec(session, spec, demand);
        for (const [turn, { spec, count }] of work.entries()) {
          driver.nowMs += 1;
          driver.submit((turn % 2) + 1, spec % demands.length, count);
          const effects = driver.settle();
          expect(driver.planSlice()).toEqual([]);
          if (!warm) continue;
          for (const effect of effects) {
            if (effect.type !== "assign" || !effect.granted) continue;
            driver.finish(effect.worker, effect.session, effect.tasks, { runUs: 500 });
            break;
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("says the same when the same happens again", () => {
    const quick = scenario.filter(({ meanRunMs }) => meanRunMs < 1_000);
    fc.assert(
      fc.property(quick, (given: Scenario) => {
        const { events } = play(given).driver;
        const [first, second] = [0, 1].map(() => {
          const driver = new CoreDriver(given.scheduling);
          return events.map(({ atMs, event }) => {
            driver.nowMs = atMs;
            return JSON.stringify(driver.step(event));
          });
        });
        expect(second).toEqual(first);
      }),
      { numRuns: 25 },
    );
  });
});
