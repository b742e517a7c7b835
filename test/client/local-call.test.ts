import { describe, expect, it } from "vitest";
import { currentTask } from "../../client/current-task.js";
import { TaskTimeoutError } from "../../proto/errors.js";
import { awaited, local, World } from "./conduct-kit.js";

describe("a local call", () => {
  it("is repeated as often as its retries say, each time with its attempt", async () => {
    const attempts: number[] = [];
    const flaky = () => {
      attempts.push(currentTask().attempt);
      if (attempts.length < 3) throw new Error("not yet");
      return "done";
    };
    expect(await new World().run(() => awaited(local(flaky, { retries: 2 })))).toBe("done");
    expect(attempts).toEqual([1, 2, 3]);
    await expect(
      new World().run(() => awaited(local(() => Promise.reject(new Error("never")), { retries: 1 }))),
    ).rejects.toThrow("never");
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
