import { expectTypeOf } from "expect-type";
import type { Delayed } from "../../client/delayed/delayed.js";
import { op } from "../../client/delayed/operators.js";
declare function of<T>(): Delayed<T>;
const r = of<{ hits: { id: string }[]; name?: string }>();
expectTypeOf(r.hits[0].id).toEqualTypeOf<Delayed<string>>();
expectTypeOf(r.name).toEqualTypeOf<Delayed<string | undefined>>();
expectTypeOf(of<string[]>().slice(1).join(",")).toEqualTypeOf<Delayed<string>>();
expectTypeOf(of<string>().replace("a", "b").length).toEqualTypeOf<Delayed<number>>();
const [a, b] = of<[number, string]>();
expectTypeOf(a).toEqualTypeOf<Delayed<number>>();
expectTypeOf(b).toEqualTypeOf<Delayed<string>>();
const [c, d] = of<number[]>();
expectTypeOf(c).toEqualTypeOf<Delayed<number>>();
const n = of<number[]>(); n[1] = 9; n[0] = op.add(n[0], 1);
// @ts-expect-error
n[1] = "x";
const t = of<[number, string]>(); t[0] = 1; t[1] = "a";
// @ts-expect-error
t[0] = "a";
expectTypeOf(op.getItem(t, 1)).toEqualTypeOf<Delayed<string>>(); op.setItem(t, 1, "a"); op.setItem(f64, 1, 3); expectTypeOf(op.getItem(f64, 1)).toEqualTypeOf<Delayed<number>>(); 
// @ts-expect-error
op.setItem(t, 0, "a");
const f64 = of<Float64Array>(); f64[1] = 9; expectTypeOf(f64.length).toEqualTypeOf<Delayed<number>>();
expectTypeOf(f64.subarray(1)[0]).toEqualTypeOf<Delayed<number>>();
for (const x of of<number[]>()) expectTypeOf(x).toEqualTypeOf<Delayed<number>>();
expectTypeOf(of<number[]>().map((x) => x + 1)).toEqualTypeOf<Delayed<number[]>>();
const any_ = of<any>(); any_.foo.bar(1)[2]; expectTypeOf<Awaited<typeof any_>>().toBeAny(); any_(1); op.add(any_, 1);
const u = of<{ a: 1; b: 2 } | { a: "x"; c: 3 }>(); expectTypeOf(u.a).toEqualTypeOf<Delayed<1 | "x">>();
// @ts-expect-error
u.b;
const un = of<unknown>();
// @ts-expect-error
un.foo;
const ne = of<never>();
expectTypeOf<Awaited<typeof ne>>().toBeNever();
const m = of<Map<string, number>>(); expectTypeOf(m.get("a")).toEqualTypeOf<Delayed<number | undefined>>();
expectTypeOf(op.getItem(m, "a")).toEqualTypeOf<Delayed<number | undefined>>();
expectTypeOf(op.getItem(of<number[]>(), 3)).toEqualTypeOf<Delayed<number>>();
expectTypeOf(op.getItem(r, "hits")).toEqualTypeOf<Delayed<{ id: string }[]>>();
op.setItem(r, "hits", [{ id: "a" }]);
op.setItem(of<number[]>(), 1, 3);
op.setItem(m, "x", 1);
expectTypeOf<Awaited<Delayed<number>>>().toEqualTypeOf<number>();
const p: Promise<number> = of<number>();
expectTypeOf(Promise.all([of<number>(), of<string>()])).toEqualTypeOf<Promise<[number, string]>>();
expectTypeOf(of<boolean>().valueOf()).toEqualTypeOf<Delayed<boolean>>();
const fn = of<(a: number, b?: string) => Promise<Date>>(); expectTypeOf(fn(1)).toEqualTypeOf<Delayed<Date>>(); fn(of<number>(), of<string>());
const w: Delayed<number | string> = of<number>();
const v: Delayed<{ a: number }> = of<{ a: number; b: 2 }>();
export { c, d, p, w, v };
async function g() { const x = await r; expectTypeOf(x).toEqualTypeOf<{ hits: { id: string }[]; name?: string }>(); }
if (of<number>()) g();
