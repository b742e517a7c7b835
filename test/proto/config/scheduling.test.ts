import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SchedulingOptions } from "../../../head/core/options.js";
import { schedulingOf } from "../../../proto/config/config.js";
import { loadConfig, readText } from "../../../proto/config/load.js";
import { ConfigError } from "../../../proto/errors.js";

/** As the head reads it. */
async function schedulingIn(text: string, file: string): Promise<Partial<SchedulingOptions>> {
  return schedulingOf((await readText({ text, file }, ["head.scheduling"])).values);
}

describe("[head.scheduling]", () => {
  it.each<[string, Partial<SchedulingOptions>]>([
    ["", {}],
    ['address = 4\n[worker]\nunknown = 1\n[head]\nname = "x"', {}],
    ['[head.scheduling]\nreserve_after = "2m"', { reserveAfterMs: 120_000 }],
    ["[head.scheduling]\nreserve_after = 0", { reserveAfterMs: 0 }],
    ['[head]\nscheduling = { policy = "spread", ageing = 1.5 }', { policy: "spread", ageingMs: 1_500 }],
    [
      '[head.scheduling.weights]\nscan = 2\n"night run" = 0.5',
      {
        weights: new Map([
          ["scan", 2],
          ["night run", 0.5],
        ]),
      },
    ],
  ])("%j", async (text, options) => {
    expect(await schedulingIn(text, "grain.toml")).toEqual(options);
  });

  it.each<[string, number, RegExp]>([
    ["a = = 1", 1, /^g:1:5: ./],
    [
      '# x\n[head.scheduling]\n\npolcy = "fit"',
      4,
      /^g:4: there is no polcy in \[head\.scheduling\]; did you mean policy\?$/,
    ],
    ["[head.scheduling]\nreserveAfter = 3", 2, /did you mean reserve_after\?/],
    ["[head.scheduling]\nfoo = 3", 2, /there are reserve_after, policy, ageing, weights/],
    ["[head.scheduling.weigths]\nfoo = 3", 1, /did you mean weights\?/],
    ["[head]\nscheduling.foo = 3", 2, /there is no foo/],
    ['[head]\nscheduling = { policy = "fi" }', 2, /policy must be "fit" or "spread"/],
    ["[head]\nscheduling = 4", 2, /head\.scheduling must be a table/],
    ["head = 4", 1, /head must be a table/],
    ['[head.scheduling]\nageing = "soon"', 2, /head\.scheduling\.ageing is wrong: "soon" is not a duration/],
    ["[head.scheduling]\nageing = true", 2, /ageing must be a duration/],
    ["[head.scheduling]\nageing = 0", 2, /ageing must be longer than zero/],
    ["[head.scheduling]\nreserve_after = -1", 2, /reserve_after is wrong: -1 is a negative duration/],
    ["[head.scheduling]\nreserve_after = inf", 2, /reserve_after is wrong: Infinity/],
    [
      '[head.scheduling]\n[head.scheduling.weights]\nx = 1\n"y.z" = 0',
      4,
      /weights\.y\.z must be a number above 0/,
    ],
    ['[head.scheduling]\nweights.a = "x"', 2, /weights\.a must be a number above 0/],
    ["[head.scheduling.weights]\na = inf", 2, /weights\.a must be a number above 0/],
    ["[head.scheduling]\nweights = 4", 2, /weights must be a table/],
  ])("%j is refused with its line", async (text, line, message) => {
    const error = await schedulingIn(text, "g").catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ file: "g", line, message: expect.stringMatching(message) });
  });
});

describe("which file", () => {
  let cwd: string;
  let empty: string;

  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), "grain-config-"));
    empty = await mkdtemp(join(tmpdir(), "grain-config-"));
    await writeFile(join(cwd, "grain.toml"), "[head.scheduling]\nageing = 1\n");
    await writeFile(join(cwd, "other.toml"), "[head.scheduling]\nageing = 2\n");
  });

  afterAll(async () => {
    await rm(cwd, { recursive: true });
    await rm(empty, { recursive: true });
  });

  it.each<[string, string | undefined, Record<string, string>, number]>([
    ["grain.toml here", undefined, {}, 1_000],
    ["GRAIN_CONFIG before grain.toml", undefined, { GRAIN_CONFIG: "other.toml" }, 2_000],
    ["an empty variable is none", undefined, { GRAIN_CONFIG: "" }, 1_000],
    ["the flag before all", "other.toml", { GRAIN_CONFIG: "absent.toml" }, 2_000],
  ])("%s", async (_, flag, env, ageingMs) => {
    expect((await loadConfig({ configFile: flag, env, cwd, scope: ["head"] })).head.scheduling).toEqual({
      ageingMs,
    });
  });

  it("need not be there", async () => {
    expect((await loadConfig({ env: {}, cwd: empty, scope: ["head"] })).head.scheduling).toEqual({});
  });

  it.each<[string | undefined, Record<string, string>, RegExp]>([
    ["absent.toml", {}, /absent\.toml cannot be read/],
    [undefined, { GRAIN_CONFIG: "absent.toml" }, /absent\.toml \(named by GRAIN_CONFIG\) cannot be read/],
  ])("must be there when it is named: %j %j", async (flag, env, message) => {
    const loading = loadConfig({ configFile: flag, env, cwd, scope: ["head"] });
    await expect(loading).rejects.toThrow(ConfigError);
    await expect(loading).rejects.toThrow(message);
  });
});
