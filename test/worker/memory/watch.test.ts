/** How often the memory of tasks is looked at. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { MemoryWatch } from "../../../worker/memory/watch.js";

const LOOK_MS = 200;

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

it("is not looked at less often when a look lasts long because others have the processor", () => {
  let looks = 0;
  const task = { executor: 1, ref: 1, askedBytes: 1_000, isLimited: false };
  const watch = new MemoryWatch({
    families: {
      // It waits, and computes nothing.
      look: () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS),
      get: () => undefined,
    } as never,
    running: () => [task],
    isBusy: () => true,
    exceeded: () => {},
    looked: () => {
      looks += 1;
    },
  });
  watch.started(task.executor, task.ref, task.askedBytes, false);
  vi.advanceTimersByTime(250);
  expect(looks).toBe(1);
  vi.advanceTimersByTime(3_000);
  expect(looks).toBeGreaterThan(1);
  watch.stop();
});
