import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import type { Delayed } from "../../../client/delayed/delayed.js";
import { delayed } from "../../../client/delayed/function.js";
import { op } from "../../../client/delayed/operators.js";
import { isDelayed } from "../../../client/delayed/surface.js";
import { delayedVal } from "../../../client/delayed/value.js";
import { FakeScope, inScope } from "../../kit/scope.js";

const energy = delayed(async function energy(distance: number) {
  return { hits: [{ id: `h${distance}` }, { id: "b" }], text: "a-b", scale: (factor: number) => factor * 2 };
});
const pair = delayed(async (values: unknown) => values as number[], { name: "pair", nout: 2 });
const failing = delayed(async function failing() {
  throw new RangeError("no");
});

describe("Delayed", () => {
  it("can be awaited", async () => {
    await inScope(async () => {
      expect(await delayed(async (x: number) => x + 1, { name: "inc" })(2)).toBe(3);
      expect(await energy(1).then((value) => value.text)).toBe("a-b");
      expect(await failing().catch((error: unknown) => (error as Error).message)).toBe("no");
      let ends = 0;
      await energy(1).finally(() => ends++);
      expect(ends).toBe(1);
      expect(await Promise.all([delayedVal(1), delayedVal("x")])).toEqual([1, "x"]);
      expect(await Promise.resolve(delayedVal(5))).toBe(5);
    });
  });

  it("rejects with the same error from every node", async () => {
    await inScope(async () => {
      const source = failing();
      const caught = (promise: PromiseLike<unknown>) => promise.then(undefined, (error: unknown) => error);
      const error = await caught(source);
      expect(error).toBeInstanceOf(RangeError);
      expect(await caught(op.add(source as unknown as Delayed<number>, 1))).toBe(error);
      expect(await caught(source)).toBe(error);
    });
  });

  it("gives members, items, method calls and calls of the value", async () => {
    await inScope(async () => {
      const r = energy(7);
      expect(await r.hits[0].id).toBe("h7");
      expect(await r.hits.length).toBe(2);
      expect(await r.hits.slice(1).map((hit) => hit.id)).toEqual(["b"]);
      expect(await r.text.split("-").join("+")).toBe("a+b");
      expect(await r.scale(op.add(1, 2))).toBe(6);
      expect(await r.hits.concat([{ id: "z" }])).toHaveLength(3);
      expect(await delayedVal((a: number, b: number) => a - b)(5, delayedVal(3))).toBe(2);
      const list = delayedVal([[3, 1], [2]]);
      expect(await list[0].concat([delayedVal(9), 8])).toEqual([3, 1, 9, 8]);
      expect(await delayedVal("héllo").slice(1, 3).toUpperCase()).toBe("ÉL");
    });
  });

  it("keeps the receiver of a method that was taken off", async () => {
    const { slice } = delayedVal([1, 2, 3]);
    expect(await slice(1)).toEqual([2, 3]);
    const max = delayedVal({ max: Math.max }).max;
    expect((await max).name).toBe("max");
    expect(await max(1, 2)).toBe(2);
  });

  it("says what could not be read or called", async () => {
    const nothing = delayedVal({ a: undefined as unknown as { b: number }, n: 1 as unknown as () => void });
    await expect(Promise.resolve(nothing.a.b)).rejects.toThrow(
      /cannot read "b" of a Delayed that evaluated to undefined/,
    );
    await expect(Promise.resolve(nothing.n())).rejects.toThrow(/cannot call "n".*no method/);
    await expect(Promise.resolve((delayedVal(3) as unknown as () => Delayed<unknown>)())).rejects.toThrow(
      /a number/,
    );
  });

  it("waits for promises that methods return", async () => {
    const client = delayedVal({ fetch: async (n: number) => ({ n }) });
    expect(await client.fetch(3).n).toBe(3);
  });

  it("unpacks with nout, as a tuple", async () => {
    await inScope(async () => {
      const [a, b] = pair([3, 4]);
      expect([await a, await b]).toEqual([3, 4]);
      const seen: number[] = [];
      for (const item of pair([5, 6])) seen.push(await item!);
      expect(seen).toEqual([5, 6]);
      const [x, ...rest] = delayedVal([1, 2, 3], { length: 3 });
      expect(rest).toHaveLength(2);
      expect(await x).toBe(1);
    });
  });

  it("unpacks any iterable, iterating it once", async () => {
    await inScope(async () => {
      const [a, b] = pair(new Set([1, 2]));
      expect([await b, await a]).toEqual([2, 1]);
      function* generate() {
        yield 1;
        yield 2;
      }
      const [c, d] = pair(generate());
      expect([await c, await d]).toEqual([1, 2]);
    });
  });

  it("refuses to unpack what is too short or not iterable", async () => {
    await inScope(async () => {
      const [a] = pair([1]);
      await expect(Promise.resolve(a)).rejects.toThrow(/nout is 2, but the value has only 1 items/);
      const [b] = pair(5);
      await expect(Promise.resolve(b)).rejects.toThrow(/nout is 2, but the value is not iterable/);
    });
  });

  const r = delayedVal([1, 2]);
  const loose = r as unknown as Record<string, unknown> & number;
  it.each<[string, () => unknown, RegExp]>([
    [
      "r.foo = 1",
      () => {
        loose.foo = 1;
      },
      /cannot set "foo".*op\.setItem\(r, "foo", value\)/,
    ],
    [
      "r[-1] = 1",
      () => {
        loose[-1] = 1;
      },
      /cannot set "-1"/,
    ],
    [
      "r[1.5] = 1",
      () => {
        loose[1.5] = 1;
      },
      /cannot set "1.5"/,
    ],
    ["r + 1", () => loose + 1, /op\.add\(a, b\).*calc/],
    ["`${r}`", () => `${loose}`, /as a string.*op.*calc/],
    ["r < 2", () => loose < 2, /as a number.*op.*calc/],
    ["+r", () => +loose, /as a number.*op.*calc/],
    // biome-ignore lint/suspicious/noDoubleEquals: it is what is tested.
    ["r == 2", () => loose == (2 as unknown), /op.*calc/],
    ['"x" in r', () => "x" in (r as object), /cannot tell whether "x" is in.*await it first/],
    ["for of", () => [...r], /cannot iterate.*nout: 2/],
    [
      "destructuring",
      () => {
        const [a] = r;
        return a;
      },
      /cannot iterate.*nout: 2/,
    ],
    ["JSON.stringify(r)", () => JSON.stringify(r), /JSON.*await it first/],
    ["JSON.stringify({ r })", () => JSON.stringify({ r }), /JSON.*await it first/],
    ["Object.keys(r)", () => Object.keys(r), /cannot list the keys.*await it first/],
    ["delete r[0]", () => delete (loose as { 0?: unknown })[0], /cannot delete 0/],
    ["Object.defineProperty(r)", () => Object.defineProperty(r, "x", { value: 1 }), /cannot define x/],
    ["Object.setPrototypeOf(r)", () => Object.setPrototypeOf(r, null), /./],
    ["Object.freeze(r)", () => Object.freeze(r), /./],
  ])("refuses %s with advice", (_name, use, message) => {
    expect(use).toThrow(TypeError);
    expect(use).toThrow(message);
  });

  it("shows itself when inspected, without starting anything", async () => {
    const scope = new FakeScope({ byHand: true });
    await scope.run(async () => {
      const a = energy(1);
      const b = failing();
      expect(inspect(a)).toBe("Delayed<energy#1 pending>");
      expect(inspect(a.hits[0].id)).toBe("Delayed<energy#1.hits[0].id pending>");
      expect(inspect(op.add(a.hits.length, 1))).toBe("Delayed<add(energy#1.hits.length, 1) pending>");
      expect(inspect(a.hits.slice(1))).toBe("Delayed<energy#1.hits.slice(…) pending>");
      expect(inspect(delayedVal(3))).toBe("Delayed<value fulfilled>");
      expect(inspect({ a: [a] })).toBe("{ a: [ Delayed<energy#1 pending> ] }");
      expect(scope.call(1).completion.observed).toBe(false);
      scope.call(1).completion.fulfil({ hits: [] });
      scope.call(2).completion.reject(new Error("no"));
      expect(inspect(a)).toBe("Delayed<energy#1 fulfilled>");
      expect(inspect(b)).toBe("Delayed<failing#2 rejected>");
      const length = a.hits.length;
      await length;
      expect(inspect(length)).toBe("Delayed<….length fulfilled>");
      const sum = op.add(length, 1);
      await sum;
      expect(inspect(sum)).toBe("Delayed<add(…) fulfilled>");
      await expect(Promise.resolve(b)).rejects.toThrow("no");
      expect(inspect(b)).toBe("Delayed<failing#2 rejected>");
    });
  });

  it("is told apart from other values", () => {
    expect(isDelayed(r)).toBe(true);
    for (const other of [1, undefined, null, {}, () => 1, Promise.resolve(), energy])
      expect(isDelayed(other)).toBe(false);
    expect(Object.prototype.toString.call(r)).toBe("[object Delayed]");
  });

  it("is not spread into arrays or taken for a promise by accident", () => {
    expect([].concat(r as never)).toHaveLength(1);
    expect((r as unknown as Record<symbol, unknown>)[Symbol.asyncIterator]).toBeUndefined();
    expect((r as unknown as Record<symbol, unknown>)[Symbol.for("some.library")]).toBeUndefined();
  });
});
