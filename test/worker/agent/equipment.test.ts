import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Equipment } from "../../../worker/agent/equipment.js";

let lines: string[];
let failures: string[];

beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  failures = [];
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function equipment(isPerExecutor = true): Equipment {
  const parts = [{ kind: "context" as const, file: "/a.ts", value: new Uint8Array(0), isPerExecutor }];
  return new Equipment(
    { parts, setupMs: 45_000, teardownMs: 2_000 },
    { log: (_, text) => void lines.push(text), failed: ({ message }) => void failures.push(message) },
  );
}

describe("what executors set up", () => {
  it("is told the lowest number that no living one has", () => {
    const all = equipment(false);
    expect([7, 9, 12].map((id) => all.begun(id).index)).toEqual([0, 1, 2]);
    all.exited(9, "");
    expect([20, 21].map((id) => all.begun(id).index)).toEqual([1, 3]);
    expect(failures).toEqual([]);
  });

  it("is told of while it takes long, and has failed after its limit", () => {
    const all = equipment();
    all.begun(1);
    vi.advanceTimersByTime(44_999);
    expect(lines).toEqual([
      "The context /a.ts is still being set up in executor 0 after 0:00:10.",
      "The context /a.ts is still being set up in executor 0 after 0:00:20.",
      "The context /a.ts is still being set up in executor 0 after 0:00:40.",
    ]);
    vi.advanceTimersByTime(1);
    all.exited(1, "SIGKILL ended its process");
    expect(failures).toEqual([
      "The context /a.ts could not be set up in an executor within 0:00:45; --setup-limit gives it longer.",
    ]);
  });

  it("fails once, when the first of several could not", () => {
    const all = equipment();
    all.begun(1);
    all.begun(2);
    all.exited(1, "its process ended with exit code 7");
    all.unequipped(2, "no room", "");
    expect(failures).toEqual([
      "The context /a.ts could not be set up in an executor: its process ended with exit code 7.",
    ]);
  });

  it("matters no more when the executor is ended, or has been equipped", async () => {
    const all = equipment();
    all.begun(1);
    all.begun(2);
    all.dismissed(1);
    all.exited(1, "");
    all.equipped(2);
    await all.first;
    all.exited(2, "");
    expect(failures).toEqual([]);
  });

  it("is ended by force when it is not torn down in time", () => {
    const all = equipment();
    const kill = vi.fn();
    all.begun(1);
    all.equipped(1);
    all.retired(1, kill);
    vi.advanceTimersByTime(2_999);
    expect(kill).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(kill).toHaveBeenCalledOnce();
  });
});
