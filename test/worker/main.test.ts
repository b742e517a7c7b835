import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { toConfig } from "../../proto/config/config.js";
import { readText } from "../../proto/config/load.js";
import { VERSION } from "../../proto/version.js";
import { main } from "../../worker/main.js";
import { settingsOf } from "../../worker/settings.js";

let errors: string;
let output: string;

beforeEach(() => {
  errors = "";
  output = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    errors += text;
    return true;
  });
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    output += text;
    return true;
  });
  vi.stubEnv("GRAIN_ADDRESS", undefined);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe("grain-worker", () => {
  it.each([
    [[], /No head is named.*--address/],
    [["--address", "nowhere"], /"nowhere" is not an address/],
    [["--address", "h:1", "--cpus", "many"], /--cpus/],
    [["--address", "h:1", "--mem", "-3"], /--mem/],
    [["--address", "h:1", "--res", "{"], /--res/],
    [["--address", "h:1", "--import", "/no/such/file.js"], /no file \/no\/such\/file\.js/],
    [["--context", "x.js"], /unknown option '--context'/],
    [["--cpus"], /argument missing; expected: how many cores/],
    [["extra"], /too many arguments: "extra" is not expected/],
    [["--address", "h:1", "--name="], /--name: ""/],
    [["--address", "h:1", "--walltime", "0"], /--walltime: "0" leaves no time/],
    [["--address", "h:1", "--cpus", "0", "--mem", "0", "--gpus", "0"], /would offer nothing/],
  ])("answers bad usage %j with one line and 2", async (argv, message) => {
    expect(await main(argv as string[])).toBe(2);
    expect(errors).toMatch(message);
    expect(errors).toMatch(/^grain-worker: [^\n]*\n$/);
  });

  it("tells its version and its flags", async () => {
    expect(await main(["--version"])).toBe(0);
    expect(output).toBe(`${VERSION}\n`);
    expect(await main(["--help"])).toBe(0);
    for (const flag of [
      "--cpus",
      "--mem",
      "--gpus",
      "--res",
      "--walltime",
      "--name",
      "--address",
      "--import",
    ]) {
      expect(output).toContain(flag);
    }
  });
});

describe("a worker's settings", () => {
  const machine = async (text: string) => {
    const { values, warnings } = await readText({ text, file: "/site/g" }, ["worker", "address", "access"]);
    return toConfig("/site/g", { values, warnings });
  };
  const none = { import: [] };
  const FILE = `address = "file:1"
access = "keys"
[worker]
name = "{{HOST}}.w"
log_file = "logs/{{NAME}}.log"
import = ["package.json"]
drain_deadline = "10m"
grace = "7s"
walltime = "2h"
[worker.res]
Token = { token = "has-gpu" }
Capacity = { V = 8 }
Cores = { N = 3 }
`;

  it("come from the file where no flag says otherwise", async () => {
    const name = `${hostname()}.w`;
    expect(settingsOf(none, await machine(FILE), {})).toMatchObject({
      address: "file:1",
      name,
      pool: { tokens: ["has-gpu"], cores: [0, 1, 2], remainingMs: 7_200_000 },
      imports: ["package.json"],
      access: { place: "/site/keys" },
      drainMs: 600_000,
      graceMs: 7_000,
      logFile: `/site/logs/${name}.log`,
    });
  });

  it("come from flags before variables before the file", async () => {
    const config = await machine(FILE);
    const env = { GRAIN_ACCESS_DIR: "/env" };
    expect(settingsOf(none, config, env).access.place).toBe("/env");
    const flags = {
      address: "flag:2",
      name: "w1",
      cpus: "1",
      walltime: "60",
      import: ["tsconfig.json"],
      access: "/flag",
      drainDeadline: "1m",
      grace: "1s",
      logFile: "here.log",
    };
    expect(settingsOf(flags, config, env)).toMatchObject({
      address: "flag:2",
      name: "w1",
      pool: { tokens: ["has-gpu"], cores: [0], remainingMs: 60_000 },
      imports: ["tsconfig.json"],
      access: { place: "/flag" },
      drainMs: 60_000,
      graceMs: 1_000,
      logFile: "here.log",
    });
    expect(settingsOf({ ...none, res: '{"wtime":30}' }, config, env).pool).toMatchObject({
      tokens: [],
      remainingMs: 30_000,
    });
  });

  it("have a name that no other worker of this machine has", async () => {
    const { name } = settingsOf(none, await machine('address = "a:1"'), {});
    expect(name).toBe(`${hostname()}-${process.pid}`);
  });

  it("name the line of a name that cannot be one", async () => {
    const config = await machine('address = "a:1"\n[worker]\nname = " w"');
    expect(() => settingsOf(none, config, {})).toThrow(
      /^\/site\/g:3: worker.name: " w" cannot name a worker/,
    );
  });
});

describe("grain-worker with a configuration", () => {
  it.each([
    ["[worker]\nnam = 3", 2, /:2: there is no nam in \[worker\]; did you mean name\?/],
    ['[worker]\nname = "w"', 2, /No head is named.*grain\.toml/],
    ['address = "a:1"\n[worker]\nimport = "/no/such.js"', 2, /no file \/no\/such\.js/],
  ])("%j answers %d", async (text, code, message) => {
    const directory = await mkdtemp(join(tmpdir(), "grain-test-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    const file = join(directory, "site.toml");
    await writeFile(file, text);
    expect(await main(["--config", file])).toBe(code);
    expect(errors).toMatch(message);
  });
});
