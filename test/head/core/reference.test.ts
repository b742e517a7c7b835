import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Pool } from "../../../proto/resource/pool.js";
import {
  anyOf,
  combine,
  cores,
  limit,
  memory,
  nodes,
  type ResourceLike,
  resource,
  token,
  toRequest,
} from "../../../proto/resource/resource.js";
import { CoreDriver, poolOf } from "../../kit/core.js";
import { Reference, type ReferenceTask } from "./reference.js";

const SESSIONS = 3;
const WEIGHTS = new Map([
  ["client2", 2],
  ["client3", 0.7],
]);

/** A limit that is never reached: what has one is never sent ahead, so that only grants are compared. */
const NEVER_AHEAD = limit("never-ahead", 1_000_000);

type Action =
  | { readonly type: "submit"; readonly session: number; readonly spec: number; readonly count: number }
  | { readonly type: "end" | "fail"; readonly pick: number }
  | { readonly type: "plan" };

interface Case {
  readonly pools: readonly Pool[];
  readonly specs: readonly { readonly demand: ResourceLike; readonly priority: number }[];
  readonly actions: readonly Action[];
}

/** The core and the reference side by side, fed the same. */
class Race {
  readonly driver: CoreDriver;
  readonly reference = new Reference((session) => WEIGHTS.get(`client${session}`) ?? 1);
  readonly #tasks = new Map<string, ReferenceTask>();
  readonly #workerOf = new Map<ReferenceTask, number>();
  readonly #attempts = new Map<ReferenceTask, number>();
  #idleWorkers = 0;

  constructor(
    readonly given: Case,
    policy: "fit" | "spread",
  ) {
    this.driver = new CoreDriver({ policy, weights: WEIGHTS });
    for (const [index, pool] of given.pools.entries()) {
      this.driver.worker(index + 1, pool);
      this.reference.join(pool);
    }
    for (let session = 1; session <= SESSIONS; session += 1) {
      this.driver.session(session, { prioritized: session === 3 });
      given.specs.forEach(({ demand, priority }, spec) => {
        this.driver.spec(session, spec, combine(demand, NEVER_AHEAD), { priority, retries: 100 });
      });
    }
  }

  submit(session: number, spec: number, count: number): void {
    const { demand, priority } = this.given.specs[spec]!;
    const { alternatives } = toRequest(demand);
    for (const number of this.driver.submit(session, spec, count)) {
      const task: ReferenceTask = {
        session,
        number,
        prioritized: session === 3,
        priority,
        alternatives,
        again: false,
        placed: undefined,
      };
      this.#tasks.set(`${session}.${number}`, task);
      this.reference.wait(task);
    }
  }

  end(type: "end" | "fail", pick: number): void {
    const running = [...this.#workerOf.keys()];
    const task = running[pick % running.length];
    if (task === undefined) return;
    const worker = this.#workerOf.get(task)!;
    this.#workerOf.delete(task);
    if (type === "end") {
      this.driver.finish(worker, task.session, [task.number], { attempts: [this.#attempts.get(task) ?? 1] });
      this.reference.end(task);
    } else {
      const { session, number } = task;
      const attempt = this.#attempts.get(task) ?? 1;
      this.#attempts.set(task, attempt + 1);
      this.driver.step({
        type: "failed",
        worker,
        session,
        task: number,
        attempt,
        cause: "function",
        labels: [],
        failure: "failure",
      });
      task.again = true;
      this.reference.wait(task);
    }
  }

  /** What the core grants. */
  plan(): { readonly task: ReferenceTask; readonly alternative: number; readonly workers: number[] }[] {
    // A worker that joins makes the core look at everything again, as the reference always does.
    this.#idleWorkers += 1;
    const worker = 1_000 + this.#idleWorkers;
    this.driver.worker(worker, poolOf(0, 0));
    this.driver.step({ type: "workerLeaving", worker });
    return this.driver.settle().flatMap((effect) => {
      if (effect.type !== "assign") return [];
      expect(effect.granted, "nothing is sent ahead").toBe(true);
      return effect.tasks.map((number, i) => {
        const task = this.#tasks.get(`${effect.session}.${number}`)!;
        this.#workerOf.set(task, effect.worker);
        return { task, alternative: effect.alternative, workers: effect.gangs?.[i] ?? [effect.worker] };
      });
    });
  }
}

function actionsOf(specs: number): fc.Arbitrary<Action[]> {
  const session = fc.integer({ min: 1, max: SESSIONS });
  const count = fc.integer({ min: 1, max: 5 });
  return fc.array(
    fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          type: fc.constant("submit" as const),
          session,
          spec: fc.nat(specs - 1),
          count,
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          type: fc.constantFrom("end" as const, "fail" as const),
          pick: fc.nat(20),
        }),
      },
      { weight: 2, arbitrary: fc.record({ type: fc.constant("plan" as const) }) },
    ),
    { minLength: 2, maxLength: 25, size: "max" },
  );
}

