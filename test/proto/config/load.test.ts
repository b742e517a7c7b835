import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { originOf, toConfig } from "../../../proto/config/config.js";
import { loadConfig, readText } from "../../../proto/config/load.js";
import { ConfigError } from "../../../proto/errors.js";

const read = async (text: string, scope?: readonly string[]) =>
  toConfig("/site/g", await readText({ text, file: "/site/g" }, scope));

describe("a file of the original", () => {
  it("is understood as it is", async () => {
    const text = await readFile(new URL("original.toml", import.meta.url), "utf8");
    const config = await read(text);
    expect(config.warnings).toEqual([]);
    const script = {
      shebang: "#!/bin/bash",
      queue: "normal",
      walltimeMs: 86_400_000,
      cores: 32,
      memoryBytes: 64 * 1024 ** 3,
      extraArgs: ["--account=chem", "--exclusive"],
      setupCleanup: [
        "module load node",
        'export queue = "not an entry"',
        "[not.a.table]",
        "defer rm -rf $SCRATCH",
      ],
      array: false,
    };
    expect(config).toMatchObject({
      system: "slurm",
      contextModule: undefined,
      address: "tcp://10.0.0.1:7700",
      commandAddress: "tcp://login:7702",
      head: {
        name: "head{{HHMMSS}}",
        mainLogFile: "/site/main.log",
        logFile: "/site/gnaw.log",
        listen: ["tcp://10.0.0.1:7700"],
        command: ["python", "-u", "my main.py"],
        maxClients: 16,
        idleQuitMs: 3_600_000,
        swarm: 4,
        script: { ...script, queue: "long", cores: 1 },
      },
      worker: {
        name: "w{{HHMMSS}}",
        logFile: "/site/w{{HHMMSS}}.log",
        address: "tcp://10.0.0.1:7701",
        res: { Token: { token: "has-gpu" }, Capacity: { V: 8 } },
        script: { ...script, walltimeMs: 7_200_000 },
      },
    });
    // Not a line of the script in between.
    expect(originOf(config, "head.script.queue")).toEqual({ type: "file", file: "/site/g", line: 47 });
    expect(originOf(config, "script.shebang")).toMatchObject({ line: 33 });
  });

  it.each([
    ['contextmod = "my.context"', 1, /contextmod has no effect: .*TypeScript/],
    ["[head.gnaw]\nenabled = false", 2, /enabled has no effect: .*its own head/],
    ['[head.gnaw]\nextra_args = ["-v"]', 2, /extra_args has no effect: .*grain-head --help/],
    ['[worker]\nspecialized_type = "my.Server"', 2, /specialized_type has no effect: .*Python/],
  ])("warns of what makes no sense here: %j", async (text, line, warning) => {
    const { warnings } = await read(text);
    expect(warnings).toEqual([expect.stringMatching(warning)]);
    expect(warnings[0]).toContain(`/site/g:${line}: `);
  });
});

