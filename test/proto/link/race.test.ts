/** Several ways to one head: the first that works is taken, and nothing of the others is left. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { firstOf } from "../../../proto/link/grpc/race.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

type Result = string | undefined | Error;

/** Ways that end after so long, with what they lead to. */
function ways(ends: Record<string, readonly [afterMs: number, result: Result]>) {
  const started: string[] = [];
  const disposed: string[] = [];
  const startedAt = Date.now();
  const race = {
    attempt: (way: string, signal: AbortSignal) => {
      started.push(`${way}@${Date.now() - startedAt}`);
      const [afterMs, result] = ends[way]!;
      return new Promise<string | undefined>((resolve, reject) => {
        setTimeout(() => (result instanceof Error ? reject(result) : resolve(result)), afterMs);
        // As connections do that are given up: those that are nearly there may still come about.
        signal.addEventListener("abort", () => resolve(way.startsWith("late") ? way : undefined));
      });
    },
    dispose: (reached: string) => void disposed.push(reached),
  };
  return { names: Object.keys(ends), race, started, disposed };
}

it("takes the first that works, each tried 250 ms after the one before", async () => {
  const { names, race, started } = ways({
    dead: [9_999, undefined],
    good: [100, "good"],
    spare: [1, "spare"],
  });
  const first = firstOf(names, race);
  await vi.runAllTimersAsync();
  expect(await first).toBe("good");
  expect(started).toEqual(["dead@0", "good@250"]);
});

it("does not wait with the next when those before have failed", async () => {
  const { names, race, started } = ways({ dead: [10, undefined], good: [5, "good"] });
  const first = firstOf(names, race);
  await vi.runAllTimersAsync();
  expect(await first).toBe("good");
  expect(started).toEqual(["dead@0", "good@10"]);
});

it("frees what comes too late", async () => {
  const { names, race, disposed } = ways({ late: [9_999, "late"], good: [1, "good"] });
  const first = firstOf(names, race);
  await vi.runAllTimersAsync();
  expect(await first).toBe("good");
  expect(disposed).toEqual(["late"]);
});

it("tells an error only when no way led anywhere", async () => {
  const refused = new Error("refused");
  const some = ways({ refusing: [10, refused], good: [5, "good"] });
  const first = firstOf(some.names, some.race);
  await vi.runAllTimersAsync();
  expect(await first).toBe("good");
  const none = ways({ refusing: [10, refused], dead: [5, undefined] });
  const failing = firstOf(none.names, none.race).catch((error: unknown) => error);
  await vi.runAllTimersAsync();
  expect(await failing).toBe(refused);
});

it("of no ways, or when it is given up, reaches nothing", async () => {
  const { race } = ways({});
  expect(await firstOf([], race)).toBeUndefined();
  const giveUp = new AbortController();
  const { names, race: other, started } = ways({ dead: [9_999, undefined], next: [1, "next"] });
  const first = firstOf(names, { ...other, signal: giveUp.signal });
  giveUp.abort();
  expect(await first).toBeUndefined();
  expect(started).toEqual(["dead@0"]);
  await vi.runAllTimersAsync();
});
