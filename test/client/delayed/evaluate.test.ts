import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { delayed } from "../../../client/delayed/function.js";
import { lift } from "../../../client/delayed/lift.js";
import { op } from "../../../client/delayed/operators.js";
import { nodeOf } from "../../../client/delayed/surface.js";
import { delayedVal } from "../../../client/delayed/value.js";
import { FakeScope } from "../../kit/scope.js";

const value = delayed(async (n: number) => n, { name: "value" });

/** A lifted function that counts its runs. */
function counting<A extends unknown[], R>(fn: (...args: A) => R) {
  const counter = { runs: 0 };
  const lifted = lift((...args: A): R => {
    counter.runs++;
    return fn(...args);
  });
  return { counter, lifted };
}

/** Collects rejections that nobody handles while a function runs. */
async function unhandled(fn: () => unknown): Promise<unknown[]> {
  const seen: unknown[] = [];
  const note = (error: unknown) => seen.push(error);
  process.on("unhandledRejection", note);
  try {
    await fn();
    await setImmediate();
    await setImmediate();
  } finally {
    process.off("unhandledRejection", note);
  }
  return seen;
}

describe("evaluation", () => {
  it("runs nothing before an await, and each node once", async () => {
    const { counter, lifted } = counting((a: number) => a + 1);
    const shared = lifted(delayedVal(1));
    const sum = op.add(op.mul(shared, shared), shared);
    await setImmediate();
    expect(counter.runs).toBe(0);
    expect(await Promise.all([sum, sum, shared])).toEqual([6, 6, 2]);
    expect(await sum).toBe(6);
    expect(counter.runs).toBe(1);
  });

  it("shares the nodes of a graph: no more work than nodes", async () => {
    const { counter, lifted } = counting((a: bigint, b: bigint) => a + b);
    let r = lifted(delayedVal(1n), 0n);
    for (let level = 0; level < 200; level++) r = lifted(r, r);
    expect(await r).toBe(2n ** 200n);
    expect(counter.runs).toBe(201);
  });

  it("shares one evaluation among concurrent awaits of overlapping graphs", async () => {
    const scope = new FakeScope({ byHand: true });
    await scope.run(async () => {
      const { counter, lifted } = counting((a: number) => a + 1);
      const base = lifted(value(1));
      const left = op.add(base, 1);
      const right = op.add(base, 2);
      const both = Promise.all([left, right, base]);
      scope.call(1).completion.fulfil(10);
      expect(await both).toEqual([12, 13, 11]);
      expect(counter.runs).toBe(1);
    });
  });

  it("evaluates long chains without recursion", async () => {
    let sum = delayedVal(0);
    let loop: { readonly next: unknown } = delayedVal<{ next: unknown }>({ next: undefined });
    const self = { next: undefined as unknown, depth: 7 };
    self.next = self;
    loop = delayedVal(self);
    for (let count = 0; count < 1_000_000; count++) {
      sum = op.add(sum, 1);
      loop = loop.next as typeof loop;
    }
    expect(await sum).toBe(1_000_000);
    expect(await (loop as unknown as { depth: PromiseLike<number> }).depth).toBe(7);
  });

  it("rejects long chains without recursion", async () => {
    let r = lift((): number => {
      throw new Error("at the start");
    })();
    for (let count = 0; count < 100_000; count++) r = op.add(r, 1);
    await expect(Promise.resolve(r)).rejects.toThrow("at the start");
  });

  it("rejects with the first failure in time, without waiting for the others", async () => {
    const scope = new FakeScope({ byHand: true });
    await scope.run(async () => {
      const sum = op.add(op.add(value(1), value(2)), value(3));
      const ended = expect(Promise.resolve(sum)).rejects.toThrow("second");
      scope.call(2).completion.reject(new Error("second"));
      await ended;
      scope.call(1).completion.reject(new Error("first"));
      await expect(Promise.resolve(sum)).rejects.toThrow("second");
    });
  });

  it("observes every source that it depends on, and no other", async () => {
    const scope = new FakeScope({ byHand: true });
    await scope.run(async () => {
      const sum = op.add(value(1), op.mul(value(2), 3));
      const unused = op.add(value(3), 1);
      expect(unused).toBeDefined();
      expect(scope.calls.map((call) => call.completion.observed)).toEqual([false, false, false]);
      const result = sum.then((n) => n);
      expect(scope.calls.map((call) => call.completion.observed)).toEqual([true, true, false]);
      scope.call(1).completion.fulfil(1);
      scope.call(2).completion.fulfil(2);
      expect(await result).toBe(7);
    });
  });

  it("leaves no unhandled rejection when nobody asks", async () => {
    const scope = new FakeScope();
    const seen = await unhandled(() =>
      scope.run(async () => {
        const failed = delayed(
          async (): Promise<number[]> => {
            throw new Error("unseen");
          },
          { name: "failed", nout: 1 },
        )();
        const [item] = failed;
        op.add(failed[0], 1);
        failed.slice(1);
        failed[0] = 3;
        expect(item).toBeDefined();
        await setImmediate();
      }),
    );
    expect(seen).toEqual([]);
    expect(scope.call(1).completion.state.type).toBe("rejected");
  });

  it("waits for promises that lifted functions return, side by side", async () => {
    let running = 0;
    let most = 0;
    const slow = lift(async (n: number) => {
      most = Math.max(most, ++running);
      await setImmediate();
      running--;
      return n;
    });
    expect(await op.add(slow(delayedVal(1)), slow(delayedVal(2)))).toBe(3);
    expect(most).toBe(2);
    const failing = lift(async (): Promise<number> => {
      throw new Error("later");
    });
    await expect(Promise.resolve(op.add(failing(), 1))).rejects.toThrow("later");
  });

  it("lets functions await other delayed values while it runs", async () => {
    const inner = op.add(delayedVal(1), 1);
    const nested = lift(async (n: number) => n + (await inner));
    expect(await op.add(nested(delayedVal(3)), inner)).toBe(7);
  });

  it("drops the operands of what it evaluated", async () => {
    const first = op.add(delayedVal([1]).length, 1);
    const last = op.add(first, 1);
    await last;
    const node = nodeOf(last);
    expect([node?.left, node?.right, node?.rest, node?.result]).toEqual([undefined, undefined, undefined, 3]);
  });

  it("gives what the same operations give at once, for any graph", async () => {
    const step = fc.record({
      a: fc.nat(),
      b: fc.nat(),
      operator: fc.constantFrom("add", "sub", "mul" as const),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.bigInt(-9n, 9n),
        fc.func(fc.boolean()),
        async (steps, seed, asked) => {
          const now: bigint[] = [seed];
          const later = [delayedVal(seed)];
          for (const [index, { a, b, operator }] of steps.entries()) {
            const [i, j] = [a % now.length, b % now.length];
            const apply = {
              add: () => now[i]! + now[j]!,
              sub: () => now[i]! - now[j]!,
              mul: () => now[i]! * now[j]!,
            };
            now.push(BigInt.asIntN(64, apply[operator]()));
            later.push(lift((n: bigint) => BigInt.asIntN(64, n))(op[operator](later[i]!, later[j]!)));
            if (asked(index)) void later[a % later.length]!.then();
          }
          expect(await Promise.all(later)).toEqual(now);
        },
      ),
    );
  });
});
