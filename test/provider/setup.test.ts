import { describe, expect, it } from "vitest";
import { type Step, stepsOf } from "../../provider/setup.js";

const run = (...lines: string[]): Step => ({ type: "run", lines });
const defer = (line: string): Step => ({ type: "defer", line });

describe("the lines of setup_cleanup", () => {
  it.each<[string, string[], Step[]]>([
    ["one by one", ["module load a", "cd /scratch"], [run("module load a"), run("cd /scratch")]],
    ["without comments and blank lines", ["", "# why", "  "], []],
    [
      "for the end",
      ["mkdir x", "defer rm -r x", "defer  echo y"],
      [run("mkdir x"), defer("rm -r x"), defer("echo y")],
    ],
    [
      "of a condition",
      ["if [ -d x ]; then", "  cd x", "else", "  exit 1", "fi", "pwd"],
      [run("if [ -d x ]; then", "  cd x", "else", "  exit 1", "fi"), run("pwd")],
    ],
    [
      "of a condition on one line",
      ["if true; then echo a; fi", "pwd"],
      [run("if true; then echo a; fi"), run("pwd")],
    ],
    [
      "of loops",
      ["for i in 1 2; do", "while false; do :", "done; done", "pwd"],
      [run("for i in 1 2; do", "while false; do :", "done; done"), run("pwd")],
    ],
    [
      "of a function",
      ["f() {", "  defer_is_a_word", "}", "f"],
      [run("f() {", "  defer_is_a_word", "}"), run("f")],
    ],
    [
      "of a here-document",
      ["cat > x <<'EOF'", "if", "  EOF", "EOF2", "EOF", "pwd"],
      [run("cat > x <<'EOF'", "if", "  EOF"), run("EOF2"), run("EOF"), run("pwd")],
    ],
    ["that go on", ["a \\", "  b", "c &&", "d"], [run("a \\", "  b"), run("c &&", "d")]],
    [
      "of words that only look like it",
      ["echo if for fi done", "notify"],
      [run("echo if for fi done"), run("notify")],
    ],
    [
      "of a case",
      ["case $x in", "a) echo;;", "esac", "pwd"],
      [run("case $x in", "a) echo;;", "esac"), run("pwd")],
    ],
    ["that never end, together", ["if true; then", "defer x"], [run("if true; then", "defer x")]],
  ])("%s", (_, lines, steps) => {
    expect(stepsOf(lines)).toEqual(steps);
  });
});
