/** Compiled, not run: what the types of the delayed surface accept, give and refuse. */

import { expectTypeOf } from "expect-type";
import { calc } from "../../client/delayed/calc.js";
import type { Delayed } from "../../client/delayed/delayed.js";
import { type DelayedFn, delayed } from "../../client/delayed/function.js";
import { lift } from "../../client/delayed/lift.js";
import { op } from "../../client/delayed/operators.js";
import { delayedVal } from "../../client/delayed/value.js";
import { each } from "../../client/each.js";
import { queueLimiter } from "../../client/queue-limiter.js";
import { exec1, openWaitGroup } from "../../client/wait-group.js";
import { cores } from "../../proto/resource/resource.js";

declare function of<T>(): Delayed<T>;

export function members(): void {
  const search = delayed(async (x: number) => ({ hits: [{ id: "a" }], count: x }), { name: "search" });
  expectTypeOf(search(1).hits[0].id).toEqualTypeOf<Delayed<string>>();
  const r = of<{ hits: { id: string }[]; name?: string; then: 1; at: Date }>();
  expectTypeOf(r.name).toEqualTypeOf<Delayed<string | undefined>>();
  expectTypeOf(r.at.getTime()).toEqualTypeOf<Delayed<number>>();
  expectTypeOf(r.then).toBeFunction();
  // @ts-expect-error: attributes are not assigned
  r.name = "x";
  // @ts-expect-error: there is no such member
  r.nothing;
  expectTypeOf(of<string[]>().slice(1).join(",")).toEqualTypeOf<Delayed<string>>();
  expectTypeOf(of<string>().replace("a", "b").length).toEqualTypeOf<Delayed<number>>();
  expectTypeOf(of<string>().split(",")[0]).toEqualTypeOf<Delayed<string>>();
  expectTypeOf(of<number[]>().map((x) => String(x))).toEqualTypeOf<Delayed<string[]>>();
  expectTypeOf(of<number[]>().reduce((sum, x) => sum + x, 0)).toEqualTypeOf<Delayed<number>>();
  expectTypeOf(of<(string | number)[]>().filter((x): x is string => x === "a")).toEqualTypeOf<
    Delayed<string[]>
  >();
  expectTypeOf(of<Map<string, number>>().get("a")).toEqualTypeOf<Delayed<number | undefined>>();
  expectTypeOf(of<Float64Array>().subarray(1)[0]).toEqualTypeOf<Delayed<number>>();
  expectTypeOf(of<number>().toFixed(2)).toEqualTypeOf<Delayed<string>>();
  expectTypeOf(of<boolean>().valueOf()).toEqualTypeOf<Delayed<boolean>>();
  const fn = of<(a: number, b?: string) => Promise<Date>>();
  expectTypeOf(fn(of<number>(), of<string>())).toEqualTypeOf<Delayed<Date>>();
}

export function items(): void {
  const [a, b] = of<[number, string]>();
  expectTypeOf(a).toEqualTypeOf<Delayed<number>>();
  expectTypeOf(b).toEqualTypeOf<Delayed<string>>();
  const [c] = of<number[]>();
  expectTypeOf(c).toEqualTypeOf<Delayed<number>>();
  for (const x of of<Set<number>>()) expectTypeOf(x).toEqualTypeOf<Delayed<number>>();
  const n = of<number[]>();
  n[1] = 9;
  n[0] = op.add(n[0], 1);
  // @ts-expect-error: not a number
  n[1] = "x";
  const t = of<[number, string]>();
  t[0] = 1;
  t[1] = of<string>();
  // @ts-expect-error: the first is a number
  t[0] = "a";
  of<Float64Array>()[3] = 9;
}

export function special(): void {
  // biome-ignore lint/suspicious/noExplicitAny: it is what is tested.
  const anything = of<any>();
  anything.foo.bar(1)[2];
  anything(1);
  op.add(anything, 1);
  expectTypeOf<Awaited<typeof anything>>().toBeAny();
  expectTypeOf<Awaited<Delayed<never>>>().toBeNever();
  expectTypeOf<Awaited<Delayed<unknown>>>().toBeUnknown();
  // @ts-expect-error: nothing is known of it
  of<unknown>().foo;
  const union = of<{ a: 1; b: 2 } | { a: "x"; c: 3 }>();
  expectTypeOf(union.a).toEqualTypeOf<Delayed<1 | "x">>();
  // @ts-expect-error: only one of them has it
  union.b;
  // @ts-expect-error: it may be undefined
  of<{ a: 1 } | undefined>().a;
  expectTypeOf<Awaited<Delayed<number>>>().toEqualTypeOf<number>();
  expectTypeOf<Delayed<number>>().toExtend<Promise<number>>();
  expectTypeOf<Delayed<number>>().toExtend<Delayed<number | string>>();
  expectTypeOf<Delayed<{ a: number; b: 2 }>>().toExtend<Delayed<{ a: number }>>();
  expectTypeOf<Promise<number>>().not.toExtend<Delayed<number>>();
  expectTypeOf(delayedVal(3)).toEqualTypeOf<Delayed<number>>();
}

