import fc from "fast-check";
import { expect, it } from "vitest";
import { Freed } from "../../../head/core/freed.js";
import type { Worker } from "../../../head/core/worker.js";

const WORKERS = Array.from({ length: 4 }, (_, number) => ({ number }) as Worker);

it("names each worker once that was freed since a moment, and none that is gone", () => {
  const action = fc.tuple(fc.constantFrom("add", "add", "add", "delete", "clear"), fc.nat({ max: 3 }));
  fc.assert(
    fc.property(fc.array(action, { maxLength: 40 }), fc.nat({ max: 40 }), (actions, at) => {
      const freed = new Freed();
      let mark = freed.now;
      const since = new Set<Worker>();
      const all = new Set<Worker>();
      actions.forEach(([type, pick], index) => {
        if (index === at) {
          mark = freed.now;
          since.clear();
        }
        const worker = WORKERS[pick]!;
        if (type === "add") {
          freed.add(worker);
          all.add(worker);
          since.add(worker);
        } else if (type === "delete") {
          freed.delete(worker);
          all.delete(worker);
          since.delete(worker);
        } else {
          freed.clear();
          all.clear();
          since.clear();
        }
      });
      const found = freed.since(mark);
      expect(new Set(found)).toEqual(since);
      expect(found).toHaveLength(since.size);
      expect(new Set(freed)).toEqual(all);
      expect(freed.size).toBe(all.size);
    }),
    { numRuns: 500 },
  );
});

it("stays as small as its workers, however often they are freed", () => {
  const freed = new Freed();
  const before = freed.now;
  for (let i = 0; i < 100_000; i += 1) freed.add(WORKERS[i % 4]!);
  expect(freed.since(before)).toHaveLength(4);
  expect(freed.since(freed.now - 1)).toEqual([WORKERS[3]]);
});