describe("a configuration", () => {
  it("has what applies without one", async () => {
    const config = await read("");
    expect(config).toMatchObject({
      system: "local",
      head: { name: "head{{HHMMSS}}", scheduling: {} },
      worker: { name: "w{{HHMMSS}}", imports: [], script: { shebang: "#!/bin/bash", extraArgs: [] } },
      ssh: { hosts: [], command: ["ssh"] },
      kubernetes: {
        labels: {},
        nodeSelector: {},
        tolerations: [],
        accessSecret: "grain-worker",
        graceMs: 300_000,
      },
      scale: { min: 0, max: undefined, idleMs: 300_000, pollMs: 60_000, backlog: 1 },
    });
    expect(config.entries.size).toBe(0);
  });

  it.each<[string, unknown]>([
    ['system = ""', { system: "local" }],
    ['address = ""\n[head]\nlisten = ""', { address: undefined, head: { listen: undefined } }],
    ['[head]\nlisten = ["a:1", "unix:///b"]', { head: { listen: ["a:1", "unix:///b"] } }],
    ["[head]\njournal = false", { head: { journal: false } }],
    ['[head]\njournal = "~/j"', { head: { journal: join(homedir(), "j") } }],
    ['[head]\nmemory = "500M"', { head: { memoryBytes: 500 * 1024 ** 2 } }],
    ["[script]\nmemory = 0.5", { worker: { script: { memoryBytes: 512 * 1024 ** 2 } } }],
    ['[script]\nextra_args = "-A chem"', { head: { script: { extraArgs: ["-A chem"] } } }],
    ['[worker]\nimport = ["a.js", "/b.js"]', { worker: { imports: ["a.js", "/b.js"] } }],
    ['contextmod = "c.ts"', { contextModule: "/site/c.ts" }],
    ["[head]\nmax_clients = 3\n[head.gnaw]\nmax_conn = 4", { head: { maxClients: 3 } }],
    [
      '[system.custom]\nsubmit = "bsub -q \'a b\'"\njob_id = "Job <(\\\\d+)>"',
      {
        system: "custom",
        custom: {
          submit: ["bsub", "-q", "a b"],
          jobIdPattern: "Job <(\\d+)>",
          states: { running: ["RUNNING", "R"] },
        },
      },
    ],
    ['system = "ssh"\n[ssh]\nhosts = ["n1", "me@n2"]', { system: "ssh", ssh: { hosts: ["n1", "me@n2"] } }],
    [
      '[kubernetes]\nimage = "grain:1"\nlabels = { team = "chem" }\ngrace = "90s"',
      { kubernetes: { image: "grain:1", labels: { team: "chem" }, graceMs: 90_000 } },
    ],
    [
      '[kubernetes]\naccess_secret = "mine"\nnode_selector = { pool = "big" }\ntolerations = ["a.io/gpu=yes:NoSchedule", "spot", "b=", "c:NoExecute"]',
      {
        kubernetes: {
          accessSecret: "mine",
          nodeSelector: { pool: "big" },
          tolerations: [
            { key: "a.io/gpu", value: "yes", effect: "NoSchedule" },
            { key: "spot" },
            { key: "b", value: "" },
            { key: "c", effect: "NoExecute" },
          ],
        },
      },
    ],
    ["[scale]\nmax = 20\nidle = 60", { scale: { min: 0, max: 20, idleMs: 60_000 } }],
  ])("%j", async (text, expected) => {
    expect(await read(text)).toMatchObject(expected as object);
  });

  it.each<[string, number, RegExp]>([
    ['sytem = "slurm"', 1, /there is no sytem at the top of the file; did you mean system\?$/],
    [
      "[workers]\nname = 3",
      1,
      /there is no table \[workers\] at the top of the file; did you mean worker\?$/,
    ],
    ["[worker]\nnam = 3", 2, /there is no nam in \[worker\]; did you mean name\?$/],
    [
      'queue = "x"',
      1,
      /there is no queue at the top of the file; it belongs into \[head.script\] or .*\[script\]$/,
    ],
    [
      "[scale]\nfoo = 1",
      2,
      /there is no foo in \[scale\]; there are min, max, idle, poll, backlog, command_timeout$/,
    ],
    ["[head]\nfoobar = 1", 2, /there is no foobar in \[head\]; grain config show --all lists/],
    ["script = 4", 1, /script must be a table$/],
    ['system = "slrm"', 1, /system must be "local" or "slurm" or .*"kubernetes"$/],
    ["system = 4", 1, /system must be "local" or/],
    ["[system.custm]\nsubmit = 1", 1, /there is no custm in \[system\]; did you mean custom\?/],
    ['system = "custom"\n[system.custom]\nsubmit = "s"', 2, /leave out the line "system = …" above/],
    ["[script]\n\ncores = 0", 3, /script\.cores must be a whole number from 1, not 0$/],
    ['[script]\nwalltime = "1 fortnight"', 2, /script\.walltime is wrong: "1 fortnight" is not a duration/],
    ['[script]\nmemory = "64X"', 2, /script\.memory is wrong: .*"64X" is not a size of memory/],
    ["[script]\nmemory = 0", 2, /script\.memory is wrong: 0 is no memory/],
    ["[script]\nextra_args = [1]", 2, /extra_args must be a text or a list of texts, not \[1\]/],
    [
      '[worker]\nname = "w{{HHMM}}"',
      2,
      /worker\.name is wrong: {{HHMM}} is not known; did you mean {{HHMMSS}}\?/,
    ],
    ["[worker.res]\nTokn = 3", 1, /worker\.res is wrong: .*Tokn/],
    ["[worker]\nres = 3", 2, /worker\.res must be a table of resources/],
    ["[head]\nlisten = []", 2, /head\.listen must be an address or a list/],
    ['[head]\nlisten = ["a:1", "b"]', 2, /head\.listen is wrong: "b" is not an address/],
    ["[head.gnaw]\nenabled = 1", 2, /enabled must be true or false, not 1/],
    ['[system.custom]\njob_id = "("', 2, /job_id is wrong: Invalid regular expression/],
    [
      '[kubernetes]\ntolerations = ["gpu", "spot:Never"]',
      2,
      /kubernetes\.tolerations must be taints KEY, KEY=VALUE, .* not "spot:Never"$/,
    ],
    [
      '[kubernetes]\n[kubernetes.labels]\nteam = "a"\nn = 1',
      4,
      /kubernetes\.labels\.n must be a text, not 1/,
    ],
    ['[[script]]\nqueue = "x"', 1, /script must be a table/],
    ["address = 2026-01-01", 1, /address must be a text/],
    ["__proto__.x = 1", 1, /there is no (table )?\[?__proto__/],
    ["constructor = 1", 1, /there is no constructor/],
  ])("%j is refused with its line", async (text, line, message) => {
    const error = await read(text).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ file: "/site/g", line, message: expect.stringMatching(message) });
    expect((error as Error).message).toMatch(new RegExp(`^/site/g:${line}:`));
  });

  it("is read in part, and what lies outside is not looked at", async () => {
    const text = "[unknown]\nx = 1\n[script]\ncores = 0\n[head]\nresume = 5";
    const { head, entries } = await read(text, ["head", "access"]);
    expect(head.resumeMs).toBe(5_000);
    expect([...entries.keys()]).toEqual(["head.resume"]);
  });

  it.each([
    [["address"], 'adress = "a:1"', /did you mean address\?/],
    [["head.scheduling"], "[haed.scheduling]\nageing = 1", /did you mean head\?/],
  ])("%j is found where it was probably meant", async (scope, text, message) => {
    await expect(read(text, scope)).rejects.toThrow(message);
  });
});

