import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ResourceError } from "../../../proto/errors.js";
import { SCALE } from "../../../proto/resource/amount.js";
import { canonicalDemand } from "../../../proto/resource/canonical.js";
import { type Amount, amountOf, covers, type Demand, fitsAmounts } from "../../../proto/resource/demand.js";
import { type Allocation, type Grant, Ledger } from "../../../proto/resource/ledger.js";
import { type Pool, poolAmounts } from "../../../proto/resource/pool.js";
import { type ResourceLike, toRequest } from "../../../proto/resource/resource.js";
import { demand as anyDemand, pool, smallDemand } from "./arbitrary.js";

const G = 1024 ** 3;

function ask(like: ResourceLike): Demand {
  return toRequest(like).alternatives[0]!;
}

function machine(part: Partial<Pool> = {}): Pool {
  return { cores: [0, 1, 2, 3], gpus: [0, 1], memoryBytes: 8 * G, others: [], tokens: [], numa: [], ...part };
}

/** "0 1 2:0.5": whole ids, and shares. */
function shown(grants: readonly Grant[] | undefined): string | undefined {
  return grants?.map(({ id, amount }) => (amount === SCALE ? `${id}` : `${id}:${amount / SCALE}`)).join(" ");
}

function taken(ledger: Ledger, like: ResourceLike): Allocation {
  const allocation = ledger.take(ask(like));
  if (allocation === undefined) throw new Error("does not fit");
  return allocation;
}

