import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatTable } from "../../../client/cli/table.js";

describe("a table", () => {
  it("puts numbers to the right and cuts what is too wide", () => {
    const table = formatTable(
      ["NAME", "N", "WHAT"],
      [
        ["w1", 5, "x".repeat(100)],
        ["longer", 123, ""],
      ],
    );
    expect(table.split("\n")).toEqual([
      "NAME      N  WHAT",
      `w1        5  ${"x".repeat(66)}…`,
      "longer  123",
      "",
    ]);
  });

  it("is never wider than 80 columns", () => {
    const text = fc.string({ unit: "grapheme-ascii", maxLength: 120 });
    const row = fc.tuple(text, fc.nat(), text, text);
    fc.assert(
      fc.property(fc.array(row), (rows) => {
        for (const line of formatTable(["A", "B", "C", "D"], rows).split("\n"))
          expect(line.length).toBeLessThanOrEqual(80);
      }),
    );
  });
});