describe("variables", () => {
  let cwd: string;
  beforeAll(async () => {
    cwd = await mkdtemp(join(tmpdir(), "grain-config-"));
    await writeFile(
      join(cwd, "grain.toml"),
      'address = "file:1"\naccess = "keys"\n[worker]\ndial = "inside:2"\ncli_dial = "outside:3"\n',
    );
  });
  afterAll(() => rm(cwd, { recursive: true }));

  it("go before the file, and both before what applies otherwise", async () => {
    const plain = await loadConfig({ env: {}, cwd });
    expect(plain).toMatchObject({
      file: join(cwd, "grain.toml"),
      address: "file:1",
      commandAddress: "outside:3",
      access: join(cwd, "keys"),
      worker: { address: "inside:2" },
    });
    const env = { GRAIN_ADDRESS: "env:4", GRAIN_ACCESS_DIR: "/keys" };
    const config = await loadConfig({ env, cwd });
    expect(config).toMatchObject({
      address: "env:4",
      commandAddress: "env:4",
      access: "/keys",
      worker: { address: "env:4" },
    });
    expect(originOf(config, "address")).toEqual({ type: "environment", variable: "GRAIN_ADDRESS" });
    expect(originOf(config, "script.cores")).toEqual({ type: "default" });
  });

  it("are none when empty, and named when wrong", async () => {
    expect(await loadConfig({ env: { GRAIN_ADDRESS: "" }, cwd })).toMatchObject({ address: "file:1" });
    await expect(loadConfig({ env: { GRAIN_ADDRESS: "x" }, cwd })).rejects.toThrow(
      /^The variable GRAIN_ADDRESS is wrong: "x" is not an address/,
    );
  });

  it("do without a file", async () => {
    const config = await loadConfig({ configFile: false, env: { GRAIN_ADDRESS: "a:1" }, cwd });
    expect(config).toMatchObject({ file: undefined, address: "a:1", warnings: [] });
  });
});
