import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BatchTable } from "../../../head/core/batch-table.js";
import type { Task } from "../../../head/core/task.js";
import type { TaskClass } from "../../../head/core/task-class.js";
import { type Batch, TaskQueue } from "../../../head/core/task-queue.js";
import { TaskTable } from "../../../head/core/task-table.js";

/** A queue with its session's tables, as the core uses them. */
class World {
  readonly queue = new TaskQueue();
  readonly batches = new BatchTable();
  readonly tasks = new TaskTable();
  readonly #class = { session: { tasks: this.tasks } } as unknown as TaskClass;

  submit(first: number, count: number): Batch {
    const end = first + count;
    const batch = {
      class: this.#class,
      first,
      end,
      next: first,
      source: this,
      base: first,
      dropped: undefined,
    };
    this.batches.add(batch);
    this.queue.push(batch);
    return batch;
  }
}

const action = fc.oneof(
  fc.record({ type: fc.constant("submit" as const), count: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ type: fc.constant("take" as const) }),
  fc.record({ type: fc.constant("putBack" as const), pick: fc.nat() }),
  fc.record({ type: fc.constant("end" as const), pick: fc.nat() }),
  fc.record({ type: fc.constant("clear" as const) }),
);

describe("a queue", () => {
  it("gives what a plain list of numbers gives, whatever is taken, put back and ended", () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const world = new World();
        const { queue, batches } = world;
        let waiting: number[] = [];
        const putBack = new Set<number>();
        let taken: Task[] = [];
        let next = 1;
        for (const each of actions) {
          if (each.type === "submit") {
            world.submit(next, each.count);
            for (let i = 0; i < each.count; i += 1) waiting.push(next++);
          } else if (each.type === "take") {
            const task = queue.take();
            expect(task?.number).toBe(waiting.shift());
            if (task !== undefined) {
              expect(world.tasks.get(task.number)).toBe(task);
              putBack.delete(task.number);
              taken.push(task);
            }
          } else if (each.type === "putBack") {
            const task = taken.splice(each.pick % Math.max(taken.length, 1), 1)[0];
            if (task === undefined) continue;
            queue.putBack(task);
            putBack.add(task.number);
            const front = [...putBack].sort((a, b) => a - b);
            waiting = [...front, ...waiting.filter((number) => !putBack.has(number))];
          } else if (each.type === "end") {
            const number = waiting[each.pick % Math.max(waiting.length, 1)];
            if (number === undefined) continue;
            const batch = batches.of(number);
            expect(batch === undefined).toBe(putBack.has(number));
            if (batch === undefined) queue.remove(world.tasks.get(number)!);
            else queue.drop(batch, number);
            putBack.delete(number);
            waiting = waiting.filter((other) => other !== number);
          } else {
            expect(
              queue
                .clear()
                .map(({ number }) => number)
                .sort((a, b) => a - b),
            ).toEqual([...putBack].sort((a, b) => a - b));
            waiting = [];
            putBack.clear();
          }
          expect([...queue]).toEqual(waiting);
          expect(queue.size).toBe(waiting.length);
          expect(queue.next).toBe(waiting[0]);
          for (const [at, number] of waiting.entries()) {
            const isPutBack = putBack.has(number);
            expect(queue.isPutBack(number)).toBe(isPutBack);
            expect(queue.before(number, isPutBack)).toBe(at);
            expect(batches.of(number) === undefined).toBe(isPutBack);
          }
          expect(batches.of(next)).toBeUndefined();
          taken = taken.filter(({ number }) => !waiting.includes(number));
        }
      }),
      { numRuns: 500 },
    );
  });

  it("lets go of the arguments when nothing of a submission waits any more", () => {
    const world = new World();
    const batch = world.submit(1, 2);
    world.queue.take();
    expect(batch.source).toBe(world);
    world.queue.drop(batch, 2);
    expect(batch.source).toBeUndefined();
  });
});

describe("the table of submissions", () => {
  it("finds numbers whatever the order in which they came, and forgets what is over", () => {
    const world = new World();
    const batches = Array.from({ length: 300 }, (_, i) => world.submit(((i * 7) % 300) * 10, 10));
    for (const batch of batches) expect(world.batches.of(batch.first + 3)).toBe(batch);
    expect(world.batches.end).toBe(3_000);
    world.queue.clear();
    for (const batch of batches) expect(world.batches.of(batch.first)).toBeUndefined();
  });
});
