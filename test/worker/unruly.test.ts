/** Tasks that take too much or do not end: what is left of them, and what is told. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { FailureKind } from "../../proto/grain.js";
import type { Demand } from "../../proto/resource/demand.js";
import { reviveError } from "../../proto/values/error.js";
import { marked } from "../kit/daemons.js";
import { demandOf, poolOf } from "./agent/world.js";
import { failureIn, start, valueIn } from "./agent-kit.js";
import { FakeHead } from "./fake-head.js";

const MEBIBYTE = 1024 ** 2;
const module = "unruly.mjs";
let marker: string;

beforeEach(() => {
  marker = `unruly-${process.pid}-${Math.random().toString(36).slice(2)}`;
  vi.stubEnv("GRAIN_TEST_MARKER", marker);
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** Processes that tasks have started, and executors; the watchdog lives as long as its agent. */
const left = () => marked(`GRAIN_TEST_MARKER=${marker}`, "GRAIN_EXECUTOR=");

function memoryOf(mebibytes: number, cores = 1): Demand {
  const demand = demandOf(cores);
  return { ...demand, amounts: [...demand.amounts, { kind: "memory", amount: mebibytes * MEBIBYTE }] };
}

const roomy = (cores = 2) => ({ ...poolOf(cores), memoryBytes: 64 * 1024 * MEBIBYTE });

