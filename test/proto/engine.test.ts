import { execFileSync } from "node:child_process";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

const { setFlagsFromString } = vi.hoisted(() => ({ setFlagsFromString: vi.fn<(flags: string) => void>() }));
const { gc } = vi.hoisted(() => ({ gc: vi.fn<() => void>() }));
vi.mock("node:v8", () => ({ setFlagsFromString }));
vi.mock("node:vm", () => ({
  runInNewContext: (code: string) => (code === "globalThis.gc" ? gc : undefined),
}));

const { reviewSettings, settleDaemon } = await import("../../proto/engine.js");

const VERSION = "v20.20.2";
const flags = () => setFlagsFromString.mock.calls.map(([flag]) => flag);

/** What the process has used. */
let usedMs = 0;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  usedMs = 0;
  vi.spyOn(process, "cpuUsage").mockImplementation((before) => ({
    user: Math.round((usedMs * 1_000 * 2) / 3) - (before?.user ?? 0),
    system: Math.round((usedMs * 1_000) / 3) - (before?.system ?? 0),
  }));
});
afterEach(() => {
  setFlagsFromString.mockClear();
  gc.mockClear();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Time passes, of which a part is used. */
function pass(ms: number, cpuMs: number): void {
  usedMs += cpuMs;
  vi.advanceTimersByTime(ms);
}

/** Works until the first settings have ended. @returns for how long */
function workMs(): number {
  const before = flags().length;
  let workedMs = 0;
  reviewSettings();
  while (flags().length === before && workedMs < 10_000) {
    pass(5, 5);
    workedMs += 5;
    reviewSettings();
  }
  return workedMs;
}

/** What this Node.js has unless it is told otherwise. */
function ownValue(flag: string): number {
  const known = execFileSync(process.execPath, ["--v8-options"], { encoding: "utf8" });
  const [, name] = /^(--[\w-]+)=\d+$/.exec(flag)!;
  return Number(new RegExp(`^ +${name} .*\\n.*default: (?:--[\\w-]+=)?(\\d+)`, "m").exec(known)?.[1]);
}

const given = (flag: string) => Number(flag.split("=")[1]);

it.runIf(process.version.startsWith("v20."))(
  "sets what this Node.js knows, and puts back what it had",
  () => {
    settleDaemon();
    expect(flags()).toHaveLength(2);
    for (const flag of flags()) expect(given(flag)).toBeGreaterThan(ownValue(flag));
    workMs();
    const last = flags().at(-1)!;
    expect(given(last)).toBe(ownValue(last));
  },
);

it("keeps its first settings for its first work only", () => {
  settleDaemon(VERSION);
  expect(workMs()).toBe(150);
  const settled = flags();

  pass(5, 5);
  reviewSettings();
  expect(flags()).toEqual(settled);
});

it("does not count its start, nor what it takes to be there", () => {
  settleDaemon(VERSION);
  pass(500, 250);
  reviewSettings();
  for (let i = 0; i < 1_000; i += 1) {
    pass(5_000, 5);
    reviewSettings();
  }
  expect(flags()).not.toContain("--interrupt-budget=67584");
  expect(workMs()).toBe(150);
});

it("counts what takes long between two messages", () => {
  settleDaemon(VERSION);
  reviewSettings();
  pass(60_000, 30_000);
  expect(workMs()).toBe(0);
});

it("collects a daemon's garbage once, when its start is over", () => {
  settleDaemon(VERSION);
  pass(100, 90);
  pass(100, 40);
  expect(gc).not.toHaveBeenCalled();
  pass(100, 8);
  expect(gc).toHaveBeenCalledOnce();
  expect(flags().slice(-2)).toEqual(["--expose-gc", "--no-expose-gc"]);
  pass(10_000, 0);
  expect(gc).toHaveBeenCalledOnce();
  expect(vi.getTimerCount()).toBe(0);
});

it("leaves the garbage of one that was given work before to Node.js", () => {
  settleDaemon(VERSION);
  for (let i = 0; i < 5; i += 1) pass(100, 100);
  pass(10_000, 0);
  expect(gc).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});

it("leaves other versions alone, which may print that they do not know a flag", () => {
  for (const version of ["v22.12.0", "v24.0.0", "v2.0.0"]) settleDaemon(version);
  pass(10_000, 5);
  reviewSettings();
  expect(flags()).toEqual([]);
  expect(gc).not.toHaveBeenCalled();
});
