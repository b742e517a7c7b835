import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "smol-toml";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { showConfig } from "../../../client/cli/config.js";
import { tomlText } from "../../../client/cli/toml-text.js";
import { toConfig } from "../../../proto/config/config.js";
import { KEYS } from "../../../proto/config/entries.js";
import { readText } from "../../../proto/config/load.js";
import { grain } from "./spoken.js";

const TEXT = `system = "ssh"
address = "cluster:7700"
[head]
idle_quit = "30m"
[head.scheduling.weights]
"night run" = 0.5
[worker.res]
Token = { token = "has-gpu" }
[ssh]
hosts = ["n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9", "n10", "n11"]
[script]
setup_cleanup = """
module load node
defer rm -rf "$WORK"
"""
`;

let cwd: string;
const before = process.cwd();
beforeAll(async () => {
  cwd = await realpath(await mkdtemp(join(tmpdir(), "grain-test-")));
  await writeFile(join(cwd, "grain.toml"), TEXT);
  await writeFile(join(cwd, "wrong.toml"), '[script]\nwaltime = "1h"\n');
  await writeFile(join(cwd, "old.toml"), '[worker]\nspecialized_type = "my.Server"\n');
  process.chdir(cwd);
  vi.stubEnv("GRAIN_ADDRESS", "");
  vi.stubEnv("GRAIN_CONFIG", "");
  vi.stubEnv("GRAIN_ACCESS_DIR", "/keys");
});
afterAll(async () => {
  process.chdir(before);
  vi.unstubAllEnvs();
  await rm(cwd, { recursive: true });
});

