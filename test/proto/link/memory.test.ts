import { describe, expect, it } from "vitest";
import type { Link, LinkEnd } from "../../../proto/link/link.js";
import { memoryLink } from "../../../proto/link/memory.js";

function record<Out, In>(
  link: Link<Out, In>,
): { batches: In[][]; ends: LinkEnd[]; ended: Promise<LinkEnd>; next(): Promise<void> } {
  const batches: In[][] = [];
  const ends: LinkEnd[] = [];
  let tell: (() => void) | undefined;
  const ended = new Promise<LinkEnd>((resolve) => {
    link.receive({
      messages: (batch) => {
        batches.push(batch);
        tell?.();
      },
      ended: (end) => {
        ends.push(end);
        resolve(end);
      },
    });
  });
  return { batches, ends, ended, next: () => new Promise((resolve) => (tell = resolve)) };
}

describe("a link in memory", () => {
  it("delivers in order, all of one turn in one batch, never within send", async () => {
    const [left, right] = memoryLink<number, string>();
    const received = record(right);
    const arrived = received.next();
    left.send(1);
    left.send(2);
    expect(received.batches).toEqual([]);
    await arrived;
    expect(received.batches).toEqual([[1, 2]]);
  });

  it("keeps what is sent before anybody listens", async () => {
    const [left, right] = memoryLink<number, string>();
    left.send(1);
    left.close();
    const received = record(right);
    expect(await received.ended).toEqual({ type: "closed" });
    expect(received.batches).toEqual([[1]]);
  });

  it("delivers what was sent before an orderly end, then tells both sides once", async () => {
    const [left, right] = memoryLink<number, string>();
    const here = record(left);
    const there = record(right);
    left.send(7);
    left.close();
    left.send(8);
    right.close();
    expect(await there.ended).toEqual({ type: "closed" });
    expect(await here.ended).toEqual({ type: "closed" });
    expect(there.batches).toEqual([[7]]);
    expect([here.ends.length, there.ends.length]).toEqual([1, 1]);
  });

  it("drops what is on the way when destroyed", async () => {
    const [left, right] = memoryLink<number, string>();
    const there = record(right);
    const here = record(left);
    left.send(7);
    left.destroy("gone");
    expect(await here.ended).toEqual({ type: "broken", message: "gone" });
    expect((await there.ended).type).toBe("broken");
    expect(there.batches).toEqual([]);
  });

  it("holds batches back while paused", async () => {
    const [left, right] = memoryLink<number, string>();
    const received = record(right);
    right.pause(true);
    left.send(1);
    left.flush();
    await Promise.resolve();
    expect(received.batches).toEqual([]);
    const arrived = received.next();
    right.pause(false);
    await arrived;
    expect(received.batches).toEqual([[1]]);
  });
});
