import { describe, expect, it } from "vitest";
import { type SpawnedCall, scopes } from "../../client/call.js";
import { conduct, type Mains, toMains } from "../../client/conduct.js";
import { currentTask } from "../../client/current-task.js";
import { RunScope } from "../../client/scope.js";
import { ConnectionError, TaskCancelledError, TaskError } from "../../proto/errors.js";
import { FailureKind } from "../../proto/grain.js";
import { coresRequest, definitionOf } from "../kit/fake-head.js";
import { answering, awaited, local, remote, spawn, World } from "./conduct-kit.js";

describe("toMains", () => {
  const f = () => 1;
  it.each<[string, unknown, Mains]>([
    ["a function", f, { type: "one", main: f }],
    ["an array", [f, f], { type: "many", mains: [f, f] }],
    ["a set", new Set([f]), { type: "many", mains: [f] }],
    ["none", [], { type: "many", mains: [] }],
  ])("takes %s", (_, main, mains) => {
    expect(toMains(main)).toEqual(mains);
  });
  it.each([[undefined], [null], [3], ["text"], [{}], [[f, 3]]])("refuses %j", (main) => {
    expect(() => toMains(main)).toThrow(TypeError);
  });
});

describe("a run", () => {
  it("resolves to main's value, and to an array for several", async () => {
    expect(await new World().run(() => 7)).toBe(7);
    expect(await new World().run([() => 1, async () => 2])).toEqual([1, 2]);
    expect(await new World().run([])).toEqual([]);
  });

  it("runs local calls in their order, after the code that made them", async () => {
    const order: string[] = [];
    await new World().run(async () => {
      const calls = ["a", "b", "c"].map((name) => local(() => void order.push(name)));
      order.push("main");
      await Promise.all(calls.map(awaited));
    });
    expect(order).toEqual(["main", "a", "b", "c"]);
  });

  it("lets local functions call on, in the same scope", async () => {
    const world = new World(answering);
    const value = await world.run(() =>
      awaited(local(async () => [await awaited(remote(1)), await awaited(local(() => 2))])),
    );
    expect(value).toEqual([1, 2]);
  });

  it("waits for calls that nobody awaits, and for what follows from them", async () => {
    const order: string[] = [];
    await new World(answering).run(() => {
      void awaited(remote(1)).then(async (value) => {
        order.push(`first ${value}`);
        await awaited(remote(2));
        order.push("second");
      });
      local(async () => {
        await new Promise((resolve) => setImmediate(resolve));
        order.push("local");
      });
    });
    expect(order.sort()).toEqual(["first 1", "local", "second"]);
  });

  it("rejects with main's own error and cancels the rest, waiting for its confirmation", async () => {
    const boom = new Error("boom");
    let localEnded = false;
    let tasks: SpawnedCall[] = [];
    const world = new World();
    const running = world.run(async () => {
      tasks = [remote(1), remote(2)];
      local(async () => {
        const { signal } = currentTask();
        await new Promise<void>((resolve) =>
          signal.addEventListener("abort", () => resolve(), { once: true }),
        );
        await new Promise((resolve) => setImmediate(resolve));
        localEnded = true;
      });
      await world.head.until(() => world.head.tasks.size === 2);
      throw boom;
    });
    await expect(running).rejects.toBe(boom);
    expect(localEnded).toBe(true);
    expect(world.head.bodies("cancel")).toEqual([{ tasks: [1, 2] }]);
    for (const { completion } of tasks) {
      expect(completion.state.type === "rejected" && completion.state.error).toBeInstanceOf(
        TaskCancelledError,
      );
    }
  });

  it("does not end before the head has confirmed what it cancelled", async () => {
    const order: string[] = [];
    let confirm!: () => void;
    const world = new World({
      onCancel: (task, head) => {
        confirm = () => {
          order.push("confirmed");
          head.fail(task.number, { kind: FailureKind.CANCELLED });
        };
      },
    });
    const running = world
      .run(async () => {
        remote(1);
        await world.head.until(() => world.head.tasks.size === 1);
        throw new Error("boom");
      })
      .catch(() => order.push("rejected"));
    await world.head.until(() => confirm !== undefined);
    confirm();
    await running;
    expect(order).toEqual(["confirmed", "rejected"]);
  });

  it("of several mains, gathers what failed by itself", async () => {
    const world = new World();
    const error = await world
      .run([
        async () => {
          await awaited(remote(1));
        },
        () => {
          throw new Error("first");
        },
        async () => {
          await new Promise((resolve) => setImmediate(resolve));
          throw new RangeError("second");
        },
      ])
      .catch((caught) => caught);
    if (!(error instanceof AggregateError)) return expect.fail(String(error));
    expect(error.errors.map(String)).toEqual(["Error: first", "RangeError: second"]);
    expect(error.message).toBe("first (and 1 more, see errors)");
  });

  it.each([
    ["remote", () => void remote(1)],
    ["local", () => void local(() => Promise.reject(new TaskError("nobody looked")))],
  ])("fails by the error of a %s call that nobody observed", async (_, main) => {
    const world = new World({
      onTask: (task, head) => head.fail(task.number, { kind: FailureKind.THREW, message: "nobody looked" }),
    });
    await expect(world.run(main)).rejects.toThrow(/nobody looked/);
  });

  it("cancels what main left behind as soon as one of it fails unobserved", async () => {
    const world = new World();
    const running = world.run(() => {
      remote(1);
      remote(2);
    });
    await world.head.until(() => world.head.tasks.size === 2);
    world.head.fail(1, { kind: FailureKind.THREW, message: "early" });
    await expect(running).rejects.toThrow("early");
    expect(world.head.bodies("cancel")).toEqual([{ tasks: [2] }]);
  });

  it("does not fail by errors that were caught, also later than they came", async () => {
    const world = new World({
      onTask: (task, head) => head.fail(task.number, { kind: FailureKind.THREW, message: "x" }),
    });
    const value = await world.run(async () => {
      const call = remote(1);
      await world.head.until(() => world.head.acked.size === 1);
      return awaited(call).catch((error: Error) => error.message);
    });
    expect(value).toBe("remote (task 3.1) failed: x");
  });

  it("is cancelled by a signal and rejects with its reason", async () => {
    const controller = new AbortController();
    const world = new World();
    const seen: unknown[] = [];
    const running = world.run(async () => {
      const calls = [
        remote(1),
        local(
          () =>
            new Promise((resolve) => currentTask().signal.addEventListener("abort", resolve, { once: true })),
        ),
      ];
      await world.head.until(() => world.head.tasks.size === 1);
      controller.abort(new Error("enough"));
      for (const call of calls) await awaited(call).catch((error) => seen.push(error));
      await awaited(remote(2)).catch((error) => seen.push(error));
      await awaited(local(() => 1)).catch((error) => seen.push(error));
      return "ignored";
    }, controller.signal);
    await expect(running).rejects.toThrow("enough");
    expect(seen).toHaveLength(4);
    for (const error of seen) expect(error).toBeInstanceOf(TaskCancelledError);
    expect(world.head.submitted.size).toBe(1);
  });

  it("refuses calls from what outlives it", async () => {
    const world = new World();
    let leaked!: () => SpawnedCall;
    await world.run(() => {
      const context = scopes.getStore()!;
      leaked = () => scopes.run(context, () => remote(1));
    });
    expect(leaked).toThrow(/remote is called in a run that has ended/);
  });

  it("gives the connection's end to whoever waits", async () => {
    const world = new World();
    const running = world.run(async () => {
      const call = remote(1);
      await world.head.until(() => world.head.tasks.size === 1);
      world.head.destroy("gone");
      return awaited(call);
    });
    await expect(running).rejects.toThrow(ConnectionError);
  });

  it.each([
    [{ topLevel: false }, /created at .*main.ts:1:1.* top level/],
    [{ module: undefined }, /file that defines it is not known/],
  ])("refuses to send a function that workers cannot find: %j", async (given, message) => {
    const running = new World().run(() =>
      spawn({ definition: definitionOf("inner", given), request: coresRequest(1), args: [] }),
    );
    await expect(running).rejects.toThrow(message);
    await expect(running).rejects.toThrow(TypeError);
  });

  it("waits for a nested scope and cancels it", async () => {
    const world = new World();
    const child = new RunScope(world.host);
    const seen: unknown[] = [];
    await expect(
      world.run(async () => {
        world.scope.adopt(child);
        void conduct(child, { type: "one", main: () => awaited(remote(1)) }, [])
          .catch((error) => seen.push(error))
          .finally(() => world.scope.dismiss(child));
        await world.head.until(() => world.head.tasks.size === 1);
        throw new Error("outer");
      }),
    ).rejects.toThrow("outer");
    expect(seen).toHaveLength(1);
    expect(seen[0]).toBeInstanceOf(TaskCancelledError);
  });

  it("leaves no listener behind", async () => {
    const before = process.listenerCount("SIGINT");
    const controller = new AbortController();
    let during = 0;
    await new World().run(() => {
      during = process.listenerCount("SIGINT");
    }, controller.signal);
    expect(during).toBe(before + 1);
    expect(process.listenerCount("SIGINT")).toBe(before);
  });

  it("is cancelled by the first SIGINT", async () => {
    const running = new World().run(async () => {
      const call = local(
        () =>
          new Promise((resolve) => currentTask().signal.addEventListener("abort", resolve, { once: true })),
      );
      process.emit("SIGINT");
      await awaited(call);
    });
    await expect(running).rejects.toThrow(/interrupted \(SIGINT\)/);
  });
});
