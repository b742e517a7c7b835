import { setImmediate as endOfTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Turn } from "../../proto/turn.js";

/** Counts runs, and what each found. */
function gathering(): {
  turn: Turn;
  come(item: string): void;
  comeLate(item: string): void;
  runs: string[][];
} {
  let waiting: string[] = [];
  const runs: string[][] = [];
  const turn = new Turn(() => {
    runs.push(waiting);
    waiting = [];
  });
  const put = (item: string, schedule: () => void) => {
    waiting.push(item);
    schedule();
  };
  return {
    turn,
    come: (item) => put(item, () => turn.schedule()),
    comeLate: (item) => put(item, () => turn.scheduleLate()),
    runs,
  };
}

const microtasks = () => Promise.resolve().then(() => {});

describe("a turn", () => {
  it("deals with the first thing at once, together with what comes up at the same moment", async () => {
    const { come, runs } = gathering();
    come("a");
    come("b");
    expect(runs).toEqual([]);
    await microtasks();
    expect(runs).toEqual([["a", "b"]]);
    await endOfTurn();
    expect(runs).toHaveLength(1);
  });

  it("gathers what comes up later in the same turn", async () => {
    const { come, runs } = gathering();
    come("a");
    await microtasks();
    come("b");
    await microtasks();
    come("c");
    await microtasks();
    expect(runs).toEqual([["a"]]);
    await endOfTurn();
    expect(runs).toEqual([["a"], ["b", "c"]]);
  });

  it("gathers everything for some turns after a busy one, then is prompt again", async () => {
    const { come, runs } = gathering();
    come("a");
    await microtasks();
    come("b");
    await endOfTurn();
    let late = 0;
    for (;;) {
      const before = runs.length;
      come("next");
      await microtasks();
      const prompt = runs.length > before;
      await endOfTurn();
      expect(runs.length).toBe(before + 1);
      if (prompt) break;
      late += 1;
      expect(late).toBeLessThan(100);
    }
    expect(late).toBeGreaterThan(1);
  });

  it("lets what can wait go along with what cannot", async () => {
    const { come, comeLate, runs } = gathering();
    comeLate("a");
    await microtasks();
    expect(runs).toEqual([]);
    come("b");
    await microtasks();
    expect(runs).toEqual([["a", "b"]]);
    comeLate("c");
    await endOfTurn();
    expect(runs).toEqual([["a", "b"], ["c"]]);
  });

  it("deals with what is left in the next turn, not in this one", async () => {
    const runs: string[] = [];
    let left = 2;
    const turn: Turn = new Turn(() => {
      runs.push("run");
      left -= 1;
      if (left > 0) turn.scheduleNext();
    });
    turn.schedule();
    // Where this turn ends, and where the next one does.
    setImmediate(() => {
      runs.push("end");
      setImmediate(() => runs.push("next end"));
    });
    while (runs.length < 4) await endOfTurn();
    expect(runs).toEqual(["run", "end", "run", "next end"]);
  });
});
