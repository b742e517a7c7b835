import { describe, expect, it } from "vitest";
import {
  formatProgress,
  Progress,
  type ProgressFigures,
  type ProgressReading,
  RateMeter,
} from "../../client/progress.js";
import { StatusLine, type StatusStream } from "../../client/status-line.js";

const figures: ProgressFigures = {
  submitted: 100,
  done: 12,
  failed: 0,
  running: 4,
  workers: 2,
  ratePerS: 3.5,
  waiting: false,
};
const big: ProgressFigures = {
  submitted: 1_000_000,
  done: 123_456,
  failed: 789,
  running: 12_000,
  workers: 1_000,
  ratePerS: 45_678,
  waiting: false,
};

describe("the progress line", () => {
  it.each<[Partial<ProgressFigures>, number, string]>([
    [{}, 79, "12/100 done · 4 running · 84 queued · 3.5/s · ETA 0:00:25 · 2 workers"],
    [{ failed: 2 }, 79, "12/100 done · 4 running · 82 queued · 2 failed · 3.5/s · ETA 0:00:25"],
    [{ ratePerS: undefined, workers: undefined }, 79, "12/100 done · 4 running · 84 queued"],
    [
      { workers: 1, ratePerS: 12.34 },
      79,
      "12/100 done · 4 running · 84 queued · 12/s · ETA 0:00:07 · 1 worker",
    ],
    [{ ratePerS: 0.03 }, 79, "12/100 done · 4 running · 84 queued · 0.03/s · ETA 0:48:53 · 2 workers"],
    [{ done: 100, running: 4 }, 79, "100/100 done · 0 running · 0 queued · 3.5/s · 2 workers"],
    [
      { running: 0, workers: 0, waiting: true },
      79,
      "12/100 done · 0 running · 88 queued · waiting for workers",
    ],
    [big, 79, "123k/1.0M done · 12k running · 864k queued · 789 failed · 46k/s · ETA 0:00:19"],
    [big, 60, "123k/1.0M done · 12k running · 864k queued · 789 failed"],
    [{}, 20, "12/100 done · 4 runn"],
  ])("%j in %i columns", (change, columns, line) => {
    const text = formatProgress({ ...figures, ...change }, columns);
    expect(text).toBe(line);
    expect(text.length).toBeLessThanOrEqual(columns);
  });
});

describe("the rate", () => {
  it("is that of the last ten seconds", () => {
    const rate = new RateMeter();
    expect(rate.sample(0, 0)).toBeUndefined();
    expect(rate.sample(1_000, 5)).toBe(5);
    expect(rate.sample(2_000, 20)).toBe(10);
    for (let s = 3; s <= 30; s++) rate.sample(s * 1000, 20 + s);
    expect(rate.sample(31_000, 51)).toBe(1);
  });
});

class FakeStream implements StatusStream {
  readonly isTTY: boolean;
  readonly columns = 80;
  text = "";
  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }
  write(chunk: string | Uint8Array): boolean {
    this.text += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
    return true;
  }
}

function setUp(isTTY: boolean) {
  const stream = new FakeStream(isTTY);
  let nowMs = 0;
  let tick: (() => void) | undefined;
  const progress = new Progress(new StatusLine(stream, stream), {
    now: () => nowMs,
    every: (_, callback) => {
      tick = callback;
      return () => {
        tick = undefined;
      };
    },
  });
  let reading: ProgressReading = { submitted: 0, done: 0, failed: 0, running: 0, workers: undefined };
  progress.start(() => reading);
  const at = (ms: number, change: Partial<ProgressReading>) => {
    nowMs = ms;
    reading = { ...reading, ...change };
    stream.text = "";
    tick?.();
    return stream.text;
  };
  return { stream, progress, at, ticking: () => tick !== undefined };
}

const CLEAR = "\r\u001b[2K";

describe("progress on a terminal", () => {
  it("says nothing before the first call, then redraws one line", () => {
    const { at, progress, stream, ticking } = setUp(true);
    expect(at(0, {})).toBe("");
    expect(at(200, { submitted: 5 })).toBe(`${CLEAR}0/5 done · 0 running · 5 queued`);
    expect(at(1_200, { done: 1, running: 2, workers: 1 })).toBe(
      `${CLEAR}1/5 done · 2 running · 2 queued · 1.0/s · ETA 0:00:04 · 1 worker`,
    );
    stream.text = "";
    progress.stop();
    progress.stop();
    expect(stream.text).toBe(CLEAR);
    expect(ticking()).toBe(false);
  });

  it("gives way to what others write, and waits for their line's end", () => {
    const { at, progress, stream } = setUp(true);
    at(0, { submitted: 5 });
    stream.text = "";
    stream.write("hello\n");
    stream.write(Buffer.from("half"));
    expect(stream.text).toBe(`${CLEAR}hello\nhalf`);
    expect(at(200, {})).toBe("");
    stream.write(" done\n");
    expect(at(400, {})).toContain("0/5 done");
    progress.stop();
    expect(Object.hasOwn(stream, "write")).toBe(false);
  });

  it("is drawn again at the end of a turn in which others wrote, once", async () => {
    const { at, progress, stream } = setUp(true);
    const line = at(0, { submitted: 5 });
    stream.text = "";
    stream.write("one\n");
    stream.write("two\n");
    await new Promise((resolve) => setImmediate(resolve));
    expect(stream.text).toBe(`${CLEAR}one\ntwo\n${line}`);
    stream.write("three\n");
    progress.stop();
    stream.text = "";
    await new Promise((resolve) => setImmediate(resolve));
    expect(stream.text).toBe("");
  });

  it("never promises that calls under way end in no time", () => {
    const { at, progress } = setUp(true);
    at(0, { submitted: 100 });
    expect(at(1_000, { done: 99 })).toContain("ETA 0:00:01");
    progress.stop();
  });

  it("says that it waits for workers after two seconds without any", () => {
    const { at, progress } = setUp(true);
    expect(at(0, { submitted: 5, workers: 0 })).not.toContain("waiting");
    expect(at(1_900, {})).not.toContain("waiting");
    expect(at(2_100, {})).toContain("waiting for workers");
    expect(at(2_300, { workers: 1 })).not.toContain("waiting");
    progress.stop();
  });
});

describe("progress elsewhere", () => {
  it("writes lines, and the last state at the end", () => {
    const { at, progress, stream } = setUp(false);
    expect(at(0, { submitted: 2 })).toBe("0/2 done · 0 running · 2 queued\n");
    expect(at(5_000, {})).toBe("");
    at(10_000, { done: 1 });
    stream.text = "";
    at(11_000, { done: 2 });
    expect(stream.text).toContain("2/2 done");
    progress.stop();
    expect(Object.hasOwn(stream, "write")).toBe(false);
  });
});