describe("take", () => {
  it("grants the lowest ids that are wholly free", () => {
    const ledger = new Ledger(machine({ cores: [6, 9, 7] }));
    const first = taken(ledger, { cores: 1 });
    expect(shown(first.cores)).toBe("6");
    expect(shown(taken(ledger, { cores: 1 }).cores)).toBe("7");
    ledger.give(first);
    expect(shown(taken(ledger, { cores: 2 }).cores)).toBe("6 9");
    expect(ledger.take(ask({ cores: 1 }))).toBeUndefined();
  });

  it("keeps fractions together, in the tightest room", () => {
    const ledger = new Ledger(machine());
    expect(shown(taken(ledger, { cores: 0.5 }).cores)).toBe("0:0.5");
    expect(shown(taken(ledger, { cores: 1 }).cores)).toBe("1");
    expect(shown(taken(ledger, { cores: 0.75 }).cores)).toBe("2:0.75");
    expect(shown(taken(ledger, { cores: 0.25 }).cores)).toBe("2:0.25");
    expect(shown(taken(ledger, { cores: 0.5 }).cores)).toBe("0:0.5");
    expect(shown(taken(ledger, { cores: 0.1 }).cores)).toBe("3:0.1");
  });

  it("grants 1.5 as one whole and half of another", () => {
    const ledger = new Ledger(machine());
    expect(shown(taken(ledger, { cores: 1.5, gpus: 1.25 }).cores)).toBe("0 1:0.5");
    expect(shown(taken(ledger, { cores: 1.5 }).cores)).toBe("1:0.5 2");
    expect(shown(taken(ledger, { gpus: 0.75 }).gpus)).toBe("1:0.75");
    expect(ledger.take(ask({ gpus: 0.1 }))).toBeUndefined();
  });

  it("does not grant what fits in amount and on no single id", () => {
    const ledger = new Ledger(machine({ gpus: [0, 1] }));
    const shares = [taken(ledger, { gpus: 0.6 }), taken(ledger, { gpus: 0.6 })];
    for (const like of [{ gpus: 0.8 }, { gpus: 0.5 }]) {
      expect(fitsAmounts(ask(like), ledger.free())).toBe(true);
      expect(ledger.take(ask(like))).toBeUndefined();
    }
    ledger.give(shares[0]!);
    expect(shown(taken(ledger, { gpus: 1 }).gpus)).toBe("0");
  });

  it("grants all cores only when all are free", () => {
    const ledger = new Ledger(machine());
    const one = taken(ledger, { cores: 0.1 });
    expect(ledger.take(ask({ cores: "all" }))).toBeUndefined();
    ledger.give(one);
    expect(shown(taken(ledger, { cores: "all", memory: 1 }).cores)).toBe("0 1 2 3");
    expect(ledger.free().get("memory")).toBe(7 * G);
    expect(new Ledger(machine({ cores: [] })).take(ask({ cores: "all" }))).toBeUndefined();
  });

  it("grants the whole worker to a gang's share, when nothing else is there", () => {
    const others = [{ kind: "licenses", amount: 20_000 }];
    const ledger = new Ledger(machine({ others }));
    const one = taken(ledger, { memory: "1M" });
    expect(ledger.take(ask({ nodes: 2 }))).toBeUndefined();
    ledger.give(one);
    expect(ledger.take(ask({ nodes: 2, cores: 5 }))).toBeUndefined();
    const whole = taken(ledger, { nodes: 2, cores: 1 });
    expect(shown(whole.cores)).toBe("0 1 2 3");
    expect(whole).toMatchObject({ memoryBytes: 8 * G, others });
    expect([...ledger.free().values()]).toEqual([0, 0, 0, 0]);
    ledger.give(whole);
    expect(ledger.free()).toEqual(poolAmounts(ledger.pool));
  });

  it("counts memory, capacity and user-defined kinds", () => {
    const ledger = new Ledger(
      machine({
        others: [
          { kind: "capacity", amount: 20_000 },
          { kind: "tape", amount: 5_000 },
        ],
      }),
    );
    const allocation = taken(ledger, { memory: 6, capacity: 1, resources: { tape: 0.5 } });
    expect(allocation).toEqual({
      cores: [],
      gpus: [],
      memoryBytes: 6 * G,
      others: [
        { kind: "capacity", amount: 10_000 },
        { kind: "tape", amount: 5_000 },
      ],
      tokens: [],
    });
    expect(ledger.take(ask({ memory: 3 }))).toBeUndefined();
    expect(ledger.take(ask({ resources: { tape: 0.1 } }))).toBeUndefined();
    expect(ledger.take(ask({ resources: { other: 1 } }))).toBeUndefined();
    expect(ledger.outstanding).toBe(1);
  });

  it("wants its tokens there", () => {
    const ledger = new Ledger(machine({ tokens: ["a", "b"] }));
    expect(taken(ledger, { token: "a" }).tokens).toEqual(["a"]);
    expect(ledger.take(ask({ token: ["a", "c"] }))).toBeUndefined();
  });

  it("grants nothing to who asks for nothing, any number of times", () => {
    const ledger = new Ledger(machine({ cores: [], gpus: [], memoryBytes: 0 }));
    expect(taken(ledger, {})).toEqual(taken(ledger, {}));
    expect(ledger.outstanding).toBe(2);
  });
});

describe("give", () => {
  it("refuses a second time, and changes nothing then", () => {
    const ledger = new Ledger(machine());
    const allocation = taken(ledger, { cores: 2 });
    ledger.give(allocation);
    const before = ledger.free();
    expect(() => ledger.give(allocation)).toThrow(/it was given back already/);
    expect(ledger.free()).toEqual(before);
  });

  it("refuses what another ledger made, also a copy", () => {
    const ledger = new Ledger(machine());
    const allocation = taken(ledger, { cores: 2 });
    expect(() => new Ledger(machine()).give(allocation)).toThrow(/another ledger made it/);
    expect(() => ledger.give({ ...allocation })).toThrow(Error);
  });
});

describe("free", () => {
  it("does not change afterwards", () => {
    const ledger = new Ledger(machine());
    const before = ledger.free();
    taken(ledger, { cores: 2 });
    expect(before.get("cores")).toBe(40_000);
    expect(ledger.free().get("cores")).toBe(20_000);
  });
});

