/** A million queued tasks: what it takes to have them again. */

import { describe, expect, it } from "vitest";
import { cores, toRequest } from "../../../proto/resource/resource.js";
import { JournalledCore } from "./kit.js";

const TASKS = 1_000_000;
const MESSAGE = 4_096;

describe("a million tasks", () => {
  it("are a few hundred records, and as many events", () => {
    const live = new JournalledCore();
    live.step({ type: "sessionOpened", session: 1, name: "", prioritized: false, priority: 0 }, 0);
    live.step(
      {
        type: "specDefined",
        session: 1,
        spec: 1,
        request: toRequest(cores(1)),
        priority: 0,
        retries: { max: 0, backoffMs: 0, on: [] },
        failInfeasible: false,
      },
      0,
    );
    for (let first = 1; first <= TASKS; first += MESSAGE) {
      const count = Math.min(MESSAGE, TASKS - first + 1);
      live.step({ type: "submitted", session: 1, spec: 1, first, count, source: `from ${first}` }, 0);
    }
    live.commit();
    const messages = Math.ceil(TASKS / MESSAGE);
    expect(live.disk.size).toBe(messages + 3);
    const after = new JournalledCore(live.disk);
    expect(after.core.view.session(1)).toMatchObject({ queued: TASKS });
    expect(after.recovery.events).toHaveLength(messages + 3);
  });
});
