import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Collector, type Engine, ownEngine } from "../../../proto/values/collect.js";

const MIB = 1024 * 1024;

/** A V8 whose collections take a given time. */
class PlayedEngine implements Engine {
  heap = 10 * MIB;
  pauseMs = 0;
  collections = 0;
  readonly growths: number[] = [];
  nowMs = () => Date.now();
  heapBytes = () => this.heap;
  collectYoung(): void {
    this.collections += 1;
    vi.setSystemTime(Date.now() + this.pauseMs);
  }
  setGrowth(percent: number): void {
    this.growths.push(percent);
  }
}

let engine: PlayedEngine;
let collector: Collector;
/** So many values of 1 MiB, one each millisecond. */
function receive(count: number): void {
  for (let i = 0; i < count; i += 1) {
    vi.advanceTimersByTime(1);
    collector.comes(MIB);
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  engine = new PlayedEngine();
  collector = new Collector(engine);
});
afterEach(() => {
  vi.useRealTimers();
});

describe("what values leave behind", () => {
  it("is collected every 8 MiB", () => {
    receive(7);
    expect(engine.collections).toBe(0);
    receive(1);
    expect(engine.collections).toBe(1);
    receive(80);
    expect(engine.collections).toBe(11);
    collector.comes(64 * MIB);
    expect(engine.collections).toBe(12);
  });

  it("is collected for a tenth of the time at most", () => {
    engine.pauseMs = 50;
    const fromMs = Date.now();
    receive(5_000);
    expect(engine.collections).toBeGreaterThan(5);
    expect(engine.collections * engine.pauseMs).toBeLessThanOrEqual(
      (Date.now() - fromMs) / 10 + engine.pauseMs,
    );
  });
});

describe("how much a heap may grow between two markings", () => {
  it("is 32 MiB in small heaps while values come, and then V8's own affair again", () => {
    receive(400);
    expect(engine.growths).toEqual([300]);
    engine.heap = 20 * MIB;
    receive(400);
    expect(engine.growths).toEqual([300, 160]);
    vi.advanceTimersByTime(2_000);
    expect(engine.growths).toEqual([300, 160, 0]);
    expect(vi.getTimerCount()).toBe(0);

    receive(8);
    expect(engine.growths).toEqual([300, 160, 0, 160]);
    vi.advanceTimersByTime(2_000);
    expect(engine.growths).toEqual([300, 160, 0, 160, 0]);
  });

  it("stays V8's own affair in large heaps", () => {
    receive(8);
    engine.heap = 500 * MIB;
    receive(8);
    expect(engine.growths).toEqual([300, 0]);
    receive(80);
    expect(engine.growths).toEqual([300, 0]);
  });

  it("is left alone where no values come", () => {
    receive(7);
    vi.advanceTimersByTime(10_000);
    expect(engine.growths).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("the V8 of this process", () => {
  it.runIf(/^v2[02]\./.test(process.version))(
    "frees young buffers at once, and shows programs no gc",
    async () => {
      vi.useRealTimers();
      const own = ownEngine();
      own.collectYoung();
      const before = process.memoryUsage().arrayBuffers;
      for (let i = 0; i < 16; i += 1) Buffer.allocUnsafeSlow(MIB);
      expect(process.memoryUsage().arrayBuffers).toBeGreaterThanOrEqual(before + 8 * MIB);
      own.collectYoung();
      await vi.waitFor(() => expect(process.memoryUsage().arrayBuffers).toBeLessThan(before + 4 * MIB));
      expect(globalThis.gc).toBeUndefined();
    },
  );

  it("is left alone in versions whose flags are not known", () => {
    const other = ownEngine("v99.0.0");
    other.collectYoung();
    other.setGrowth(300);
    expect(globalThis.gc).toBeUndefined();
  });
});
