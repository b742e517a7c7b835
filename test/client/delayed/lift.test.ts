import * as path from "node:path";
import * as mathjs from "mathjs";
import { describe, expect, it } from "vitest";
import { delayed } from "../../../client/delayed/function.js";
import { lift } from "../../../client/delayed/lift.js";
import { delayedVal } from "../../../client/delayed/value.js";
import { inScope } from "../../kit/scope.js";

describe("lift", () => {
  it("runs a function on delayed and plain arguments", async () => {
    const a = delayedVal(3);
    expect(await lift(Math.max)(a, 2)).toBe(3);
    expect(await lift(Math.max)(1, 2)).toBe(2);
    expect(await lift((text: string, n: number) => text.repeat(n))(delayedVal("ab"), 2)).toBe("abab");
  });

  it("finds delayed arguments inside arrays and plain objects, and copies only those", async () => {
    const a = delayedVal(1);
    const same = lift((...args: unknown[]) => args);
    const kept = { plain: [1, 2] };
    const result = (await same([a, [a, { deep: a }]], { x: a, kept }, kept)) as unknown[];
    expect(result).toEqual([[1, [1, { deep: 1 }]], { x: 1, kept }, kept]);
    expect((result[1] as { kept: unknown }).kept).toBe(kept);
    expect(result[2]).toBe(kept);
    const bare = Object.assign(Object.create(null), { a }) as object;
    expect(Object.getPrototypeOf(((await same(bare)) as [object])[0])).toBeNull();
  });

  it("stands cycles, and leaves instances of classes alone", async () => {
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    const date = new Date(0);
    const result = (await lift((...args: unknown[]) => args)(cyclic, date, delayedVal(1))) as unknown[];
    expect(result[0]).toBe(cyclic);
    expect(result[1]).toBe(date);
  });

  it("lifts mathjs", async () => {
    const m = lift(mathjs);
    const [a, b, c] = [delayedVal(1), delayedVal(2), delayedVal(6)];
    expect(await m.mean([a, b, c])).toBe(3);
    expect(await m.add(a, m.sqrt(delayedVal(16)))).toBe(5);
    expect(
      await m.det([
        [a, b],
        [c, 1],
      ]),
    ).toBe(-11);
    expect(m.pi).toBe(mathjs.pi);
    expect(m.i as unknown).toBe(mathjs.i);
  });

  it("takes typed arrays", async () => {
    const norm = lift((vector: Float64Array) => Math.hypot(...vector));
    const vector = delayedVal(new Float64Array([3, 4]));
    expect(await norm(vector)).toBe(5);
    expect(await norm(vector.map((x) => 2 * x))).toBe(10);
  });

  it("lifts namespaces at any depth, on use", async () => {
    const p = lift(path);
    expect(await p.posix.join("a", delayedVal("b"))).toBe("a/b");
    expect(p.posix.sep).toBe("/");
    expect("join" in p && Object.keys(p).includes("join")).toBe(true);
    expect(p.join).toBe(p.join);
    const counter = {
      n: 1,
      add(by: number) {
        return this.n + by;
      },
    };
    expect(await lift(counter).add(delayedVal(2))).toBe(3);
  });

  it("passes errors and members of functions on", async () => {
    await inScope(async () => {
      const failing = delayed(
        async (): Promise<number> => {
          throw new Error("source");
        },
        { name: "failing" },
      );
      await expect(Promise.resolve(lift(Math.max)(failing(), 1))).rejects.toThrow("source");
    });
    const fn = Object.assign((n: number) => n, { twice: (n: number) => 2 * n });
    const lifted = lift(fn) as unknown as { twice(n: unknown): PromiseLike<number>; name: string };
    expect(await lifted.twice(delayedVal(4))).toBe(8);
  });

  it.each([[5], [null], ["x"], [undefined]])("refuses %j", (target) => {
    expect(() => lift(target as never)).toThrow(TypeError);
  });

  it("refuses a Delayed, and says to call it", () => {
    expect(() => lift(delayedVal(() => 1))).toThrow(/call the Delayed itself/);
  });
});
