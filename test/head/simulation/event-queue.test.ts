import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventQueue } from "../../../head/simulation/event-queue.js";

describe("EventQueue", () => {
  it("gives what is due first, and among equals what was put in first", () => {
    const times = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200 });
    fc.assert(
      fc.property(times, (given) => {
        const queue = new EventQueue<number>();
        for (const [i, atMs] of given.entries()) queue.push(atMs, i);
        const taken: number[] = [];
        for (let next = queue.pop(); next !== undefined; next = queue.pop()) taken.push(next);
        const wanted = [...given.keys()].sort((a, b) => given[a]! - given[b]! || a - b);
        expect(taken).toEqual(wanted);
      }),
    );
  });

  it("says when the next one is due", () => {
    const queue = new EventQueue<string>();
    expect(queue.nextMs).toBeUndefined();
    queue.push(7, "later");
    queue.push(3, "sooner");
    expect(queue.nextMs).toBe(3);
    expect(queue.pop()).toBe("sooner");
    expect(queue.nextMs).toBe(7);
    expect(queue.size).toBe(1);
  });
});
