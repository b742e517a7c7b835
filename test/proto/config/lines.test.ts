import { describe, expect, it } from "vitest";
import { Lines } from "../../../proto/config/lines.js";

const TEXT = `a = 1
"b c".d = 2 # e = 3
[t] # [u]
list = [
  "x = [",
  { k = 1 },
]
text = """
u = 5 ""\\"
[v]
""""
last = '''
w = 6'''
empty = ""
plain = 'it is \\'
[t.'q r']
x = { y = { z = 1 } }
[[rows]]
n = 1
[[rows]]
m = 1
`;

describe("lines of keys", () => {
  it.each([
    [["a"], 1],
    [["b c", "d"], 2],
    [["e"], 1],
    [["t"], 3],
    [["t", "list"], 4],
    [["t", "k"], 3],
    [["t", "text"], 8],
    [["t", "u"], 3],
    [["v"], 1],
    [["t", "last"], 12],
    [["t", "w"], 3],
    [["t", "empty"], 14],
    [["t", "plain"], 15],
    [["t", "q r"], 16],
    [["t", "q r", "x", "y", "z"], 17],
    [["rows"], 18],
    [["rows", "m"], 21],
  ])("%j is on line %d", (path, line) => {
    expect(new Lines(TEXT).of(path)).toBe(line);
  });

  it("knows lines that end as elsewhere", () => {
    expect(new Lines('a = """\r\nb = 1\r\n"""\r\nc = 2\r\n').of(["c"])).toBe(4);
  });
});