it("refuses a malformed pool", () => {
  expect(() => new Ledger(machine({ cores: [1, 1] }))).toThrow(ResourceError);
});

describe("any sequence of taking and giving", () => {
  type Step =
    | { readonly type: "take"; readonly demand: Demand }
    | { readonly type: "give"; readonly at: number };
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 3, arbitrary: smallDemand.map((demand) => ({ type: "take" as const, demand })) },
    { weight: 2, arbitrary: fc.nat().map((at) => ({ type: "give" as const, at })) },
  );
  const steps = fc.array(step, { maxLength: 60 });

  /** Runs the steps; calls back after each with what is out. */
  function play(
    ledger: Ledger,
    given: readonly Step[],
    check: (out: readonly Allocation[]) => void,
  ): Allocation[] {
    const out: Allocation[] = [];
    for (const item of given) {
      if (item.type === "take") {
        const allocation = ledger.take(item.demand);
        if (allocation !== undefined) out.push(allocation);
      } else if (out.length > 0) {
        for (const allocation of out.splice(item.at % out.length, 1)) ledger.give(allocation);
      }
      check(out);
    }
    return out;
  }

  function sum(out: readonly Allocation[], kind: string): number {
    let total = 0;
    for (const { cores, gpus, memoryBytes, others } of out) {
      if (kind === "memory") total += memoryBytes;
      const items =
        kind === "cores" ? cores : kind === "gpus" ? gpus : others.filter((item) => item.kind === kind);
      for (const { amount } of items) total += amount;
    }
    return total;
  }

  it("never over-commits, and accounts for everything", () => {
    fc.assert(
      fc.property(pool, steps, (given, played) => {
        const ledger = new Ledger(given);
        play(ledger, played, (out) => {
          const free = ledger.free();
          for (const [kind, total] of poolAmounts(given)) {
            expect(free.get(kind)).toBeGreaterThanOrEqual(0);
            expect((free.get(kind) ?? 0) + sum(out, kind)).toBe(total);
          }
          expect(ledger.outstanding).toBe(out.length);
        });
      }),
    );
  });

  it("shares no id that is granted whole, and fills none above one", () => {
    fc.assert(
      fc.property(pool, steps, (given, played) => {
        play(new Ledger(given), played, (out) => {
          for (const kind of ["cores", "gpus"] as const) {
            const shares = new Map<number, number[]>();
            for (const { id, amount } of out.flatMap((allocation) => allocation[kind]))
              shares.set(id, [...(shares.get(id) ?? []), amount]);
            for (const [id, amounts] of shares) {
              expect(given[kind]).toContain(id);
              if (amounts.includes(SCALE)) expect(amounts).toEqual([SCALE]);
              expect(amounts.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(SCALE);
            }
          }
        });
      }),
    );
  });

  it("grants exactly what was asked, each id once, ascending", () => {
    fc.assert(
      fc.property(pool, anyDemand, (given, demand) => {
        const allocation = new Ledger(given).take({ ...demand, nodes: 0 });
        if (allocation === undefined) return;
        const wanted = demand.allCores ? given.cores.length * SCALE : amountOf(demand, "cores");
        expect(sum([allocation], "cores")).toBe(wanted);
        for (const kind of ["gpus", "memory", "capacity", "licenses"])
          expect(sum([allocation], kind)).toBe(amountOf(demand, kind));
        const ids = allocation.cores.map(({ id }) => id);
        expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
        expect(allocation.cores.filter(({ amount }) => amount < SCALE).length).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("ends with the first state when all is given back, in whatever order", () => {
    fc.assert(
      fc.property(pool, steps, fc.infiniteStream(fc.nat()), (given, played, order) => {
        const ledger = new Ledger(given);
        const out = play(ledger, played, () => {});
        while (out.length > 0)
          for (const allocation of out.splice((order.next().value ?? 0) % out.length, 1))
            ledger.give(allocation);
        expect(ledger.free()).toEqual(poolAmounts(given));
        // Not only in amounts: the ids too.
        expect(ledger.take(ask({ nodes: 1 }))).toEqual(new Ledger(given).take(ask({ nodes: 1 })));
      }),
    );
  });

  it("taking and giving back is the identity", () => {
    fc.assert(
      fc.property(pool, steps, smallDemand, smallDemand, (given, played, demand, next) => {
        const [ledger, untouched] = [new Ledger(given), new Ledger(given)];
        play(ledger, played, () => {});
        play(untouched, played, () => {});
        const allocation = ledger.take(demand);
        if (allocation !== undefined) ledger.give(allocation);
        expect(ledger.free()).toEqual(untouched.free());
        expect(ledger.take(next)).toEqual(untouched.take(next));
      }),
    );
  });

  it("refuses only what fits in no way: amounts, or ids because of fractions", () => {
    const room = (amounts: readonly number[], amount: number): boolean => {
      const part = amount % SCALE;
      const whole = amounts.filter((free) => free === SCALE).length - (amount - part) / SCALE;
      return whole >= 0 && (part === 0 || whole > 0 || amounts.some((free) => free < SCALE && free >= part));
    };
    fc.assert(
      fc.property(pool, steps, smallDemand, (given, played, demand) => {
        const ledger = new Ledger(given);
        const out = play(ledger, played, () => {});
        const freeOf = (kind: "cores" | "gpus") =>
          given[kind].map((id) => {
            const grants = out.flatMap((allocation) => allocation[kind]).filter((grant) => grant.id === id);
            return grants.reduce((free, { amount }) => free - amount, SCALE);
          });
        const fits =
          fitsAmounts(demand, ledger.free(), poolAmounts(given)) &&
          room(freeOf("cores"), amountOf(demand, "cores")) &&
          room(freeOf("gpus"), amountOf(demand, "gpus"));
        expect(ledger.take(demand) !== undefined).toBe(fits);
      }),
      { numRuns: 300 },
    );
  });

  it("fits in ids whenever it fits in amounts while all is whole", () => {
    const whole = (demand: Demand): Demand => ({
      ...demand,
      amounts: demand.amounts.filter(({ kind, amount }) => kind === "memory" || amount % SCALE === 0),
    });
    fc.assert(
      fc.property(pool, steps, smallDemand, (given, played, demand) => {
        const ledger = new Ledger(given);
        play(
          ledger,
          played.map((item) => (item.type === "take" ? { ...item, demand: whole(item.demand) } : item)),
          () => {},
        );
        const asked = whole(demand);
        const fits = fitsAmounts(asked, ledger.free(), poolAmounts(given));
        expect(ledger.take(asked) !== undefined).toBe(fits);
      }),
    );
  });

  it("always lets a demand take the place of one that covers it", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const pair = fc.oneof(
      fc.tuple(smallDemand, smallDemand),
      fc.tuple(smallDemand, share, share).map(([a, first, others]): [Demand, Demand] => {
        const less = ({ kind, amount }: Amount, index: number) => ({
          kind,
          amount: Math.floor(amount * (index === 0 ? first : others)),
        });
        const amounts = a.amounts.map(less);
        const whole = amounts.every(({ kind, amount }) => kind !== "cores" || amount % SCALE === 0);
        return [a, canonicalDemand({ ...a, amounts, coreLayout: whole ? a.coreLayout : "" })];
      }),
    );
    fc.assert(
      fc.property(pool, steps, pair, (given, played, [a, b]) => {
        const ledger = new Ledger(given);
        play(ledger, played, () => {});
        const allocation = ledger.take(a);
        if (allocation === undefined || !covers(a, b)) return;
        ledger.give(allocation);
        expect(ledger.take(b)).toBeDefined();
      }),
      { numRuns: 500 },
    );
  });
});
