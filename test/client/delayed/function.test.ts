import { describe, expect, it } from "vitest";
import { delayed } from "../../../client/delayed/function.js";
import { delayedVal } from "../../../client/delayed/value.js";
import { cores, memory } from "../../../proto/resource/resource.js";
import { FakeScope, inScope } from "../../kit/scope.js";

const energy = delayed(async function energy(distance: number, factor = 1) {
  return distance * factor;
});

describe("delayed", () => {
  it("submits at once, and runs locally without a resource", async () => {
    const scope = new FakeScope();
    await scope.run(async () => {
      const r = energy(2, 3);
      expect(scope.calls).toHaveLength(1);
      expect(scope.call(1).call.args).toEqual([2, 3]);
      expect(scope.call(1).call.request).toBeUndefined();
      expect(await r).toBe(6);
      expect(await delayed((n: number) => n + 1, { name: "sync" })(1)).toBe(2);
    });
  });

  it("binds resources in a new function", () => {
    const scope = new FakeScope({ byHand: true });
    scope.run(() => {
      const bound = energy.with(cores(2)).with({ memory: "1G" });
      bound(1);
      energy(1);
      energy.with(cores(2), memory(1))(1);
      expect(bound.name).toBe("energy");
      const [first, second, third] = scope.calls.map(
        (spawned) => spawned.call.request?.alternatives[0]?.amounts,
      );
      expect(first).toEqual([
        { kind: "cores", amount: 20_000 },
        { kind: "memory", amount: 1024 ** 3 },
      ]);
      expect(second).toBeUndefined();
      expect(third).toEqual(first);
    });
    expect(() => energy.with(cores(2)).with(cores(1))).toThrow(/cores/);
    expect(energy.with()).toBe(energy);
    expect(energy.with({})).toBe(energy);
  });

  it("runs remotely with an amount of zero, too", () => {
    const scope = new FakeScope({ byHand: true });
    scope.run(() => energy.with(cores(0))(1));
    expect(scope.call(1).call.request).toBeDefined();
  });

  it("merges options in a new function", () => {
    const scope = new FakeScope({ byHand: true });
    scope.run(() => {
      const urgent = energy.options({ priority: 3, timeout: "1m" }).options({ retries: 2, priority: 4 });
      urgent(1);
      energy(1);
    });
    expect(scope.call(1).call.definition.options).toMatchObject({
      priority: 4,
      timeoutMs: 60_000,
      retries: { max: 2 },
    });
    expect(scope.call(2).call.definition.options).toMatchObject({
      priority: 0,
      timeoutMs: 0,
      retries: { max: 0 },
    });
    expect(scope.call(1).call.definition.fn).toBe(scope.call(2).call.definition.fn);
  });

  it("keeps nout and copyOnSetItem through with and options", async () => {
    await inScope(async () => {
      const pair = delayed(async () => [1, 2], { name: "pair" })
        .options({ nout: 2, copyOnSetItem: false })
        .with({});
      const r = pair();
      const [, b] = r;
      r[1] = 9;
      expect(await b).toBe(9);
    });
  });

  it("maps one call to each item", async () => {
    await inScope(async (scope) => {
      const results = energy.map(new Set([1, 2, 3]));
      expect(scope.calls.map((spawned) => spawned.call.args)).toEqual([[1], [2], [3]]);
      expect(await Promise.all(results)).toEqual([1, 2, 3]);
      expect(() => energy.map(5 as never)).toThrow(/energy\.map takes an iterable/);
      expect(() => energy.map(delayedVal([1]) as never)).toThrow(/not a Delayed/);
    });
  });

  it("knows its file and where it was made", () => {
    const scope = new FakeScope({ byHand: true });
    scope.run(() => energy(1));
    const { definition } = scope.call(1).call;
    expect(definition.module).toBe(import.meta.filename);
    expect(definition.place).toMatch(/function\.test\.ts:\d+:\d+$/);
    expect(definition.topLevel).toBe(true);
  });

  it("refuses to be called outside of a run", () => {
    expect(() => energy(1)).toThrow(
      /energy was called outside of a run; call it inside run\(async \(\) => …\).*session\.run/,
    );
  });

  const r = delayedVal(1);
  it.each<[string, unknown[], RegExp]>([
    ["itself", [1, r], /energy: argument 2 \(args\[1\]\) is a Delayed; await it first/],
    ["in an array", [[1, r]], /argument 1 \(args\[0\]\[1\]\)/],
    ["in an object", [{ a: r }], /argument 1 \(args\[0\]\.a\)/],
  ])("refuses a Delayed as an argument: %s", (_name, args, message) => {
    inScope((scope) => {
      const call = energy as unknown as (...args: unknown[]) => unknown;
      expect(() => call(...args)).toThrow(TypeError);
      expect(() => call(...args)).toThrow(message);
      expect(scope.calls).toHaveLength(0);
    });
  });

  it("refuses to run remotely what was made inside a function, at the call", () => {
    inScope((scope) => {
      const inner = delayed(async function inner() {});
      expect(() => inner.with(cores(1))()).toThrow(TypeError);
      expect(() => inner.with(cores(1))()).toThrow(
        /inner was made inside another function \(.*function\.test\.ts:.*move delayed\(…\) to the top level/,
      );
      inner();
      expect(scope.calls).toHaveLength(1);
      const named = delayed(async function named() {}, { module: import.meta.url });
      named.with(cores(1))();
      expect(scope.call(2).call.definition).toMatchObject({ module: import.meta.filename, topLevel: true });
    });
  });

  it("refuses two functions of one name in a module, naming both places", () => {
    const module = "/nowhere/tasks.ts";
    const fn = async () => 1;
    delayed(fn, { name: "twice", module });
    delayed(fn, { name: "twice", module, retries: 1 });
    delayed(async () => 2, { name: "twice", module: "/nowhere/others.ts" });
    expect(() => delayed(async () => 2, { name: "twice", module })).toThrow(TypeError);
    expect(() => delayed(async () => 2, { name: "twice", module })).toThrow(
      /two functions "twice".*function\.test\.ts:\d+:\d+ and .*function\.test\.ts:\d+:\d+.*another name/,
    );
  });

  it.each<[string, unknown, RegExp]>([
    ["a number", 1, /takes a function, not number/],
    ["null", null, /not null/],
    ["a Delayed", r, /not a Delayed/],
    ["a delayed function", energy, /energy is a delayed function already/],
    ["a function without a name", async () => 1, /has no name; name it, as delayed\(async function energy/],
  ])("refuses %s", (_name, fn, message) => {
    const bare = fn instanceof Function && fn !== (energy as unknown) && fn !== (r as unknown);
    if (bare) Object.defineProperty(fn, "name", { value: "" });
    expect(() => delayed(fn as never)).toThrow(TypeError);
    expect(() => delayed(fn as never)).toThrow(message);
  });
});