describe("a task that is cancelled", () => {
  it.each(["wait", "spin"])("leaves nothing, wherever its processes went (%s)", async (then) => {
    const { head, agent } = start(poolOf(2), undefined, { graceMs: 300 });
    const [task] = head.assign(head.define("scatter", { module }), [[then]], true);
    const [beside] = head.assign(head.define("untilAborted"), [[]], true);
    await head.until(() => head.printed(task!).includes("scattered") && head.printed(beside!) !== "");
    expect(left().length).toBeGreaterThan(4);
    head.send({ $case: "cancel", cancel: { session: 1, tasks: [task!] } });
    expect(failureIn(await head.outcome(task!)).kind).toBe(FailureKind.CANCELLED);
    // At the very moment at which it is told: only the executor of the other one is left.
    const others = agent.status().executors;
    expect(others).toHaveLength(1);
    expect(left()).toEqual(others);
    expect(head.outcomes.has(beside!)).toBe(false);
    expect(agent.status().free.get("cores")).toBe(10_000);
  });

  it("holds what it owns until its last process has ended", async () => {
    const { head, agent } = start(poolOf(1), undefined, { graceMs: 400 });
    const [task] = head.assign(head.define("scatter", { module }), [["wait"]], true);
    await head.until(() => head.printed(task!).includes("scattered"));
    head.send({ $case: "cancel", cancel: { session: 1, tasks: [task!] } });
    while (agent.status().free.get("cores") === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(left()).toEqual([]);
  });
});

describe("a process that ends by itself", () => {
  it("takes what it has left with it, before its task is told of", async () => {
    const { head } = start(poolOf(1), undefined, { graceMs: 300 });
    const [task] = head.assign(head.define("scatter", { module }), [["exit"]], true);
    expect(failureIn(await head.outcome(task!))).toMatchObject({ kind: FailureKind.DIED, exitCode: 4 });
    expect(left()).toEqual([]);
  });
});

describe("an agent that is closed", () => {
  it("leaves nothing", async () => {
    const { head, agent } = start();
    const [task] = head.assign(head.define("scatter", { module }), [["wait"]], true);
    await head.until(() => head.printed(task!).includes("scattered"));
    await agent.close();
    expect(left()).toEqual([]);
  });
});

describe("a task that uses more memory than it asked for", () => {
  it("is ended alone, with what it used and asked for", async () => {
    const { head } = start(roomy());
    const [beside] = head.assign(head.define("untilAborted", { demand: memoryOf(64) }), [[]], true);
    await head.until(() => head.printed(beside!) !== "");
    const spec = head.define("hog", { module, demand: memoryOf(100) });
    const failure = failureIn(await head.call(spec, 400, 20));
    expect(failure).toMatchObject({
      kind: FailureKind.OUT_OF_MEMORY,
      signal: "SIGKILL",
      askedBytes: 100 * MEBIBYTE,
      stderrTail: "about to take it\n",
    });
    expect(failure.peakBytes).toBeGreaterThan(100 * MEBIBYTE);
    expect(failure.memoryBytes).toBe(failure.peakBytes);
    expect(failure.message).toMatch(
      /^used [\d.]+M of the 100M it asked for; let it use less, or ask for more, such as memory\("\d+M"\)$/,
    );
    expect(head.outcomes.has(beside!)).toBe(false);
  });

  it("is found also when it is a program that has left its session", async () => {
    const { head } = start(roomy(1));
    const spec = head.define("hogElsewhere", { module, demand: memoryOf(150) });
    const failure = failureIn(await head.call(spec, 200));
    expect(failure.kind).toBe(FailureKind.OUT_OF_MEMORY);
    expect(left()).toEqual([]);
  });

  it("is not blamed for what the process holds besides, or held before", async () => {
    const { head, agent } = start(roomy(1));
    const generous = head.define("hold", { module, demand: memoryOf(500) });
    const frugal = head.define("hold", { module, demand: memoryOf(60) });
    expect(valueIn(await head.call(generous, 200, 10))).toBe(200);
    const { executors } = agent.status();
    expect(valueIn(await head.call(frugal, 20, 900))).toBe(20);
    expect(agent.status().executors).toEqual(executors);
  });
});

describe("a task whose heap is full", () => {
  it("has run out of memory", async () => {
    vi.stubEnv("NODE_OPTIONS", "--max-old-space-size=64");
    const { head } = start(poolOf(1));
    const failure = failureIn(await head.call(head.define("fillHeap", { module })));
    expect(failure).toMatchObject({ kind: FailureKind.OUT_OF_MEMORY, signal: "SIGABRT" });
    expect(failure.message).toContain("limit of JavaScript heap memory");
    expect(failure.stderrTail).toContain("heap out of memory");
  });
});

describe("a failure", () => {
  it("names what was thrown, for who decides on another try", async () => {
    const { head } = start(poolOf(1));
    const failure = failureIn(await head.call(head.define("throwing"), "no"));
    expect(failure.errorName).toBe("TypeError");
    expect(reviveError(failure.error)).toBeInstanceOf(TypeError);
  });

  it("tells what the task used last", async () => {
    let looks = 0;
    const isMemoryShort = () => {
      looks += 1;
      return false;
    };
    // Without heartbeats, which ask as well.
    const silent = new FakeHead(false);
    silent.send({ $case: "accepted", accepted: { worker: 1, hello: undefined, heartbeatMs: 0 } });
    const { head } = start(roomy(1), silent, { isMemoryShort });
    const spec = head.define("holdAndThrow", { module, demand: memoryOf(400) });
    const directory = mkdtempSync(join(tmpdir(), "grain-test-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const gate = join(directory, "gate");
    const [task] = head.assign(spec, [[100, gate]], true);
    await head.until(() => head.printed(task!) !== "");
    // The second look from now on has seen it.
    const seen = looks + 2;
    await vi.waitFor(() => expect(looks).toBeGreaterThanOrEqual(seen), { timeout: 30_000 });
    writeFileSync(gate, "");
    const failure = failureIn(await head.outcome(task!));
    expect(failure).toMatchObject({ kind: FailureKind.THREW, askedBytes: 400 * MEBIBYTE });
    expect(failure.memoryBytes).toBeGreaterThan(90 * MEBIBYTE);
    expect(failure.memoryBytes).toBeLessThan(200 * MEBIBYTE);
  });
});

describe("a machine that is short of memory", () => {
  it("gives back what has not started, says so first, and starts again when there is enough", async () => {
    let isMemoryShort = false;
    const { head } = start(roomy(2), undefined, { isMemoryShort: () => isMemoryShort });
    const [running] = head.assign(head.define("untilAborted", { demand: memoryOf(64) }), [[]], true);
    const echo = head.define("echo");
    const [waiting] = head.assign(echo, [[1]], false);
    await head.until(() => head.printed(running!) !== "");
    isMemoryShort = true;
    expect(await head.outcome(waiting!)).toEqual({ type: "returned" });
    const told = head.said.findIndex((body) => body.$case === "heartbeat" && body.heartbeat.pressed === true);
    const returned = head.said.findIndex((body) => body.$case === "returned");
    expect(told).toBeGreaterThanOrEqual(0);
    expect(told).toBeLessThan(returned);
    // There is a free core.
    expect(await head.call(echo, 2)).toEqual({ type: "returned" });
    isMemoryShort = false;
    await head.until(() => head.said.at(-1)?.$case === "heartbeat" && pressedLast(head) === false);
    expect(valueIn(await head.call(echo, 3))).toEqual([3]);
    expect(head.outcomes.has(running!)).toBe(false);
  });

  it("runs one task when it runs none", async () => {
    const { head } = start(poolOf(2), undefined, { isMemoryShort: () => true });
    await head.until(() => pressedLast(head) === true);
    expect(valueIn(await head.call(head.define("echo"), 1))).toEqual([1]);
  });
});

function pressedLast(head: ReturnType<typeof start>["head"]): boolean | undefined {
  const last = head.said.findLast((body) => body.$case === "heartbeat");
  return last?.$case === "heartbeat" ? last.heartbeat.pressed : undefined;
}

describe("a drain with a deadline", () => {
  it("ends what runs too long and gives it back; what ends in time is reported", async () => {
    const { head, agent } = start(poolOf(2), undefined, { drainMs: 4_000, graceMs: 300 });
    const [long] = head.assign(head.define("scatter", { module }), [["spin"]], true);
    const [short] = head.assign(head.define("hold", { module }), [[1, 100]], true);
    await head.until(() => head.printed(long!).includes("scattered") && head.printed(short!) !== "");
    agent.leave("test");
    expect(await agent.ended).toEqual({ type: "left" });
    expect(valueIn(await head.outcome(short!))).toBe(1);
    expect(await head.outcome(long!)).toEqual({ type: "returned" });
    expect(left()).toEqual([]);
  });

  it("takes the result of what ends when it is told to", async () => {
    const { head, agent } = start(poolOf(1), undefined, { drainMs: 1, reactionMs: 30_000 });
    const [task] = head.assign(head.define("untilAborted"), [[]], true);
    await head.until(() => head.printed(task!) !== "");
    agent.leave("test");
    expect(valueIn(await head.outcome(task!))).toBe("TaskCancelledError");
    expect(await agent.ended).toEqual({ type: "left" });
  });
});
