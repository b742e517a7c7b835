import { describe, expect, it } from "vitest";
import { delayed } from "../../client/delayed/function.js";
import { op } from "../../client/delayed/operators.js";
import { delayedVal } from "../../client/delayed/value.js";
import { each } from "../../client/each.js";
import { FakeScope, inScope } from "../kit/scope.js";

const value = delayed(async (n: number) => n, { name: "value", nout: 1 });

describe("each", () => {
  it("waits for delayed values, promises and plain values, in order", async () => {
    await inScope(async () => {
      expect(await each(value(1), Promise.resolve("x"), true, op.add(value(2), 1))).toEqual([
        1,
        "x",
        true,
        3,
      ]);
      expect(await each([value(1), value(2)])).toEqual([1, 2]);
      expect(await each(new Set([value(3)]))).toEqual([3]);
      expect(await each(delayedVal([1, 2], { length: 2 }))).toEqual([[1, 2]]);
      expect(await each("ab")).toEqual(["ab"]);
      expect(await each()).toEqual([]);
      expect(await each([])).toEqual([]);
    });
  });

  it("rejects with the first error in time, and observes all", async () => {
    const scope = new FakeScope({ byHand: true });
    await scope.run(async () => {
      const all = each(value(1), value(2), value(3));
      expect(scope.calls.every((call) => call.completion.observed)).toBe(true);
      const ended = expect(all).rejects.toThrow("third");
      scope.call(3).completion.reject(new Error("third"));
      scope.call(1).completion.reject(new Error("first"));
      await ended;
    });
  });

  it("rejects with a promise's error", async () => {
    await expect(each([1, Promise.reject(new Error("no"))])).rejects.toThrow("no");
  });

  it("waits for a million", async () => {
    const scope = new FakeScope({ byHand: true });
    const list = scope.run(() => Array.from({ length: 1_000_000 }, (_, index) => value(index)));
    const all = each(list);
    for (const { completion, number } of scope.calls) completion.fulfil(number);
    const values = await all;
    expect([values.length, values[0], values.at(-1)]).toEqual([1_000_000, 1, 1_000_000]);
  });
});
