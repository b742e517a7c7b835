import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FailureKind } from "../../../proto/grain.js";
import type { AgentEvent, Report } from "../../../worker/agent/core/event.js";
import { type ExecutorEvent, Hold } from "../../../worker/agent/hold.js";

const died = (executor: number, signal: string): ExecutorEvent => ({
  type: "executorDied",
  executor,
  exitCode: 0,
  signal,
  culprit: undefined,
  reason: "",
  outOfMemory: false,
});
const reported = (executor: number, ...reports: Report[]): ExecutorEvent => ({
  type: "reported",
  executor,
  reports,
});
const failed = (message: string, errorName = "ProgramError"): Report => ({
  type: "failed",
  ref: 1,
  kind: FailureKind.THREW,
  message,
  error: new Uint8Array(0),
  errorName,
  runUs: 1,
});
const loaded: Report = { type: "loaded", ref: 2 };

let passed: AgentEvent[];
let hold: Hold;
const ending = new Set<number>();

beforeEach(() => {
  vi.useFakeTimers();
  passed = [];
  ending.clear();
  hold = new Hold(
    (event) => void passed.push(event),
    (executor) => ending.has(executor),
  );
});
afterEach(() => {
  hold.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe("in a batch job", () => {
  it.each([
    died(1, ""),
    died(1, "SIGKILL"),
    died(1, "SIGSEGV"),
    reported(1, loaded),
    reported(1, failed("The program x ended with exit code 1.")),
    reported(1, failed("SIGTERM", "Error")),
  ])("passes on at once what has another cause: %j", (event) => {
    hold.take(event);
    expect(passed).toEqual([event]);
  });

  it.each([
    died(1, "SIGTERM"),
    died(1, "SIGXCPU"),
    reported(1, loaded, failed("The program x was ended by SIGTERM.")),
    reported(1, failed("The program x ended with exit code 143.")),
  ])("keeps back for a moment what may be meant for the job: %j", (event) => {
    const [after, other] = [reported(1, loaded), reported(2, loaded)];
    hold.take(event);
    hold.take(after);
    hold.take(other);
    expect(passed).toEqual([other]);
    vi.advanceTimersByTime(250);
    expect(passed).toEqual([other, event, after]);
    hold.take(after);
    expect(passed).toHaveLength(4);
  });

  it("does not keep back the end that the agent itself has asked for", () => {
    ending.add(1);
    hold.take(died(1, "SIGTERM"));
    expect(passed).toHaveLength(1);
  });
});
