import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Received, Unacknowledged } from "../../../proto/link/unacknowledged.js";

describe("Unacknowledged", () => {
  it("gives exactly what has not arrived, in order, whatever was cut off", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(5), fc.constant(-1))), (steps) => {
        const sent = new Unacknowledged<number>();
        const arrived: number[] = [];
        let next = 0;
        for (const step of steps) {
          if (step === -1) sent.push(next++);
          else {
            // A stream on which so many arrive before it is cut.
            const again = [...sent].slice(0, step);
            arrived.push(...again);
            expect(sent.arrived(arrived.length)).toBe(true);
          }
        }
        expect([...arrived, ...sent]).toEqual(Array.from({ length: next }, (_, i) => i));
        expect(sent.sent).toBe(next);
      }),
    );
  });

  it("takes an older count for what it is, and refuses one that cannot be", () => {
    const sent = new Unacknowledged<string>();
    for (const message of ["a", "b", "c"]) sent.push(message);
    expect(sent.arrived(2)).toBe(true);
    expect(sent.arrived(1)).toBe(true);
    expect([...sent]).toEqual(["c"]);
    expect(sent.arrived(4)).toBe(false);
    expect(sent.arrived(Number.NaN)).toBe(false);
    expect([...sent]).toEqual(["c"]);
  });

  it("lets go of what has arrived", () => {
    const sent = new Unacknowledged<number>();
    for (let i = 0; i < 5_000; i += 1) sent.push(i);
    sent.arrived(4_999);
    expect([...sent]).toEqual([4_999]);
    sent.arrived(5_000);
    sent.push(5_000);
    expect([sent.size, sent.sent]).toEqual([1, 5_001]);
  });
});

describe("Received", () => {
  it("is told once, and is due after many", () => {
    const received = new Received();
    expect(received.tell()).toBeUndefined();
    for (let i = 0; i < 31; i += 1) received.add();
    expect(received.isDue).toBe(false);
    received.add();
    expect(received.isDue).toBe(true);
    expect(received.tell()).toBe(32);
    expect(received.tell()).toBeUndefined();
    expect(received.isDue).toBe(false);
  });

  it("is told along with something else after some messages, or one with large values", () => {
    const received = new Received();
    for (let i = 0; i < 7; i += 1) received.add(9_000);
    expect(received.tell()).toBeUndefined();
    received.add();
    expect(received.tell()).toBe(8);
    received.add(65_535);
    expect(received.tell()).toBeUndefined();
    received.add(1);
    expect(received.tell()).toBe(10);
    received.add(1);
    expect(received.tell()).toBeUndefined();
  });

  it("that waits is told only what is settled, and says when that is worth a message", () => {
    const received = new Received(true, 10);
    expect(received.tell()).toBeUndefined();
    for (let i = 0; i < 7; i += 1) received.add();
    expect(received.tell()).toBeUndefined();
    expect(received.settle(11)).toBe(false);
    for (let i = 0; i < 3; i += 1) received.add();
    expect(received.isSettled).toBe(false);
    expect(received.tell()).toBe(11);
    // Somebody would have been told.
    for (let i = 0; i < 6; i += 1) received.add();
    expect(received.tell()).toBeUndefined();
    expect(received.settle(25)).toBe(true);
    expect(received.tell()).toBe(25);
    received.add(70_000);
    received.add(70_000);
    expect(received.tell()).toBeUndefined();
    expect(received.settle(26)).toBe(true);
    expect(received.tell()).toBe(26);
    expect(received.isSettled).toBe(false);
    expect(received.settle(28)).toBe(true);
    expect(received.isSettled).toBe(true);
    expect(received.tell()).toBe(28);
  });

  it("takes nothing twice that was taken and not settled when a stream was lost", () => {
    const received = new Received(true);
    for (let i = 0; i < 5; i += 1) expect(received.add()).toBe(true);
    received.settle(2);
    expect(received.resume()).toBe(2);
    expect([received.add(), received.add()]).toEqual([false, false]);
    // Lost once more, with one settled meanwhile.
    received.settle(3);
    expect(received.resume()).toBe(3);
    expect([received.add(), received.add(), received.add()]).toEqual([false, false, true]);
    expect(received.count).toBe(6);
  });
});
