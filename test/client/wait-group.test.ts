import { describe, expect, it } from "vitest";
import { delayed } from "../../client/delayed/function.js";
import { exec1, openWaitGroup } from "../../client/wait-group.js";
import { cores, memory } from "../../proto/resource/resource.js";
import { FakeScope, inScope } from "../kit/scope.js";

const double = delayed(async function double(n: number) {
  return 2 * n;
});

describe("openWaitGroup", () => {
  it("gives the results in submission order", async () => {
    const scope = new FakeScope({ byHand: true });
    await scope.run(async () => {
      const wg = openWaitGroup();
      wg.submit(cores(2), double, 1);
      wg.submit([cores(1), memory(1)], double, 2);
      const third = wg.startSubtask(async (a: string, b: string) => a + b, "x", "y");
      const results = wg.close();
      expect(wg.close()).toBe(results);
      for (const number of [3, 1, 2]) scope.call(number).completion.fulfil(number);
      expect(await results).toEqual([1, 2, 3]);
      expect(await third).toBe(3);
      expect(scope.calls.map((call) => call.call.request?.alternatives[0]?.amounts.length)).toEqual([
        1,
        2,
        undefined,
      ]);
      expect(() => wg.submit({}, double, 1)).toThrow(/wg\.submit: this group is closed/);
    });
  });

  it("takes no resources, and plain functions then", async () => {
    await inScope(async () => {
      await using wg = openWaitGroup();
      for (const none of [undefined, null, {}, []]) wg.submit(none, double, 4);
      wg.submit({}, (n: number) => n, 5);
      wg.startSubtask(double, 6);
      expect(await wg.close()).toEqual([8, 8, 8, 8, 5, 12]);
    });
  });

  it("lets subtasks submit while it closes", async () => {
    await inScope(async () => {
      const wg = openWaitGroup();
      wg.startSubtask(async () => {
        await double(1);
        wg.submit({}, double, 2);
        return "started";
      });
      expect(await wg.close()).toEqual(["started", 4]);
    });
  });

  it("throws the error once all have ended; several as an AggregateError", async () => {
    await inScope(async () => {
      const fail = async (text: string) => {
        throw new Error(text);
      };
      const one = openWaitGroup();
      one.startSubtask(fail, "a");
      const other = one.submit({}, double, 1);
      await expect(one.close()).rejects.toThrow("a");
      expect(await other).toBe(2);
      const many = openWaitGroup();
      many.startSubtask(fail, "a");
      many.startSubtask(fail, "b");
      const error = await many.close().catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(AggregateError);
      expect((error as AggregateError).errors.map((e: Error) => e.message)).toEqual(["a", "b"]);
    });
  });

  it("throws at the end of its scope unless close did", async () => {
    await inScope(async () => {
      const fail = async () => {
        throw new Error("a");
      };
      const unclosed = async () => {
        await using wg = openWaitGroup();
        wg.startSubtask(fail);
      };
      await expect(unclosed()).rejects.toThrow("a");
      const closed = async () => {
        await using wg = openWaitGroup();
        wg.startSubtask(fail);
        await wg.close().catch(() => undefined);
      };
      await closed();
    });
  });

  it("refuses plain functions with resources, and what is no function", () => {
    inScope(() => {
      const wg = openWaitGroup();
      expect(() => wg.submit(cores(1), async function plain() {})).toThrow(
        /plain is to run on a worker.*const plain = delayed\(…\)/,
      );
      expect(() => wg.submit(cores(1), 5 as never)).toThrow(
        /wg\.submit takes a function, not number; resources come before it/,
      );
    });
    expect(() => openWaitGroup().startSubtask(async () => 1)).toThrow(/outside of a run/);
  });
});

describe("exec1", () => {
  it("submits one call", async () => {
    await inScope(async (scope) => {
      expect(await exec1(cores(1), double, 3)).toBe(6);
      expect(scope.call(1).call.request).toBeDefined();
      expect(await exec1({}, (n: number) => n, 3)).toBe(3);
      expect(() => exec1(cores(1), (n: number) => n, 3)).toThrow(TypeError);
    });
  });
});
