import { describe, expect, it } from "vitest";
import { logLine } from "../../proto/log-line.js";

describe("a line of the log", () => {
  it.each([
    [{ level: 30, msg: 'worker "w1" joined' }, '1970-01-01T00:00:01.234Z INFO worker "w1" joined\n'],
    [{ level: 40, msg: "late" }, "1970-01-01T00:00:01.234Z WARN late\n"],
    [{ level: 50, msg: "Error: x\n    at y\n" }, "1970-01-01T00:00:01.234Z ERROR Error: x\n      at y\n"],
    [{ level: 20, msg: "" }, "1970-01-01T00:00:01.234Z DEBUG \n"],
  ])("%j", (record, line) => {
    expect(logLine(JSON.stringify({ time: 1234, ...record }))).toBe(line);
  });
});
