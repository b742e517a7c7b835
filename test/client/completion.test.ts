import { describe, expect, it } from "vitest";
import { Completion } from "../../client/completion.js";

describe("a completion", () => {
  it("tells all who watch, in order, each with what it gave", () => {
    const completion = new Completion();
    const told: unknown[] = [];
    completion.watch((target) => told.push(target), "first");
    completion.whenEnded(() => told.push("second"));
    completion.watch((target) => told.push(target), "third");
    completion.fulfil(1);
    completion.reject(new Error("too late"));
    expect(told).toEqual(["first", "second", "third"]);
    completion.watch((target) => told.push(target), "at once");
    expect(told.at(-1)).toBe("at once");
    expect(completion.state).toMatchObject({ type: "fulfilled", value: 1 });
  });

  it.each([
    ["a value", (completion: Completion) => completion.fulfil(1)],
    ["an error", (completion: Completion) => completion.reject(new Error("no"))],
  ])("is observed once somebody has watched it, before or after it ended with %s", (_name, end) => {
    const [before, after, never] = [new Completion(), new Completion(), new Completion()];
    before.watch(() => {});
    never.whenEnded(() => {});
    expect([before, after, never].map(({ observed }) => observed)).toEqual([true, false, false]);
    for (const completion of [before, after, never]) end(completion);
    after.watch(() => {});
    expect([before, after, never].map(({ observed }) => observed)).toEqual([true, true, false]);
    expect(new Completion().observed).toBe(false);
  });
});
