/** Wrong options, resources and configuration in a program: each error names the field and what it may be. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  anyOf,
  ConfigError,
  capacity,
  connect,
  cores,
  type DelayedOptions,
  delayed,
  exec1,
  gpus,
  limit,
  memory,
  node,
  nodes,
  openWaitGroup,
  queueLimiter,
  ResourceError,
  type RunOptions,
  resource,
  run,
  token,
  wtime,
} from "../../client/index.js";

/** What the types forbid, as a program in JavaScript may write it. */
const wrong = <T>(value: unknown): T => value as T;

const main = () => 1;

describe("run and connect refuse", () => {
  it.each<[unknown, RegExp]>([
    ["fast", /options must be an object, not string/],
    [null, /options must be an object, not null/],
    [{ adress: "x:1" }, /no option adress\. Did you mean address\?.*local, address/],
    [{ frobnicate: 1 }, /no option frobnicate\. Allowed: local/],
    [{ local: 3 }, /local must be a resource, such as cores\(4\).*not 3/],
    [{ address: 7 }, /address must be a non-empty text, not 7/],
    [{ address: "" }, /address must be a non-empty text, not ""/],
    [{ configFile: true }, /configFile must be a path or false, not true/],
    [{ name: {} }, /name must be a non-empty text, not a object/],
    [{ prioritized: "yes" }, /prioritized must be true or false, not "yes"/],
    [{ priority: 1.5 }, /priority must be a whole number.*not 1\.5/],
    [{ priority: 2 ** 40 }, /priority must be a whole number.*2147483647/],
    [{ priority: Number.NaN }, /priority must be a whole number.*not NaN/],
    [{ signal: new AbortController() }, /signal must be an AbortSignal/],
    [{ progress: 1 }, /progress must be true or false, not 1/],
    [{ logs: "off" }, /logs must be true or false, not "off"/],
  ])("%j", async (options, message) => {
    for (const [name, attempt] of [
      ["run", () => run(main, wrong<RunOptions>(options))],
      ["connect", () => connect(wrong<RunOptions>(options))],
    ] as const) {
      const error = await attempt().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(TypeError);
      expect((error as Error).message).toMatch(message);
      expect((error as Error).message).toContain(`${name}: `);
    }
  });

  it.each<[unknown, RegExp]>([
    [3, /expected a function or an iterable of functions, not number/],
    [undefined, /expected a function.*not undefined/],
    [[main, 3], /item 1 of the iterable is number/],
    [Promise.resolve(), /expected a function or an iterable of functions, not object/],
  ])("%j in place of a main", async (value, message) => {
    await expect(run(wrong(value))).rejects.toThrow(TypeError);
    await expect(run(wrong(value))).rejects.toThrow(message);
  });

  it("options of the session inside a run", async () => {
    const nested = () => run(main, { address: "127.0.0.1:1" });
    await expect(run(nested)).rejects.toThrow(/option address belongs to the session.*allowed here: signal/);
  });

  it("an address that is none", async () => {
    const error = await run(main, { address: "nonsense" }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toMatch(/option address.*"nonsense" is not an address.*host:port/);
  });

  it("a local resource that no worker can own", async () => {
    // At once, with no remote call in sight.
    const never = () => expect.unreachable("main has run");
    const start = (local: RunOptions["local"]) => run(never, { local });
    await expect(start(wrong({ core: 2 }))).rejects.toThrow(ResourceError);
    await expect(start(wrong({ core: 2 }))).rejects.toThrow(
      /^run: the option local: core: there is no such.*did you mean "cores"/,
    );
    await expect(connect({ local: wrong({ memroy: "1G" }) })).rejects.toThrow(
      /^connect: the option local: memroy:.*did you mean "memory"/,
    );
    await expect(start(cores(1.5))).rejects.toThrow(/cores: a worker owns whole cores, not 1\.5 cores/);
    await expect(start(anyOf(cores(1), cores(2)))).rejects.toThrow(/anyOf: a worker cannot own alternatives/);
    await expect(start(limit("x", 1))).rejects.toThrow(/limit x:.*cluster-wide/);
  });
});

describe("delayed refuses", () => {
  function sample(): void {}

  it.each<[unknown, RegExp]>([
    [null, /options must be an object, not null/],
    [{ retrys: 1 }, /no option "retrys"; there are .*retries/],
    [{ retries: -1 }, /retries must be a whole number of 0 or more, not -1/],
    [{ retries: 1.5 }, /retries must be a whole number of 0 or more, not 1\.5/],
    [{ timeout: "soon" }, /timeout must be seconds above 0 or a text such as "90s".*not 'soon'/],
    [{ timeout: 0 }, /timeout must be seconds above 0.*not 0/],
    [{ timeout: Number.NaN }, /timeout must be seconds above 0.*not NaN/],
    [{ nout: "2" }, /nout must be a whole number of 0 or more, not '2'/],
    [{ priority: 0.5 }, /priority must be a whole number, not 0\.5/],
    [{ copyOnSetItem: 1 }, /copyOnSetItem must be true or false, not 1/],
    [{ pin: "yes" }, /pin must be true or false, not 'yes'/],
    [{ failInfeasible: 1 }, /failInfeasible must be true or false, not 1/],
    [{ cacheKey: "x" }, /cacheKey must be true, false or a function of the arguments, not 'x'/],
    [{ name: "" }, /name must be a text that is not empty, not ''/],
    [{ module: 3 }, /module must be import\.meta\.url.*not 3/],
  ])("%j", (options, message) => {
    expect(() => delayed(sample, wrong<DelayedOptions>(options))).toThrow(TypeError);
    expect(() => delayed(sample, wrong<DelayedOptions>(options))).toThrow(message);
  });

  it.each<[string, () => unknown, RegExp]>([
    ["what is no function", () => delayed(wrong<() => void>(3)), /takes a function, not number/],
    ["a function without a name", () => delayed(() => 1), /has no name; name it.*\{ name: "energy" \}/],
    ["options of the function later", () => delayed(sample).options(wrong({ name: "x" })), /name belongs to/],
    ["no iterable in map", () => delayed(sample).map(wrong(3)), /map takes an iterable.*not number/],
    ["a call outside of a run", () => delayed(sample)(), /outside of a run; call it inside run/],
    ["a limiter without slots", () => queueLimiter(0), /whole number of 1 or more slots, not 0/],
    [
      "a group's function that is none",
      () => openWaitGroup().submit(cores(1), wrong<() => void>(3)),
      /wg\.submit takes/,
    ],
    [
      "a plain function on a worker",
      () => exec1(cores(1), sample),
      /exec1: sample.*wrap it at the top level/,
    ],
  ])("%s", (_name, attempt, message) => {
    expect(attempt).toThrow(message);
  });
});

describe("a resource refuses", () => {
  const NOT_A_DURATION = /wtime: .* is not a duration; write "1:30:00"/;

  it.each<[string, () => unknown, RegExp]>([
    ["NaN cores", () => cores(Number.NaN), /^cores: NaN is not a number/],
    ["negative cores", () => cores(-1), /^cores: -1 is negative; give 0 or more/],
    ["infinite cores", () => cores(Number.POSITIVE_INFINITY), /^cores: Infinity is too large/],
    ["a third of a core", () => cores(1 / 3), /^cores: 0\.33+ is finer than 1\/10000; round it.*0\.3333/],
    ["cores in words", () => cores(wrong("two")), /^cores: "two" is neither a number nor "all"/],
    ["NaN memory", () => memory(Number.NaN), /^memory: NaN is not a size of memory.*"16G"/],
    ["negative memory", () => memory(-1), /^memory: -1 is negative/],
    ["memory of an unknown unit", () => memory("1X"), /^memory: "1X" is not a size of memory.*"16G"/],
    ["negative gpus", () => gpus(-1), /^gpus: -1 is negative/],
    ["a walltime in words", () => wtime("soon"), NOT_A_DURATION],
    ["NaN walltime", () => wtime(Number.NaN), NOT_A_DURATION],
    ["no walltime", () => wtime(0), /^wtime: 0 leaves no time to run/],
    ["a soft limit above the hard", () => wtime(60, { soft: 120 }), /^wtime\.soft: 0:02:00 is longer than/],
    ["an unknown walltime option", () => wtime(60, wrong({ sof: 1 })), /^wtime\.sof:.*did you mean "soft"/],
    ["an empty token", () => token(""), /^token: "" is not a name/],
    ["no capacity", () => capacity(0), /^capacity: 0 is not a whole number of 1 or more/],
    ["half a node", () => nodes(1.5), /^nodes: 1\.5 is not a whole number of 1 or more/],
    ["a limit of nothing", () => limit("x", 0), /^limit x: 0 is not a whole number of 1 or more/],
    ["a limit without a name", () => limit("", 1), /^limit: "" is not a name/],
    [
      "a built-in kind as one's own",
      () => resource("cpus", 1),
      /^resource: "cpus" is built in; use cores\(2\)/,
    ],
    ["a kind of two words", () => resource("a b", 1), /^resource: "a b" cannot name a resource/],
    ["no alternatives", () => anyOf(), /^anyOf: there is no alternative/],
    ["a node of no memory", () => node(1, "x"), /^memory: "x" is not a size of memory/],
    ["two of one kind", () => cores(1).and(cores(2)), /^cores: asked for twice \(1 core and 2 cores\)/],
    ["two of one kind in two forms", () => cores(1).and({ cores: 1 }), /^cores: asked for twice/],
    ["an unknown kind", () => cores(1).and(wrong({ memroy: 1 })), /^memroy:.*did you mean "memory"/],
    ["a number", () => cores(1).and(wrong(3)), /^resource: 3 is not a resource; give e\.g\. cores\(2\)/],
    ["a builder not called", () => cores(1).and(wrong(memory)), /^resource: the function memory.*call it/],
    ["a wrong own kind", () => cores(1).and(wrong({ resources: { x: "y" } })), /^resources\.x: "y" is not a/],
    ["a walltime without a limit", () => cores(1).and(wrong({ wtime: {} })), /^wtime\.hard: it is missing/],
    ["whole workers and half a core", () => nodes(2).and(cores(0.5)), /^cores: 0\.5 cannot be combined/],
  ])("%s", (_name, attempt, message) => {
    expect(attempt).toThrow(ResourceError);
    expect(attempt).toThrow(message);
  });
});

describe("a configuration", () => {
  const directory = mkdtempSync(join(tmpdir(), "grain-test-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const configFile = join(directory, "grain.toml");

  it.each<[string, string, number, RegExp]>([
    ["that is no TOML", 'name = "x"\naddress = \n', 2, /grain\.toml:2:\d+: /],
    ["with an address that is a number", "\n\naddress = 7700\n", 3, /grain\.toml:3: address must be a text/],
    [
      "with an address that is none",
      '# head\naddress = "nonsense"\n',
      2,
      /grain\.toml:2: .*"nonsense" is not/,
    ],
  ])("%s is refused with file and line", async (_name, text, line, message) => {
    writeFileSync(configFile, text);
    const error = (await run(main, { configFile }).catch((reason: unknown) => reason)) as ConfigError;
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ file: configFile, line });
    expect(error.message).toMatch(message);
  });

  it("that is not there is refused by its name", async () => {
    const error = (await run(main, { configFile: join(directory, "none.toml") }).catch(
      (reason: unknown) => reason,
    )) as ConfigError;
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).toMatch(/none\.toml cannot be read/);
  });
});
