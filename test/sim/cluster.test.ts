import { describe, expect, it } from "vitest";
import { scenario, verify } from "./scenario.js";
import { soak } from "./soak.js";

/** Events that come from outside the core: plans are not among them. */
const EVENTS = Number(process.env.GRAIN_SIM_EVENTS ?? 100_000);
/** To repeat a failure, set it to the seed that was printed. */
const SEED = Number(process.env.GRAIN_SIM_SEED ?? Date.now() % 2 ** 31);

describe("a cluster with random work, losses, departures and cancellations", () => {
  it("ends every task exactly once, keeps every invariant, and leaves nothing behind", () => {
    const { events, plans, tasks } = soak({ events: EVENTS, seed: SEED });
    expect(events - plans).toBeGreaterThanOrEqual(EVENTS);
    expect(tasks).toBeGreaterThan(0);
  }, 300_000);

  it.each([
    ["nothing fails", false],
    ["links are cut, but never for too long", true],
  ])(
    "runs each task once when %s",
    (_, cuts) => {
      let resumed = 0;
      const quiet = scenario.map((given) => ({
        ...given,
        failureRate: 0,
        // With no scale above 1 so far below the walltimes that none is reached.
        meanRunMs: Math.min(given.meanRunMs, 30),
        specs: given.specs.map((spec) => ({
          ...spec,
          failInfeasible: false,
          scale: Math.min(spec.scale, 1),
        })),
        actions: given.actions.filter(
          ([, action]) =>
            action.type === "submit" ||
            (action.type === "join" && action.pool.remainingMs === undefined) ||
            (cuts && action.type === "cut" && action.ms < 500) ||
            (cuts && action.type === "cutClient" && action.ms < 2_000),
        ),
      }));
      soak({
        events: EVENTS / 10,
        seed: SEED,
        scenarios: quiet,
        judge: (cluster) => {
          verify(cluster);
          resumed += cluster.resumed;
          expect(cluster.started.length, "executions").toBe(cluster.ends.size);
          for (const [task, ends] of cluster.ends) expect(ends, task).toEqual(["delivered"]);
        },
      });
      if (cuts) expect(resumed).toBeGreaterThan(0);
    },
    300_000,
  );
});