function caseOf(pools: fc.Arbitrary<readonly Pool[]>, demands: fc.Arbitrary<ResourceLike[]>) {
  return demands.chain((chosen) =>
    fc.record({
      pools,
      specs: fc.tuple(
        ...chosen.map((demand) =>
          fc.record({ demand: fc.constant(demand), priority: fc.constantFrom(0, 0, 1) }),
        ),
      ),
      actions: actionsOf(chosen.length),
    }),
  );
}

const DEMANDS: readonly ResourceLike[] = [
  cores(1),
  cores(2),
  cores(3).and(memory(1)),
  cores(0.5),
  memory(5),
  cores("all"),
  nodes(1),
  resource("seat", 1),
  cores(1).and(limit("license", 2)),
  memory(1).and(limit("license", 2)),
  token("fast").and(cores(1)),
  anyOf(resource("seat", 2), cores(2)),
  anyOf(cores(4), memory(3)),
];

const pool = fc
  .record({ cores: fc.nat(6), gigabytes: fc.nat(16), seats: fc.nat(3), fast: fc.boolean() })
  .map(({ cores: count, gigabytes, seats, fast }) =>
    poolOf(count, gigabytes, {
      others: seats === 0 ? [] : [{ kind: "seat", amount: seats * 10_000 }],
      tokens: fast ? ["fast"] : [],
    }),
  );
const mixed = fc.array(fc.constantFrom(...DEMANDS), { minLength: 1, maxLength: 4 });
const policy = fc.constantFrom("fit" as const, "spread" as const);

function perform(race: Race, action: Exclude<Action, { type: "plan" }>): void {
  if (action.type === "submit") race.submit(action.session, action.spec, action.count);
  else race.end(action.type, action.pick);
}

const nameOf = ({ session, number }: ReferenceTask) => `${session}.${number}`;

function grantTheSame(given: Case, placement: "fit" | "spread"): void {
  const race = new Race(given, placement);
  for (const action of [...given.actions, { type: "plan" as const }]) {
    if (action.type !== "plan") perform(race, action);
    else {
      const wanted = race.reference.plan().map(nameOf);
      expect(
        race
          .plan()
          .map(({ task }) => nameOf(task))
          .sort(),
      ).toEqual(wanted.sort());
    }
  }
}

function leaveNothingThatFits(given: Case, placement: "fit" | "spread"): void {
  const race = new Race(given, placement);
  for (const action of [...given.actions, { type: "plan" as const }]) {
    if (action.type !== "plan") perform(race, action);
    else {
      for (const { task, alternative, workers } of race.plan()) {
        const indices = workers.map((number) => number - 1);
        race.reference.place(task, alternative, indices);
      }
      expect(race.reference.plan().map(nameOf)).toEqual([]);
    }
  }
}

describe("the core grants what a naive scheduler grants", () => {
  const several = fc.array(pool, { minLength: 1, maxLength: 5 });
  const plain = [cores(1), cores(2), cores(0.5), cores(3).and(memory(1)), memory(5), resource("seat", 1)];
  const labelled = [token("fast").and(cores(1)), cores(1).and(limit("license", 2))];
  const twice = (demand: ResourceLike) => [demand, demand];

  it.each<[string, fc.Arbitrary<readonly Pool[]>, fc.Arbitrary<ResourceLike[]>]>([
    ["on one worker, whatever is asked for", pool.map((only) => [only]), mixed],
    ["when all ask for the same", several, fc.constantFrom(...plain, ...labelled).map(twice)],
    [
      "when all ask for whole workers, and these are equal",
      fc.tuple(pool, fc.integer({ min: 1, max: 5 })).map(([each, count]) => Array(count).fill(each)),
      fc.constantFrom(cores("all"), nodes(1), nodes(2), nodes(3)).map(twice),
    ],
  ])("%s", (_name, pools, demands) => {
    fc.assert(fc.property(caseOf(pools, demands), policy, grantTheSame), { numRuns: 500 });
  });

  it("and where the choice of workers matters, leaves nothing that fits", () => {
    const gangs = fc.array(fc.constantFrom(...DEMANDS, nodes(2), nodes(3)), { minLength: 1, maxLength: 5 });
    fc.assert(fc.property(caseOf(several, gangs), policy, leaveNothingThatFits), { numRuns: 500 });
  });
});
