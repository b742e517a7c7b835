import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Task } from "../../../worker/agent/core/task.js";
import { TaskTable } from "../../../worker/agent/core/task-table.js";

function taskOf(session: number, task: number): Task {
  return { session, task } as Task;
}

describe("the table of an agent's tasks", () => {
  it("holds what a map would, whatever comes and goes", () => {
    const change = fc.record({
      session: fc.integer({ min: 1, max: 4 }),
      task: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.constantFrom(1_023, 1_024, 0xffff_ffff)),
      isAdded: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const table = new TaskTable();
        const model = new Map<string, Task>();
        for (const { session, task, isAdded } of changes) {
          const one = taskOf(session, task);
          const key = `${session}.${task}`;
          if (isAdded) {
            table.add(one);
            model.set(key, one);
          } else {
            table.delete(one);
            model.delete(key);
          }
          expect(table.get(session, task)).toBe(model.get(key));
          expect(table.has(session, task)).toBe(model.has(key));
          expect(table.size).toBe(model.size);
        }
        expect(new Set(table.values())).toEqual(new Set(model.values()));
      }),
    );
  });
});
