/** A million queued tasks: what it takes to have them again. */

import { describe, expect, it } from "vitest";
import { cores } from "../../../proto/resource/resource.js";
import { specDefined } from "../../kit/core.js";
import { JournalledCore } from "./kit.js";

const TASKS = 1_000_000;
const MESSAGE = 4_096;

/** One session with one function. */
function begun(): JournalledCore {
  const live = new JournalledCore();
  live.step({ type: "sessionOpened", session: 1, name: "", prioritized: false, priority: 0 }, 0);
  live.step(specDefined(1, 1, cores(1)), 0);
  return live;
}

function submit(live: JournalledCore, first: number, count: number): void {
  live.step({ type: "submitted", session: 1, spec: 1, first, count, source: `from ${first}` }, 0);
}

describe("a million tasks", () => {
  it("are a few hundred records, and as many events", () => {
    const live = begun();
    for (let first = 1; first <= TASKS; first += MESSAGE)
      submit(live, first, Math.min(MESSAGE, TASKS - first + 1));
    live.commit();
    const messages = Math.ceil(TASKS / MESSAGE);
    expect(live.disk.size).toBe(messages + 3);
    const after = new JournalledCore(live.disk);
    expect(after.core.view.session(1)).toMatchObject({ queued: TASKS });
    expect(after.recovery.events).toHaveLength(messages + 3);
  });
});

describe("tasks that are submitted one a message", () => {
  it.each([
    ["are few records when many are written at a time", 500, 20_000, 40],
    ["are one record for many when each is written by itself", 1, 2_000, 32],
  ])("%s", (_, atATime, tasks, mostRecords) => {
    const live = begun();
    for (let first = 1; first <= tasks; first += 1) {
      submit(live, first, 1);
      if (first % atATime === 0) live.commit();
    }
    const submissions = [...live.disk.keys()].filter((key) => key.startsWith("submit/"));
    expect(submissions.length).toBeLessThanOrEqual(mostRecords);
    expect(new JournalledCore(live.disk).snapshot()).toEqual(live.snapshot());
  });
});
