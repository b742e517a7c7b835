import { describe, expect, it } from "vitest";
import { toRequest } from "../../proto/resource/resource.js";
import { type Action, DEMANDS, scenario, verify } from "./scenario.js";
import { soak } from "./soak.js";

/** Events that come from outside the core: plans are not among them. */
const EVENTS = Number(process.env.GRAIN_SIM_EVENTS ?? 100_000);
/** To repeat a failure, set it to the seed that was printed. */
const SEED = Number(process.env.GRAIN_SIM_SEED ?? Date.now() % 2 ** 31);

/** Whoever is away for as long has been given up. */
const longestMs = (type: Action["type"]) => (type === "cut" ? 500 : 2_000);

const isShared = (demand: number) =>
  toRequest(DEMANDS[demand]!).alternatives.some(({ nodes, limits }) => nodes > 0 || limits.length > 0);

describe("a cluster with random work, losses, departures and cancellations", () => {
  it("ends every task exactly once, keeps every invariant, and leaves nothing behind", () => {
    const { events, plans, tasks } = soak({ events: EVENTS, seed: SEED });
    expect(events - plans).toBeGreaterThanOrEqual(EVENTS);
    expect(tasks).toBeGreaterThan(0);
  }, 300_000);

  it.each([
    ["nothing fails", []],
    ["links are cut, but never for too long", ["cut", "cutClient"]],
    ["links are cut and the head is killed again and again", ["cut", "cutClient", "killHead"]],
  ] as const)(
    "runs each task once when %s",
    (_, faults: readonly Action["type"][]) => {
      const kills = faults.includes("killHead");
      let resumed = 0;
      const quiet = scenario.map((given) => ({
        ...given,
        failureRate: 0,
        // With no scale above 1 so far below the walltimes that none is reached.
        meanRunMs: Math.min(given.meanRunMs, 30),
        specs: given.specs.map((spec) => ({
          ...spec,
          failInfeasible: false,
          // What a gang or a limit is in the moment before a head is killed may run again.
          demand: kills && isShared(spec.demand) ? 0 : spec.demand,
          scale: Math.min(spec.scale, 1),
        })),
        actions: given.actions.filter(
          ([, action]) =>
            action.type === "submit" ||
            (action.type === "join" && action.pool.remainingMs === undefined) ||
            (faults.includes(action.type) && !("ms" in action && action.ms >= longestMs(action.type))),
        ),
      }));
      soak({
        events: EVENTS / 10,
        seed: SEED,
        scenarios: quiet,
        judge: (cluster) => {
          verify(cluster);
          resumed += cluster.resumed;
          expect(cluster.started.length, "executions").toBe(cluster.clients.ends.size);
          for (const [task, ends] of cluster.clients.ends) expect(ends, task).toEqual(["delivered"]);
        },
      });
      if (faults.length > 0) expect(resumed).toBeGreaterThan(0);
    },
    300_000,
  );
});
