import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Delayed } from "../../client/delayed/delayed.js";
import { delayed } from "../../client/delayed/function.js";
import { isDelayed } from "../../client/delayed/surface.js";
import { delayedVal } from "../../client/delayed/value.js";
import { each } from "../../client/each.js";
import { queueLimiter } from "../../client/queue-limiter.js";
import { FakeScope, inScope } from "../kit/scope.js";

const list = delayed(async (n: number) => [n, n], { name: "list" });

describe("queueLimiter", () => {
  it("gives the Delayed, not its value", async () => {
    await inScope(async () => {
      await using ql = queueLimiter(10);
      const r = await ql(list)(4);
      expect(isDelayed(r)).toBe(true);
      expect(await r).toEqual([4, 4]);
      expect(await r).toEqual([4, 4]);
      expect(await r.length).toBe(2);
      expect(await delayedVal(r)[0]).toBe(4);
      expect(await each([r])).toEqual([[4, 4]]);
    });
  });

  it("submits no more than n at once, and waits before it submits", async () => {
    const scope = new FakeScope({ byHand: true });
    await scope.run(async () => {
      await using ql = queueLimiter(2);
      const submitted: unknown[] = [];
      const loop = (async () => {
        for (let n = 1; n <= 5; n++) submitted.push(await ql(list)(n));
      })();
      for (let done = 1; done <= 5; done++) {
        await setImmediate();
        expect(submitted.length).toBe(Math.min(5, done + 1));
        expect(scope.calls.length).toBe(Math.min(5, done + 1));
        scope.call(done).completion.fulfil([done]);
      }
      await loop;
      expect(await each(submitted as Delayed<number[]>[])).toEqual([[1], [2], [3], [4], [5]]);
    });
  });

  it("ends its scope when all have ended, well or not, without observing them", async () => {
    const scope = new FakeScope({ byHand: true });
    await scope.run(async () => {
      const ql = queueLimiter(1);
      const first = ql(list)(1);
      const second = ql(list)(2);
      let isClosed = false;
      const closed = ql.close().then(() => {
        isClosed = true;
      });
      await first;
      scope.call(1).completion.reject(new Error("no"));
      await second;
      await setImmediate();
      expect(isClosed).toBe(false);
      scope.call(2).completion.fulfil([]);
      await closed;
      expect(scope.calls.map((call) => call.completion.observed)).toEqual([false, false]);
      await expect(ql(list)(3)).rejects.toThrow(/closed/);
    });
  });

  it("frees the slot when submitting fails", async () => {
    await inScope(async () => {
      await using ql = queueLimiter(1);
      await expect(ql(list)(delayedVal(1) as never)).rejects.toThrow(/is a Delayed; await it first/);
      expect(await await ql(list)(1)).toEqual([1, 1]);
    });
    await expect(queueLimiter(1)(list)(1)).rejects.toThrow(/outside of a run/);
  });

  it("takes delayed functions and whole numbers only", () => {
    expect(() => queueLimiter(1)((async () => 1) as never)).toThrow(/wrap it, as ql\(delayed\(fn\)\)\(x\)/);
    for (const n of [0, 1.5, Number.NaN, "2"]) expect(() => queueLimiter(n as number)).toThrow(TypeError);
  });
});
