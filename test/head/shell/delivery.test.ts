import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ownFailure } from "../../../head/shell/carry-out.js";
import { Delivery, type Stream } from "../../../head/shell/inline/delivery.js";
import { Keeper } from "../../../head/shell/inline/keeper.js";
import { FailureKind, type HeadToClient } from "../../../proto/grain.js";

const MANY = 1_000_000;

function results(first: number, count: number, byteLength = 0): HeadToClient {
  const tasks = Array.from({ length: count }, (_, i) => first + i);
  const sizes = tasks.map((_, i) => (i === 0 ? byteLength : 0));
  return {
    body: { $case: "results", results: { tasks, sizes, values: new Uint8Array(byteLength), blobs: [] } },
  };
}

/** Messages as text: what they say of which tasks, the first and the last. */
function show({ body }: HeadToClient): string {
  if (body?.$case === "results") return `${body.results.tasks[0]}-${body.results.tasks.at(-1)}`;
  return body?.$case === "failure" ? `failure ${body.failure.task}` : String(body?.$case);
}

let sent: string[];
let keeper: Keeper;
let delivery: Delivery;

function newStream(): Stream {
  const send = (message: HeadToClient) => void sent.push(show(message));
  return { send, flush() {}, pendingBytes: 0, drained: async () => {} };
}

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  keeper = new Keeper({ account: { reserve: () => true, free() {} } });
  delivery = new Delivery(keeper);
  delivery.begin(newStream());
});

afterEach(() => {
  delivery.releaseAll();
  keeper.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

describe("what a client is told", () => {
  it("tells ends at once where few come together, however many tasks wait", () => {
    for (let task = 1; task <= 40; task += 1) delivery.push(results(task, 1), MANY);
    expect(sent).toHaveLength(40);
  });

  it("gathers ends that come by the dozen for a moment, and tells all of them then", () => {
    delivery.push(results(1, 100), MANY);
    delivery.push(results(101, 100), MANY);
    delivery.push(results(201, 1), MANY);
    expect(sent).toEqual(["1-100"]);
    vi.advanceTimersByTime(24);
    expect(sent).toEqual(["1-100"]);
    vi.advanceTimersByTime(1);
    expect(sent).toEqual(["1-100", "101-200", "201-201"]);
  });

  it("tells the first end after a quiet moment at once", () => {
    delivery.push(results(1, 100), MANY);
    vi.advanceTimersByTime(25);
    delivery.push(results(101, 1), MANY);
    delivery.push(results(102, 1), MANY);
    expect(sent).toEqual(["1-100", "101-101", "102-102"]);
  });

  it("gathers no more than still waits for a worker: who waits for the last results does not wait longer", () => {
    delivery.push(results(1, 100), 250);
    delivery.push(results(101, 100), 150);
    expect(sent).toEqual(["1-100"]);
    delivery.push(results(201, 100), 50);
    delivery.push(results(301, 50), 0);
    expect(sent).toEqual(["1-100", "101-200", "201-300", "301-350"]);
  });

  it("gathers no more than half a mebibyte", () => {
    delivery.push(results(1, 100), MANY);
    delivery.push(results(101, 1, 300_000), MANY);
    expect(sent).toEqual(["1-100"]);
    delivery.push(results(102, 1, 300_000), MANY);
    expect(sent).toEqual(["1-100", "101-101", "102-102"]);
  });

  it("tells a failure at once, after what was gathered", () => {
    delivery.push(results(1, 100), MANY);
    delivery.push(results(101, 100), MANY);
    const failure = ownFailure(201, FailureKind.THREW);
    delivery.push({ body: { $case: "failure", failure } }, MANY);
    expect(sent).toEqual(["1-100", "101-200", "failure 201"]);
  });

  it("tells on the next stream what was gathered when one was lost, and what has not arrived", () => {
    delivery.push(results(1, 100), MANY);
    delivery.push(results(101, 100), MANY);
    delivery.stop();
    expect(vi.getTimerCount()).toBe(0);
    delivery.push(results(201, 100), MANY);
    expect(delivery.arrived(1)).toBe(true);
    sent = [];
    delivery.begin(newStream());
    expect(sent).toEqual(["101-200", "201-300"]);
  });

  it("tells what was gathered before the session is over", () => {
    delivery.push(results(1, 100), MANY);
    delivery.push(results(101, 100), MANY);
    delivery.releaseAll();
    expect(sent).toEqual(["1-100", "101-200"]);
  });
});
