import { describe, expect, it } from "vitest";
import { parseTrace, readTrace } from "../../../head/trace/read.js";
import { ConfigError } from "../../../proto/errors.js";

const FIRST = '{"type":"trace","version":1,"head":"1.0.0","startedAt":"2026-01-01T00:00:00.000Z"}';
const SESSION = '{"type":"session","atMs":0,"session":1,"name":"ann","prioritized":false,"priority":0}';
const SPEC = '{"type":"spec","atMs":0,"session":1,"spec":1,"request":"2 cores, 8G memory","priority":0}';

describe("parseTrace", () => {
  it("reads lines from pieces cut anywhere", async () => {
    const text = [FIRST, SESSION, SPEC, ""].join("\n");
    for (const size of [1, 7, 1_000]) {
      const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
        text.slice(i * size, (i + 1) * size),
      );
      const trace = await parseTrace(pieces, "t");
      expect(trace.begun.head).toBe("1.0.0");
      expect(trace.lines.map(({ type }) => type)).toEqual(["session", "spec"]);
      expect(trace.torn).toBe(false);
    }
  });

  it("leaves out a last line that was torn", async () => {
    const trace = await parseTrace([`${FIRST}\n${SESSION}\n{"type":"sp`], "t");
    expect(trace).toMatchObject({ torn: true, lines: [{ type: "session" }] });
  });

  const end = '{"type":"end","atMs":1,"session":1,"spec":1,"worker":1';
  it.each<[string, string[], number | undefined, RegExp]>([
    ["an empty file", [], undefined, /is no trace: it is empty/],
    ["another file", ["hello"], 1, /Line 1 of the trace t is wrong: it is not JSON/],
    ["JSON that is no trace", ["[]"], 1, /not the first line of a trace/],
    ["another version", [FIRST.replace('"version":1', '"version":2')], 1, /version 2 .* version 1/],
    ["a broken line", [FIRST, SESSION, "{"], 3, /Line 3 .* not JSON/],
    ["an unknown line", [FIRST, '{"type":"news"}'], 2, /Line 2 .* type: /],
    ["a missing field", [FIRST, '{"type":"workerLeft","atMs":0,"planned":true}'], 2, /worker: /],
    ["a field of another type", [FIRST, SESSION.replace('"ann"', "7")], 2, /name: /],
    ["an unknown session", [FIRST, SPEC], 2, /session 1 has not been opened/],
    [
      "an unknown spec",
      [FIRST, SESSION, `${end},"tasks":[],"attempts":[],"runUs":[]}`],
      3,
      /spec 1 of session 1/,
    ],
    [
      "an unknown worker",
      [FIRST, SESSION, SPEC, `${end},"tasks":[],"attempts":[],"runUs":[]}`],
      4,
      /worker 1 has not joined/,
    ],
    [
      "columns of different lengths",
      [FIRST, SESSION, SPEC, `${end},"tasks":[1],"attempts":[],"runUs":[]}`],
      4,
      /equally long/,
    ],
    [
      "a request that is none",
      [FIRST, SESSION, SPEC.replace("2 cores", "2 chores of")],
      3,
      /request is not understood/,
    ],
    ["two traces in one", [FIRST, FIRST], 2, /a second trace/],
  ])("refuses %s", async (_, lines, line, message) => {
    const error: unknown = await parseTrace([lines.map((text) => `${text}\n`).join("")], "t").catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).message).toMatch(message);
    expect((error as ConfigError).line).toBe(line);
  });
});

describe("readTrace", () => {
  it("names a file that cannot be read", async () => {
    await expect(readTrace("/nowhere/head.trace")).rejects.toThrow(
      /^The trace \/nowhere\/head.trace cannot be read \(ENOENT/,
    );
  });
});
