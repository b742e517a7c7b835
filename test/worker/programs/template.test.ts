import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ProgramArgument } from "../../../proto/task.js";
import { quote } from "../../../worker/programs/script.js";
import { showCommand, words } from "../../../worker/programs/template.js";

describe("the words of a template", () => {
  it.each<[string, string[], string[]]>([
    ["blanks separate", words`xtb  --opt\t-v\n x `, ["xtb", "--opt", "-v", "x"]],
    ["a value is one word", words`echo ${"a b"} ${"$HOME;`x`"}`, ["echo", "a b", "$HOME;`x`"]],
    [
      "a value joins the text beside it",
      words`xtb h2.${0.7}.xyz --n=${3}${4}`,
      ["xtb", "h2.0.7.xyz", "--n=34"],
    ],
    ["an array is a word each", words`run ${["a b", 2]} ${[]} end`, ["run", "a b", "2", "end"]],
    ["an array joins at its ends", words`run --x=${["a", "b"]}.txt`, ["run", "--x=a", "b.txt"]],
    ["an empty value is an empty word", words`echo ${""} ''`, ["echo", "", ""]],
    ["quotes group", words`echo 'a  "b"' "it's" x"y z"w`, ["echo", 'a  "b"', "it's", "xy zw"]],
    ["values inside quotes", words`echo "a ${"b'c"} d"`, ["echo", "a b'c d"]],
    ["quotes in values mean nothing", words`echo ${'"x y'} z`, ["echo", '"x y', "z"]],
    ["a backslash is itself", words`printf a\\nb ${"\\n"}`, ["printf", "a\\nb", "\\n"]],
    ["a program from a value", words`${"/opt/my tool"} x`, ["/opt/my tool", "x"]],
  ])("%s", (_, actual, expected) => {
    expect(actual).toEqual(expected);
  });

  const bad = (value: unknown) => value as ProgramArgument;
  it.each<[string, () => unknown, RegExp]>([
    ["nothing", () => words` `, /names no program/],
    ["an empty program", () => words`${""} x`, /names no program/],
    ["undefined", () => words`echo ${bad(undefined)}`, /Value 1 of .* is undefined/],
    ["a promise", () => words`echo ${1} ${bad(Promise.resolve())}`, /Value 2 .* is object.*Await/],
    ["NaN", () => words`echo ${Number.NaN}`, /is NaN/],
    ["null in an array", () => words`echo ${bad([null])}`, /is null/],
    ["a NUL", () => words`echo ${"a\0b"}`, /NUL/],
    ["an open quote", () => words`echo "a`, /not closed/],
    ["an array inside quotes", () => words`echo "${["a"]}"`, /inside quotes/],
  ])("refuses %s", (_, act, message) => {
    expect(act).toThrow(TypeError);
    expect(act).toThrow(message);
  });

  it("shows a command so that it can be copied into a shell", () => {
    expect(showCommand(["xtb", "a b", "", "it's", "x.y"])).toBe("xtb 'a b' '' 'it'\\''s' x.y");
  });

  it("quotes nothing away", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const inner = quote(text).slice(1, -1).replaceAll("'\\''", "'");
        expect(inner).toBe(text);
      }),
    );
  });
});