describe("grain config show", () => {
  it("shows what is set, what applies otherwise, and what says so", async () => {
    const { code, stdout, stderr } = await grain("config", "show");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.replace(cwd, "/site")).toMatchInlineSnapshot(`
      "# The configuration /site/grain.toml
      system = "ssh"                               # line 1
      address = "cluster:7700"                     # line 2
      access = "/keys"                             # GRAIN_ACCESS_DIR

      [head]
      name = "head{{HHMMSS}}"                      # default
      # main_log_file: the system's                # default
      # log_file: standard error                   # default
      # listen: 127.0.0.1:7700                     # default
      # cmd: grain-head                            # default
      # max_clients: 8                             # default
      idle_quit = "30m"                            # line 4
      # swarm: 0: none                             # default
      # journal: ~/.local/state/grain/journal/ADDRESS
      # cache: 16G                                 # default
      # memory: 512M                               # default
      # spill: the system's temporary directory    # default
      # resume: 30s                                # default
      # lease: 60s                                 # default
      # trace: none                                # default

      [head.scheduling]
      # reserve_after: 30s                         # default
      # policy: "fit"                              # default
      # ageing: never                              # default
      weights = { "night run" = 0.5 }              # line 5

      [worker]
      name = "w{{HHMMSS}}"                         # default
      # log_file: standard error                   # default
      # dial: address                              # default
      # cli_dial: address                          # default
      # cmd: this package's grain-worker           # default
      # walltime: no end                           # default
      # drain_deadline: to their end               # default
      # grace: 5s                                  # default
      # import: none                               # default
      res = { Token = { token = "has-gpu" } }      # line 7

      [script]
      # shebang: "#!/bin/bash"                     # default
      # queue: the system's                        # default
      # walltime: the system's                     # default
      # cores: the system's                        # default
      # memory: the system's                       # default
      # extra_args: none                           # default
      # line 12
      setup_cleanup = """
      module load node
      defer rm -rf "$WORK"
      """
      # array: false                               # default

      [ssh]
      # line 10
      hosts = ["n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9", "n10", "n11"]
      command = ["ssh"]                            # default
      # directory: the home directory              # default

      [scale]
      min = 0                                      # default
      # max: the number is fixed                   # default
      idle = "5m"                                  # default
      poll = "60s"                                 # default
      backlog = 1                                  # default
      command_timeout = "60s"                      # default
      "
    `);
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("shows every entry", async () => {
    const { stdout } = await grain("config", "show", "--all");
    const names = [...stdout.matchAll(/^(?:# )?(\w+)(?: =|:) /gm)].map(([, name]) => name);
    expect(names).toEqual(KEYS.map((key) => key.split(".").at(-1)));
  });

  it("shows what can be read back", async () => {
    const config = toConfig("/site/g", await readText({ text: TEXT, file: "/site/g" }));
    const shown = showConfig(config, true, (_, text) => text).replace(/^\[system\.custom\]\n(?:.+\n)*/m, "");
    const again = toConfig("/site/g", await readText({ text: shown, file: "/site/g" }));
    expect({ ...again, entries: undefined }).toEqual({ ...config, entries: undefined });
  });

  it("gives the same as JSON", async () => {
    const { code, stdout } = await grain("config", "show", "--json");
    expect(code).toBe(0);
    const shown = JSON.parse(stdout);
    expect(Object.keys(shown)).toEqual(["file", "entries", "warnings"]);
    expect(shown.file).toBe(join(cwd, "grain.toml"));
    const entry = (key: string) => shown.entries.find((each: { key: string }) => each.key === key);
    expect(entry("head.idle_quit")).toEqual({ key: "head.idle_quit", value: "30m", source: "file", line: 4 });
    expect(entry("access")).toEqual({
      key: "access",
      value: "/keys",
      source: "environment",
      variable: "GRAIN_ACCESS_DIR",
    });
    expect(entry("scale.min")).toEqual({ key: "scale.min", value: 0, source: "default" });
    expect(entry("head.lease")).toEqual({
      key: "head.lease",
      value: null,
      source: "default",
      applies: "60s",
    });
    expect(shown.entries.map(({ key }: { key: string }) => key)).toEqual(KEYS);
  });

  it("does without a file", async () => {
    vi.stubEnv("GRAIN_ADDRESS", "env:1");
    process.chdir(tmpdir());
    try {
      const { stdout } = await grain("config", "show");
      expect(stdout).toMatch(/^# There is no configuration file\.\nsystem = "local" +# default\n/);
      expect(stdout).toMatch(/^address = "env:1" +# GRAIN_ADDRESS$/m);
    } finally {
      process.chdir(cwd);
      vi.stubEnv("GRAIN_ADDRESS", "");
    }
  });

  it("warns once of what has no effect", async () => {
    const { code, stderr } = await grain("config", "show", "-c", "old.toml");
    expect(code).toBe(0);
    expect(stderr).toBe(
      `grain: ${cwd}/old.toml:2: worker.specialized_type has no effect: workers here have no Python classes.\n`,
    );
  });

  it.each([
    [
      ["config", "show", "-c", "wrong.toml"],
      /^grain: .*wrong\.toml:2: there is no waltime in \[script\]; did you mean walltime\?\n$/,
    ],
    [
      ["config", "show", "-c", "absent.toml"],
      /^grain: The configuration .*absent\.toml cannot be read: [^\n]*\n$/,
    ],
    [["config", "show", "extra"], /^grain: too many arguments: [^\n]*\n$/],
    [["config", "shwo"], /^grain: unknown command 'shwo'[^\n]*expected show[^\n]*\n$/],
    [["config"], /^grain: no command is given; expected show[^\n]*\n$/],
  ])("refuses %j with one line and 2", async (args, message) => {
    const { code, stdout, stderr } = await grain(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(message);
  });

  it("colours on terminals only", async () => {
    const config = toConfig(undefined, await readText({ text: "", file: "g" }));
    expect(showConfig(config, false, (colour, text) => `<${colour}>${text}`)).toContain("<dim># default");
  });
});

describe("TOML", () => {
  it.each([
    ['plain "quoted" \\ \t\u0007'],
    ['two\nlines "quoted" """ and \\ more\n'],
    ['ends with quotes\n"""'],
    [[1, -2.5, true, "x", []]],
    [{ a: 1, "b c": { d: ["e"] }, f: {} }],
    [Number.POSITIVE_INFINITY],
  ])("%j is written as it is read", (value) => {
    expect(parse(`v = ${tomlText(value)}\n`)).toEqual({ v: value });
  });
});
