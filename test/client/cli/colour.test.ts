import { describe, expect, it } from "vitest";
import { painter } from "../../../client/cli/colour.js";

describe("colours", () => {
  it.each([
    [{ isTTY: true }, {}, "\u001b[31mx\u001b[0m"],
    [{ isTTY: true }, { NO_COLOR: "" }, "\u001b[31mx\u001b[0m"],
    [{ isTTY: true }, { NO_COLOR: "1" }, "x"],
    [{ isTTY: true }, { TERM: "dumb" }, "x"],
    [{ isTTY: false }, {}, "x"],
    [{}, {}, "x"],
  ])("%j %j", (screen, env, text) => {
    expect(painter(screen, env)("red", "x")).toBe(text);
  });
});
