import { execFileSync } from "node:child_process";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

const { setFlagsFromString } = vi.hoisted(() => ({ setFlagsFromString: vi.fn<(flags: string) => void>() }));
vi.mock("node:v8", () => ({ setFlagsFromString }));

const { settleDaemon } = await import("../../proto/engine.js");

const flags = () => setFlagsFromString.mock.calls.map(([flag]) => flag);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  setFlagsFromString.mockClear();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

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
    const cpu = vi.spyOn(process, "cpuUsage").mockReturnValue({ user: 0, system: 0 });
    settleDaemon();
    expect(flags()).toHaveLength(2);
    for (const flag of flags()) expect(given(flag)).toBeGreaterThan(ownValue(flag));
    setFlagsFromString.mockClear();

    vi.advanceTimersByTime(60_000);
    expect(flags()).toEqual([]);
    cpu.mockReturnValue({ user: 250_000, system: 60_000 });
    vi.advanceTimersByTime(60_000);
    expect(flags()).toHaveLength(1);
    expect(given(flags()[0]!)).toBe(ownValue(flags()[0]!));
    expect(vi.getTimerCount()).toBe(0);
  },
);

it("leaves other versions alone, which may print that they do not know a flag", () => {
  for (const version of ["v22.12.0", "v24.0.0", "v2.0.0"]) settleDaemon(version);
  expect(flags()).toEqual([]);
});
