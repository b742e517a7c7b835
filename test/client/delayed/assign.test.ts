import { describe, expect, it } from "vitest";
import { delayed } from "../../../client/delayed/function.js";
import { op } from "../../../client/delayed/operators.js";
import { delayedVal } from "../../../client/delayed/value.js";
import { each } from "../../../client/each.js";
import { inScope } from "../../kit/scope.js";

const numbers = async (...values: number[]) => values;
const copying = delayed(numbers, { name: "copying", nout: 2 });
const inPlace = delayed(numbers, { name: "inPlace", nout: 2, copyOnSetItem: false });

describe("item assignment", () => {
  it("copies by default: values unpacked before keep theirs", async () => {
    await inScope(async () => {
      const r = copying(3, 4);
      const [a, b] = r;
      r[1] = 9;
      expect(await r).toEqual([3, 9]);
      expect(await b).toBe(4);
      expect(await a).toBe(3);
    });
  });

  it.each(["r first", "b first", "together"] as const)("changes them without the copy, %s", async (order) => {
    await inScope(async () => {
      const r = inPlace(3, 4);
      const [, b] = r;
      r[1] = 9;
      if (order === "r first") expect(await r).toEqual([3, 9]);
      if (order === "together") expect(await each(b, r)).toEqual([9, [3, 9]]);
      expect(await b).toBe(9);
      expect(await r).toEqual([3, 9]);
    });
  });

  it.each([
    ["with", copying],
    ["without", inPlace],
  ])("is seen by what is unpacked after it, %s the copy", async (_name, fn) => {
    await inScope(async () => {
      const r = fn(3, 4);
      r[1] = 9;
      const [, b] = r;
      expect(await b).toBe(9);
      expect(await r[1]).toBe(9);
      expect(await r).toEqual([3, 9]);
    });
  });

  it("keeps every version between reads", async () => {
    const r = delayedVal([0, 0]);
    const before = r[0];
    r[0] = 1;
    const first = r[0];
    r[0] = 2;
    r[1] = 3;
    const last = r[0];
    expect(await each(before, first, last, r)).toEqual([0, 1, 2, [2, 3]]);
  });

  it("takes delayed values, also made of the value itself", async () => {
    const r = delayedVal([1, 2]);
    r[0] = op.add(r[0], 10);
    r[0] = op.add(r[0], 10);
    r[1] = op.mul(r[0], 2);
    expect(await r).toEqual([21, 42]);
    const s = delayedVal([1, 2], { copyOnSetItem: false });
    s[0] = op.add(s[0], 10);
    s[0] = op.add(s[0], 10);
    expect(await s).toEqual([21, 2]);
  });

  it("leaves the original alone, or changes it without the copy", async () => {
    const kept = [1, 2];
    const r = delayedVal(kept);
    r[0] = 9;
    expect(await r).toEqual([9, 2]);
    expect(kept).toEqual([1, 2]);
    const changed = [1, 2];
    const s = delayedVal(changed, { copyOnSetItem: false });
    s[0] = 9;
    expect(await s).toBe(changed);
    expect(changed).toEqual([9, 2]);
  });

  it("changes the value in place for items unpacked from it, too", async () => {
    const rows = [[1], [2]];
    const [first] = delayedVal(rows, { length: 2, copyOnSetItem: false });
    first![0] = 9;
    await first;
    expect(rows).toEqual([[9], [2]]);
  });

  it.each([
    ["typed array", () => new Float64Array([1, 2]), 1],
    ["bytes", () => new Uint8Array([1, 2]), 1],
    ["buffer", () => Buffer.from([1, 2]), 1],
    ["map", () => new Map<unknown, number>([[1, 1]]), 1],
    ["object", () => ({ a: 1, 1: 2 }), 1],
  ] as const)("copies and assigns a %s", async (_name, make, key) => {
    const value = make();
    const r = delayedVal<unknown>(value) as unknown as Record<number, unknown>;
    r[key] = 7;
    const result = (await r) as never;
    expect(await op.getItem(delayedVal(result) as never, key as never)).toBe(7);
    expect(Object.getPrototypeOf(result)).toBe(Object.getPrototypeOf(value));
    expect(value).toEqual(make());
  });

  it("has a typed form for objects, maps and arrays that gives the Delayed back", async () => {
    const object = delayedVal({ a: 1, b: 2 });
    expect(op.setItem(object, "a", op.add(object.b, 5))).toBe(object);
    expect(await object).toEqual({ a: 7, b: 2 });
    const map = delayedVal(new Map([["x", 1]]));
    op.setItem(map, "y", 2);
    expect([...(await map)]).toEqual([
      ["x", 1],
      ["y", 2],
    ]);
    const plain = [1, 2];
    expect(await op.setItem(plain, 0, 5)).toEqual([5, 2]);
    expect(plain).toEqual([1, 2]);
  });

  it("is an error once the evaluation has started", async () => {
    const r = delayedVal([1]);
    await r;
    expect(() => {
      r[0] = 2;
    }).toThrow(/evaluation has started; assign before the first await/);
    expect(() => op.setItem(r, 0, 2)).toThrow(TypeError);
  });

  it("is an error once something made of it has started", async () => {
    const r = delayedVal([1, 2]);
    const first = r[0];
    r[1] = 5;
    expect(await first).toBe(1);
    expect(() => {
      r[1] = 6;
    }).toThrow(TypeError);
    expect(await r).toEqual([1, 5]);
  });

  it("fails at the await for what has no such item", async () => {
    const assign = (value: unknown, key: unknown, options?: { copyOnSetItem: boolean }) =>
      Promise.resolve(op.setItem(delayedVal(value, options) as never, key as never, 1 as never));
    await expect(assign(5, 0)).rejects.toThrow(/cannot assign an item of a number/);
    await expect(assign(null, 0)).rejects.toThrow(/of null/);
    await expect(assign(new Float64Array(3), 7)).rejects.toThrow(/item 7: the Float64Array has 3 items/);
    await expect(assign([1], "x")).rejects.toThrow(/"x" of an array/);
    await expect(assign({}, "__proto__")).rejects.toThrow(/__proto__/);
    await expect(assign(new Date(0), 1)).rejects.toThrow(/class Date.*copyOnSetItem: false/);
    await expect(assign(new Set(), 1, { copyOnSetItem: false })).rejects.toThrow(/of an object of class Set/);
  });

  it("makes one copy for assignments in a row", async () => {
    const r = delayedVal(new Array<number>(1000).fill(0));
    for (let index = 0; index < 1000; index++) op.setItem(r, index, index);
    expect(await r.reduce((sum, value) => sum + value)).toBe(499_500);
  });

  it("checks the options of delayedVal", () => {
    expect(() => delayedVal(1, { length: -1 })).toThrow(/length must be a whole number/);
    expect(() => delayedVal(1, { copyOnSetItem: 1 as never })).toThrow(/copyOnSetItem must be true or false/);
    const r = delayedVal(1);
    expect(delayedVal(r)).toBe(r);
  });
});
