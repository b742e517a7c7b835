import fc from "fast-check";
import { expect, it } from "vitest";
import { NumberedTable } from "../../proto/numbered-table.js";

it("is a map", () => {
  const number = fc.oneof(fc.nat(40), fc.integer({ min: 1_020, max: 1_030 }), fc.nat(2 ** 32 - 1));
  const step = fc.record({ what: fc.constantFrom("set", "delete", "get"), number });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const table = new NumberedTable<{ number: number }>();
      const model = new Map<number, { number: number }>();
      for (const { what, number: n } of steps) {
        const task = { number: n };
        if (what === "set") {
          table.set(n, task);
          model.set(n, task);
        } else if (what === "delete") {
          table.delete(n);
          model.delete(n);
        }
        expect(table.get(n)).toBe(model.get(n));
        expect(table.has(n)).toBe(model.has(n));
        expect(table.size).toBe(model.size);
      }
      expect(new Set(table.keys())).toEqual(new Set(model.keys()));
      expect(new Set(table.values())).toEqual(new Set(model.values()));
    }),
  );
});
