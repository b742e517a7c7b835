import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { op } from "../../../client/delayed/operators.js";
import { delayedVal } from "../../../client/delayed/value.js";

type Operands = readonly [unknown] | readonly [unknown, unknown];
const table: [keyof typeof op, Operands, unknown][] = [
  ["add", [1, 2], 3],
  ["add", [1n, 2n], 3n],
  ["add", ["a", "b"], "ab"],
  ["sub", [1, 2], -1],
  ["mul", [3n, 2n], 6n],
  ["div", [7, 2], 3.5],
  ["div", [-7n, 2n], -3n],
  ["floorDiv", [7, 2], 3],
  ["floorDiv", [-7, 2], -4],
  ["floorDiv", [-7n, 2n], -4n],
  ["floorDiv", [1, 0], Number.POSITIVE_INFINITY],
  ["floorDiv", [1, 0.1], 9],
  ["floorDiv", [-5, Number.POSITIVE_INFINITY], -1],
  ["mod", [-7, 2], 1],
  ["mod", [7, -2], -1],
  ["mod", [-7n, 2n], 1n],
  ["mod", [6, 3], 0],
  ["pow", [2, 10], 1024],
  ["pow", [2n, 100n], 2n ** 100n],
  ["neg", [3], -3],
  ["neg", [3n], -3n],
  ["abs", [-3], 3],
  ["abs", [-3n], 3n],
  ["invert", [5], -6],
  ["invert", [5n], -6n],
  ["invert", [true], false],
  ["and", [6, 3], 2],
  ["and", [true, false], false],
  ["or", [6, 3], 7],
  ["or", [6n, 3n], 7n],
  ["xor", [6, 3], 5],
  ["xor", [true, true], false],
  ["shl", [1, 4], 16],
  ["shl", [1n, 70n], 1n << 70n],
  ["shr", [-8, 1], -4],
  ["shr", [-8n, 1n], -4n],
  ["eq", [1, 1], true],
  ["eq", [Number.NaN, Number.NaN], false],
  ["eq", [1, "1"], false],
  ["ne", [1, "1"], true],
  ["lt", [1, 2], true],
  ["lt", ["a", "b"], true],
  ["le", [2n, 2n], true],
  ["gt", [1, 2], false],
  ["ge", ["b", "a"], true],
  ["getItem", [[5, 6], 1], 6],
  ["getItem", [new Map([["k", 1]]), "k"], 1],
  ["getItem", [{ a: 1 }, "a"], 1],
  ["getItem", ["xyz", 1], "y"],
  ["getItem", [new Float32Array([1, 2]), 1], 2],
];

describe("op", () => {
  it.each(table.map((row) => ({ title: `${row[0]} of ${inspect(row[1])}`, row })))(
    "$title",
    async ({ row }) => {
      const [name, operands, expected] = row;
      const apply = op[name] as unknown as (...operands: unknown[]) => PromiseLike<unknown>;
      expect(await apply(...operands)).toBe(expected);
      expect(await apply(...operands.map((operand) => delayedVal(operand)))).toBe(expected);
    },
  );

  const mismatches: [keyof typeof op, Operands, RegExp][] = [
    ["add", [1, 2n], /op\.add.*a number and a bigint/],
    ["add", ["1", 2], /op\.add takes two numbers or two bigints or two strings, not a string and a number/],
    ["sub", ["a", "b"], /op\.sub takes.*a string and a string/],
    ["lt", [1n, 2], /op\.lt.*a bigint and a number/],
    ["mul", [[1], 2], /an array and a number/],
    ["and", [true, 1], /a boolean and a number/],
    ["neg", ["a"], /op\.neg takes a number or bigint, not a string/],
    ["getItem", [null, "a"], /op\.getItem: cannot read "a" of null/],
  ];
  it.each(mismatches.map((row) => ({ title: `${row[0]} of ${inspect(row[1])}`, row })))(
    "$title is a TypeError at evaluation that names the types",
    async ({ row }) => {
      const [name, operands, message] = row;
      const result = (op[name] as unknown as (...operands: unknown[]) => PromiseLike<unknown>)(...operands);
      const error = await Promise.resolve(result).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toMatch(message);
    },
  );

  it("passes other errors of the operation on", async () => {
    await expect(Promise.resolve(op.div(1n, 0n))).rejects.toThrow(RangeError);
    await expect(Promise.resolve(op.pow(2n, -1n))).rejects.toThrow(RangeError);
  });

  it("divides so that a is floorDiv(a, b) * b + mod(a, b), and mod has the sign of b", async () => {
    const whole = fc.integer({ min: -1_000_000, max: 1_000_000 });
    await fc.assert(
      fc.asyncProperty(
        whole,
        whole.filter((b) => b !== 0),
        async (a, b) => {
          const [quotient, rest] = [await op.floorDiv(a, b), await op.mod(a, b)];
          expect(quotient * b + rest).toBe(a);
          expect(quotient === Math.floor(a / b) && Math.abs(rest) < Math.abs(b) && rest * b >= 0).toBe(true);
          const [bigQuotient, bigRest] = [
            await op.floorDiv(BigInt(a), BigInt(b)),
            await op.mod(BigInt(a), BigInt(b)),
          ];
          expect([Number(bigQuotient), Number(bigRest)]).toEqual([quotient, rest].map((n) => n + 0));
        },
      ),
    );
  });

  it("cannot be changed", () => {
    expect(Object.isFrozen(op)).toBe(true);
  });
});
