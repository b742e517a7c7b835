/** After a crash at any point everything that matters is as it was when the disk was last written. */

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { check } from "../../../head/core/check.js";
import { Random } from "../../sim/random.js";
import { lastingScenario, play } from "../../sim/scenario.js";
import { JournalledCore } from "./kit.js";

describe("recovery", () => {
  it("gives back queues, order, priorities, attempts, placements, groups and unacknowledged results", () => {
    fc.assert(
      fc.property(lastingScenario, fc.nat(), (given, seed) => {
        const { events } = play(given).driver;
        const random = new Random(seed);
        const live = new JournalledCore();
        const every = Math.max(1, Math.floor(events.length / 12));
        for (const [i, { event, atMs }] of events.entries()) {
          live.step(event, atMs);
          for (const [session, tasks] of live.unacknowledged) {
            if (tasks.size > 0 && random.next() < 0.3)
              live.acknowledge(
                session,
                [...tasks.keys()].filter(() => random.next() < 0.7),
              );
          }
          if (random.next() < 0.2) live.commit(random.next() < 0.3);
          if (i % every !== 0) continue;
          live.commit();
          const before = live.snapshot();
          const after = new JournalledCore(live.disk);
          expect(after.recovery.damages).toEqual([]);
          check(after.core.view.internals, false);
          expect(after.snapshot()).toEqual(before);
          // And once more, of what the recovered one has written.
          after.commit();
          expect(new JournalledCore(after.disk).snapshot()).toEqual(before);
        }
      }),
      { numRuns: 3000 },
    );
  }, 3_000_000);

  it("leaves nothing on the disk of sessions and workers that are gone", () => {
    fc.assert(
      fc.property(lastingScenario, (given) => {
        const { events } = play(given).driver;
        const live = new JournalledCore();
        for (const [i, { event, atMs }] of events.entries()) {
          live.step(event, atMs);
          if (i % 3 === 0) live.commit();
        }
        const { sessions, workers } = live.core.view.internals;
        for (const session of sessions.keys()) live.step({ type: "sessionClosed", session }, live.nowMs);
        for (const worker of workers.keys())
          live.step({ type: "workerLost", worker, planned: false }, live.nowMs);
        live.commit();
        const kinds = [...live.disk.keys()].map((key) => key.split("/")[0]);
        expect(kinds.filter((kind) => kind !== "group")).toEqual(["head"]);
      }),
      { numRuns: 30 },
    );
  }, 3_000_000);
});