export function operators(): void {
  expectTypeOf(op.add(1, of<number>())).toEqualTypeOf<Delayed<number>>();
  expectTypeOf(op.add("a", of<string>())).toEqualTypeOf<Delayed<string>>();
  expectTypeOf(op.lt(1n, of<bigint>())).toEqualTypeOf<Delayed<boolean>>();
  expectTypeOf(op.and(op.lt(1, 2), true)).toEqualTypeOf<Delayed<boolean>>();
  // @ts-expect-error: a number and a bigint
  op.add(1, 2n);
  // @ts-expect-error: a promise is not a Delayed
  op.add(Promise.resolve(1), 2);
  expectTypeOf(op.getItem(of<number[]>(), 20)).toEqualTypeOf<Delayed<number>>();
  expectTypeOf(op.getItem(of<[number, string]>(), 1)).toEqualTypeOf<Delayed<string>>();
  expectTypeOf(op.getItem(of<{ a: string }>(), "a")).toEqualTypeOf<Delayed<string>>();
  expectTypeOf(op.getItem(of<Map<string, number>>(), "a")).toEqualTypeOf<Delayed<number | undefined>>();
  expectTypeOf(op.setItem(of<{ a: string }>(), "a", of<string>())).toEqualTypeOf<Delayed<{ a: string }>>();
  op.setItem(of<Map<string, number>>(), "a", 1);
  op.setItem(of<Float64Array>(), 1, 3);
  // @ts-expect-error: the first is a number
  op.setItem(of<[number, string]>(), 0, "a");
  expectTypeOf(calc`${of<number>()} + 1`).toEqualTypeOf<Delayed<number>>();
  expectTypeOf(calc<boolean>`${of<number>()} > 1`).toEqualTypeOf<Delayed<boolean>>();
}

export function lifted(): void {
  expectTypeOf(lift(Math.max)(of<number>(), 2)).toEqualTypeOf<Delayed<number>>();
  const m = lift({
    mean: (values: number[], { weights }: { weights: number[] }) => values.length + weights.length,
    pi: 3,
  });
  expectTypeOf(m.mean([of<number>(), 2], { weights: [of<number>()] })).toEqualTypeOf<Delayed<number>>();
  m.mean(of<number[]>(), of<{ weights: number[] }>());
  expectTypeOf(m.pi).toEqualTypeOf<number>();
  // @ts-expect-error: not numbers
  m.mean(["a"], { weights: [] });
  expectTypeOf(lift(async (n: number) => n)(1)).toEqualTypeOf<Delayed<number>>();
}

export async function functions(): Promise<void> {
  const f = delayed(async function f(x: number, n = 1) {
    return [x, n] as [number, number];
  });
  expectTypeOf(f).toEqualTypeOf<DelayedFn<[x: number, n?: number], [number, number]>>();
  expectTypeOf(f.with(cores(1)).options({ retries: 1 })(1)).toEqualTypeOf<Delayed<[number, number]>>();
  expectTypeOf(f.map([1, 2])).toEqualTypeOf<Delayed<[number, number]>[]>();
  // @ts-expect-error: not a number
  f("x");
  // @ts-expect-error: a Delayed is awaited first
  f(of<number>());
  delayed((x: number) => x, { name: "g", cacheKey: (x) => x.toFixed() });
  // @ts-expect-error: there is no such option
  delayed((x: number) => x, { nane: "g" });

  expectTypeOf(await each(of<number>(), "x", Promise.resolve(true))).toEqualTypeOf<
    [number, string, boolean]
  >();
  expectTypeOf(await each([of<number>(), of<string>()])).toEqualTypeOf<[number, string]>();
  expectTypeOf(await each(f.map([1]))).toEqualTypeOf<[number, number][]>();
  expectTypeOf(await each(new Set<Delayed<number>>())).toEqualTypeOf<number[]>();
  expectTypeOf(await each(of<number[]>())).toEqualTypeOf<[number[]]>();

  await using ql = queueLimiter(2);
  const r = await ql(f)(1);
  expectTypeOf(await r).toEqualTypeOf<[number, number]>();
  expectTypeOf(delayedVal(r)[0]).toEqualTypeOf<Delayed<number>>();
  expectTypeOf(exec1(cores(1), f, 1)).toEqualTypeOf<Delayed<[number, number]>>();
  const wg = openWaitGroup();
  expectTypeOf(wg.submit({}, f, 1)).toEqualTypeOf<Delayed<[number, number]>>();
  expectTypeOf(wg.startSubtask(async (x: number) => x, 1)).toEqualTypeOf<Delayed<number>>();
}
