import { describe, expect, it } from "vitest";
import { ALWAYS, ONCE } from "./promise.js";
import { soak } from "./soak.js";

/** Played for certain, half of them with everything that can happen. */
const SCENARIOS = Number(process.env.GRAIN_SIM_SCENARIOS ?? 3_000);
/** To repeat a failure, set it to the seed that was printed. */
const SEED = Number(process.env.GRAIN_SIM_SEED ?? Date.now() % 2 ** 31);

describe(`a cluster with random work and faults, from seed ${SEED}`, () => {
  it(ALWAYS.promise, () => {
    const { scenarios, tasks, kills } = soak({ ...ALWAYS, atLeast: SCENARIOS / 2, seed: SEED });
    expect(scenarios).toBeGreaterThanOrEqual(SCENARIOS / 2);
    expect(Math.min(tasks, kills)).toBeGreaterThan(0);
  }, 300_000);

  it.each(ONCE)(
    "$promise",
    ({ scenarios, judge, promise }) => {
      const played = soak({ scenarios, judge, atLeast: SCENARIOS / 2 / ONCE.length, seed: SEED });
      if (/cut/.test(promise)) expect(played.resumed).toBeGreaterThan(0);
      if (/killed/.test(promise)) expect(played.kills).toBeGreaterThan(0);
    },
    300_000,
  );
});
