/** What commands say of themselves. */

import { describe, expect, it } from "vitest";
import { grain } from "./command.js";

describe("the help of", () => {
  it.each([
    "run",
    "ls",
    "jobs",
    "job",
    "cancel",
    "explain",
    "scale",
    "completion",
    "health",
    "simulate",
    "cache ls",
    "cache rm",
    "access new",
    "access ls",
    "access revoke",
    "access rotate",
  ])("grain %s", async (command) => {
    const { code, stdout, stderr } = await grain("", ...command.split(" "), "--help");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatchSnapshot();
    expect(stdout).toMatch(/\nExamples:\n/);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });
});
