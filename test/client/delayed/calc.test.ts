import { describe, expect, it } from "vitest";
import { calc } from "../../../client/delayed/calc.js";
import { delayed } from "../../../client/delayed/function.js";
import { delayedVal } from "../../../client/delayed/value.js";
import { inScope } from "../../kit/scope.js";

/** The template of a text in which each `@` is an interpolated value. */
function template(text: string): TemplateStringsArray {
  const parts = text.split("@");
  return Object.assign(parts, { raw: parts }) as unknown as TemplateStringsArray;
}
interface Case {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly expected: unknown;
}
const run = (text: string, ...values: unknown[]) => calc<unknown>(template(text), ...values);

describe("calc", () => {
  it("evaluates the example of the documentation", async () => {
    const [a, b, n] = [delayedVal(4), delayedVal([1, 2, 3]), 5];
    expect(await calc`(${a} + 2 * ${b}.length) / ${n}`).toBe(2);
  });

  it.each<Case>([
    { text: "@ + @ * @", values: [1, 2, 3], expected: 7 },
    { text: "(@ + @) * @", values: [1, 2, 3], expected: 9 },
    { text: "(@)", values: [1], expected: 1 },
    { text: "-@ ** 2 /* no */", values: [3], expected: undefined },
    { text: "(-@) ** 2", values: [3], expected: 9 },
    { text: "@ % 4", values: [-7], expected: -3 },
    { text: "@ / @ - 1", values: [6, 3], expected: 1 },
    { text: "~@ & 0xff | 1 ^ 3", values: [0], expected: 0xff },
    { text: "1 << 4 >> 1 >>> 1", values: [], expected: 4 },
    { text: "@ == '1' && @ === 1", values: [1, 1], expected: true },
    { text: "@ != @ || @ !== @", values: [1, 1, 1, 1], expected: false },
    { text: "@ < 2 ? 'a' : \"b\"", values: [1], expected: "a" },
    { text: "@ <= 2 === @ >= 2", values: [2, 2], expected: true },
    { text: "!@ > false", values: [0], expected: true },
    { text: "+@", values: ["5"], expected: 5 },
    { text: "@ ?? 3", values: [null], expected: 3 },
    { text: "@ ?? @.x.y", values: [0, null], expected: 0 },
    { text: "@ && @.x.y", values: [0, null], expected: 0 },
    { text: "@ || @.x.y", values: [1, null], expected: 1 },
    { text: "@ ? 1 : @.x.y", values: [true, null], expected: 1 },
    { text: "@.a.b[1]", values: [{ a: { b: [5, 6] } }], expected: 6 },
    { text: "@[@]", values: [{ k: 4 }, "k"], expected: 4 },
    { text: "@['length'] * 2n ** 3n", values: [{ length: 2n }], expected: 16n },
    { text: "@ === undefined", values: [undefined], expected: true },
    { text: "NaN === NaN", values: [], expected: false },
    { text: "Infinity > 1 && true && null === null", values: [], expected: true },
    { text: "\n  @ +\n  1 // one\n", values: [1], expected: 2 },
  ])("$text", async ({ text, values, expected }) => {
    if (expected === undefined) {
      expect(() => run(text, ...values)).toThrow(SyntaxError);
      return;
    }
    expect(await run(text, ...values)).toBe(expected);
    expect(await run(text, ...values.map((value) => delayedVal(value)))).toBe(expected);
  });

  it.each<[string, RegExp]>([
    ["", /unexpected token/],
    ["@ +", /unexpected token/],
    ["@ @", /left over/],
    ["1)", /left over/],
    ["1; 2", /left over/],
    ["@x", /operator is missing/],
    ["x + @", /x is not known here; interpolate it, as \$\{x\}/],
    ["_$0_ + 1", /reserved/],
    ["'a@'", /inside a string/],
    ["@.a@", /cannot be interpolated after a dot/],
    ["@.f(1)", /a call is not allowed/],
    ["new @", /a call is not allowed/],
    ["@ = 1", /assigning to|an assignment is not allowed/i],
    ["@.x = 1", /an assignment is not allowed/],
    ["@.x++", /an assignment is not allowed/],
    ["@?.x", /\?\. is not allowed/],
    ["() => 1", /a function is not allowed/],
    ["function () {}", /a function is not allowed/],
    ["class {}", /a function is not allowed/],
    ["this", /this is not allowed/],
    ["`x`", /a template is not allowed/],
    ["1, 2", /a comma is not allowed|left over/],
    ["(1, 2)", /a comma is not allowed/],
    ["[1]", /array is not allowed/],
    ["({})", /object is not allowed/],
    ["/x/", /a regular expression is not allowed/],
    ["typeof @", /the operator typeof is not allowed/],
    ["void 0", /the operator void is not allowed/],
    ["delete @.x", /the operator delete is not allowed/],
    ["'a' in @", /the operator in is not allowed/],
    ["@ instanceof @", /the operator instanceof is not allowed/],
    ["import('x')", /not allowed|unexpected/i],
    ["await @", /await is not known|unexpected|left over/i],
    ["@.constructor", /constructor is not allowed/],
    ["@.__proto__", /__proto__ is not allowed/],
    ["@.prototype", /prototype is not allowed/],
  ])("refuses %j at the call", (text, message) => {
    expect(() => run(text, 1, 2)).toThrow(SyntaxError);
    expect(() => run(text, 1, 2)).toThrow(message);
  });

  it("shows where in the expression", () => {
    expect(() => run("@ +\n  @ * foo", 1, 2)).toThrow(
      "calc: foo is not known here; interpolate it, as ${foo}\n    ${1} * foo\n           ^",
    );
  });

  it.each([
    ["constructor"],
    ["__proto__"],
    ["prototype"],
    [["constructor"]],
    [{ toString: (): string => "__proto__" }],
    [Symbol.iterator],
  ])("refuses the computed member %s at evaluation", async (key) => {
    await expect(Promise.resolve(run("@[@]", () => 1, key))).rejects.toThrow(TypeError);
    await expect(Promise.resolve(run("@['con' + 'structor']", () => 1))).rejects.toThrow(
      /constructor is not allowed/,
    );
  });

  it("parses once per call site", async () => {
    const strings: TemplateStringsArray[] = [];
    const site = (n: number) => {
      const tag = (texts: TemplateStringsArray, ...values: number[]) => {
        strings.push(texts);
        return calc(texts, ...values);
      };
      return tag`${n} + 1`;
    };
    expect([await site(1), await site(2)]).toEqual([2, 3]);
    expect(strings[0]).toBe(strings[1]);
  });

  it("is one lazy node: errors come with the await", async () => {
    await inScope(async () => {
      const failing = delayed(
        async (): Promise<number> => {
          throw new Error("source");
        },
        { name: "failing" },
      );
      await expect(Promise.resolve(calc`${failing()} + 1`)).rejects.toThrow("source");
      await expect(Promise.resolve(calc`${undefined}.x`)).rejects.toThrow(/cannot read "x" of undefined/);
      await expect(Promise.resolve(calc`${1} + ${1n}`)).rejects.toThrow(TypeError);
    });
  });

  it("says how it is written when called with parentheses", () => {
    expect(() => calc("1 + 1" as never)).toThrow(/without parentheses/);
  });
});
