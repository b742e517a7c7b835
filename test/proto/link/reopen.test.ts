import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ConnectionError } from "../../../proto/errors.js";
import { PersistentBlobs } from "../../../proto/link/persistent-blobs.js";
import { type Attempt, persist } from "../../../proto/link/reopen.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const failed: Attempt<string> = { type: "failed", reason: "no answer" };

/** Attempts that go like these; the last one goes on. */
function attempts(...all: Attempt<string>[]) {
  const at: number[] = [];
  const began = performance.now();
  const attempt = async () => {
    at.push(Math.round(performance.now() - began));
    return all.length > 1 ? all.shift()! : all[0]!;
  };
  return { at, attempt };
}

describe("persist", () => {
  const { signal } = new AbortController();

  it("pauses longer each time, up to 5 s", async () => {
    const { at, attempt } = attempts(failed);
    const outcome = persist(attempt, { giveUpMs: 20_000, signal }, () => 1);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await outcome).toEqual({ type: "gaveUp", reason: "no answer" });
    expect(at).toEqual([0, 100, 300, 700, 1_500, 3_100, 6_300, 11_300, 16_300, 20_000]);
  });

  it("shortens pauses by chance, by half at most", async () => {
    const { at, attempt } = attempts(failed, failed, { type: "done", value: "here" });
    const outcome = persist(attempt, { giveUpMs: 20_000, signal }, () => 0);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await outcome).toEqual({ type: "done", value: "here" });
    expect(at).toEqual([0, 50, 150]);
  });

  it("ends at once when no attempt will ever do, or it is told to", async () => {
    const error = new Error("not known here");
    const over = attempts({ type: "over", error });
    expect(await persist(over.attempt, { giveUpMs: 20_000, signal })).toEqual({ type: "over", error });
    const controller = new AbortController();
    const { attempt } = attempts(failed);
    const outcome = persist(attempt, { giveUpMs: 20_000, signal: controller.signal });
    await vi.advanceTimersByTimeAsync(10);
    controller.abort();
    expect(await outcome).toMatchObject({ type: "gaveUp" });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("PersistentBlobs", () => {
  const lost = new ConnectionError("the connection was lost");
  function blobs(...outcomes: (Error | Uint8Array)[]) {
    let tries = 0;
    const transport = {
      missing: async () => [],
      put: async () => {},
      get: async () => {
        tries += 1;
        const outcome = outcomes.length > 1 ? outcomes.shift()! : outcomes[0]!;
        if (outcome instanceof Error) throw outcome;
        return outcome;
      },
      wasCutOff: (error: unknown) => error === lost,
      close() {},
    };
    return { persistent: new PersistentBlobs(transport, 10_000), tries: () => tries };
  }
  const ref = { hash: "sha256-0", byteLength: 1 };

  it("tries again what failed with the connection", async () => {
    const { persistent, tries } = blobs(lost, lost, new Uint8Array([7]));
    const got = persistent.get(ref);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await got).toEqual(new Uint8Array([7]));
    expect(tries()).toBe(3);
  });

  it("gives up on what is wrong otherwise, after a while, and when it is closed", async () => {
    const missing = new ConnectionError("no such blob");
    const wrong = blobs(lost, missing)
      .persistent.get(ref)
      .catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await wrong).toBe(missing);
    const { persistent } = blobs(lost);
    const inVain = persistent.get(ref).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await inVain).toBe(lost);
    const closed = blobs(lost);
    const cut = closed.persistent.get(ref).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(10);
    closed.persistent.close();
    expect(await cut).toBe(lost);
  });
});
