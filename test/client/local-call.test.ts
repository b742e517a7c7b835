import { describe, expect, it } from "vitest";
import { currentTask } from "../../client/current-task.js";
import { TaskTimeoutError } from "../../proto/errors.js";
import { NO_RETRIES } from "../../proto/retries.js";
import { awaited, local, World } from "./conduct-kit.js";

describe("a local call", () => {
  it("is repeated as often as its retries say, each time with its attempt", async () => {
    const attempts: number[] = [];
    const flaky = () => {
      attempts.push(currentTask().attempt);
      if (attempts.length < 3) throw new Error("not yet");
      return "done";
    };
    expect(await new World().run(() => awaited(local(flaky, { retries: { ...NO_RETRIES, max: 2 } })))).toBe(
      "done",
    );
    expect(attempts).toEqual([1, 2, 3]);
    await expect(
      new World().run(() =>
        awaited(local(() => Promise.reject(new Error("never")), { retries: { ...NO_RETRIES, max: 1 } })),
      ),
    ).rejects.toThrow("never");
  });

  it("repeats only what it is asked to repeat, after a pause that a cancellation ends", async () => {
    let calls = 0;
    const fails = () => {
      calls += 1;
      throw calls === 1 ? new RangeError("first") : new TypeError("second");
    };
    const retries = { max: 5, backoffMs: 1, on: ["RangeError"] };
    await expect(new World().run(() => awaited(local(fails, { retries })))).rejects.toThrow("second");
    expect(calls).toBe(2);
    const stop = new AbortController();
    const late = () => {
      stop.abort();
      throw new Error("again and again");
    };
    const hourly = { max: 1, backoffMs: 3_600_000, on: [] };
    await expect(
      new World().run(() => awaited(local(late, { retries: hourly })), stop.signal),
    ).rejects.toBeDefined();
  });

  it("rejects with what the function threw, as it is", async () => {
    const boom = { not: "an error" };
    await expect(new World().run(() => awaited(local(() => Promise.reject(boom))))).rejects.toBe(boom);
  });

  it("ends at its timeout, fires its signal and is not waited for", async () => {
    let aborted: unknown;
    const stuck = () => {
      const { signal } = currentTask();
      signal.addEventListener("abort", () => {
        aborted = signal.reason;
      });
      return new Promise(() => {});
    };
    const error = (await new World()
      .run(() => awaited(local(stuck, { timeoutMs: 5 })))
      .catch((caught) => caught)) as Error;
    expect(error).toBeInstanceOf(TaskTimeoutError);
    expect(error.message).toBe("stuck (task local.1) ran longer than its timeout of 0.005 s");
    expect(aborted).toBeInstanceOf(TaskTimeoutError);
  });

  it("knows its task", async () => {
    const world = new World();
    const seen = await world.run(() =>
      awaited(
        local(function energy() {
          const { id, name, worker, attempt, resources, log } = currentTask();
          log("step %d", 3, { a: 1 });
          return { id, name, worker, attempt, resources };
        }),
      ),
    );
    expect(seen).toEqual({
      id: "local.1",
      name: "energy",
      worker: "local",
      attempt: 1,
      resources: { cores: [], memory: 0, gpus: [], tokens: [], capacity: 0, wtime: undefined, others: {} },
    });
    expect(world.printed).toEqual(["energy#1 step 3 { a: 1 }\n"]);
    expect(() => currentTask()).toThrow(/outside a task/);
  });

  it("never starts when it is cancelled first", async () => {
    let started = false;
    const controller = new AbortController();
    const running = new World().run(() => {
      local(() => {
        started = true;
      });
      controller.abort(new Error("at once"));
    }, controller.signal);
    await expect(running).rejects.toThrow("at once");
    expect(started).toBe(false);
  });
});
