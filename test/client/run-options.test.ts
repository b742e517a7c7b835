import { describe, expect, it } from "vitest";
import { checkOptions, RUN_OPTIONS, SUBRUN_OPTIONS } from "../../client/run-options.js";

describe("the options of run", () => {
  it("passes what is right", () => {
    const options = {
      local: { cores: 1 },
      address: "a:1",
      configFile: false,
      name: "x",
      prioritized: true,
      priority: -3,
      signal: new AbortController().signal,
      progress: false,
      logs: undefined,
    };
    expect(checkOptions(options, "run", RUN_OPTIONS)).toBe(options);
    expect(checkOptions(undefined, "run", RUN_OPTIONS)).toEqual({});
  });

  it.each([
    [{ adress: "a:1" }, /^run: there is no option adress\. Did you mean address\? Allowed: local, address, /],
    [{ prioritised: true }, /Did you mean prioritized\?/],
    [{ xyzzy: 1 }, /there is no option xyzzy\. Allowed/],
    [{ local: 4 }, /local must be a resource.*not 4/],
    [{ address: 7700 }, /address must be a non-empty text, not 7700/],
    [{ configFile: true }, /configFile must be a path or false, not true/],
    [{ priority: 1.5 }, /priority must be a whole number/],
    [{ signal: new AbortController() }, /signal must be an AbortSignal, not a object/],
    [{ progress: "yes" }, /progress must be true or false, not "yes"/],
    [null, /must be an object, not null/],
    [3, /must be an object, not number/],
  ])("refuses %j", (options, message) => {
    expect(() => checkOptions(options, "run", RUN_OPTIONS)).toThrow(message);
    expect(() => checkOptions(options, "run", RUN_OPTIONS)).toThrow(TypeError);
  });

  it("refuses inside a run what names a head", () => {
    expect(() => checkOptions({ local: { cores: 1 } }, "run (inside a run)", SUBRUN_OPTIONS)).toThrow(
      "run (inside a run): the option local belongs to the session, which exists already; allowed here: signal.",
    );
  });
});
