import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { endTimes, startTimer } from "../../worker/walltime.js";

const S = 1_000;
const H = 3_600 * S;

describe("the end of a worker's walltime", () => {
  it.each<[string, number, number, number]>([
    ["an hour: 2 %", H, H - 72 * S, H - 5 * S],
    ["ten minutes: 60 s", 600 * S, 540 * S, 595 * S],
    ["a day: 2 %", 24 * H, 24 * H - 1_728 * S, 24 * H - 5 * S],
    ["two minutes: half-way", 120 * S, 60 * S, 115 * S],
    ["12 s: half-way", 12 * S, 6 * S, 11.5 * S],
    ["nothing", 0, 0, 0],
  ])("%s", (_, walltimeMs, leaveMs, killMs) => {
    expect(endTimes(walltimeMs)).toEqual({ leaveMs, killMs, teardownMs: 0 });
  });

  it.each<[string, number, number, number]>([
    ["an hour: all of it", H, H - 15 * S, 10 * S],
    ["12 s: half of the margin", 12 * S, 8.5 * S, 3 * S],
  ])("with something to tear down: %s", (_, walltimeMs, killMs, teardownMs) => {
    expect(endTimes(walltimeMs, 10 * S)).toMatchObject({ killMs, teardownMs });
  });
});

describe("a timer", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it.each([0, 5, 2 ** 31 - 1, 2 ** 31, 5 * 2 ** 31])("of %d ms fires then, and once", (ms) => {
    let fired = 0;
    startTimer(ms, () => {
      fired += 1;
    });
    if (ms > 0) vi.advanceTimersByTime(ms - 1);
    expect(fired).toBe(0);
    vi.advanceTimersByTime(1);
    expect(fired).toBe(1);
    vi.advanceTimersByTime(2 ** 31);
    expect(fired).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("can be stopped, also after its first part", () => {
    const fire = vi.fn();
    const stop = startTimer(2 ** 32, fire);
    vi.advanceTimersByTime(2 ** 31);
    stop();
    vi.advanceTimersByTime(2 ** 33);
    expect(fire).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });
});
