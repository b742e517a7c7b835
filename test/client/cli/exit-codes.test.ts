/**
 * What every command does with bad input: one line on standard error, nothing on standard output, and its exit
 * code. A command without a row here fails.
 */

import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type ListeningHead, startHead } from "../../../head/index.js";
import { LEAVES } from "./leaves.js";
import { grain } from "./spoken.js";

// It ends the process, which is the test's own here.
vi.mock("../../../client/cli/leave.js", () => ({ leaveSoon: () => {} }));

// Else it is what was built, whose errors are of other classes than ours here.
vi.mock("grain-scheduler/head", () => import("../../../head/index.js"));

/** Arguments, the exit code, and what is said after "grain: ". HEAD is the address of one, without workers and sessions. */
type Row = readonly [args: string, code: 1 | 2, says: RegExp];

const HEAD = "--address HEAD";

const ROWS: Readonly<Record<string, readonly Row[]>> = {
  run: [
    ["", 2, /missing required argument 'file'; expected grain run \[options\] <file> \[args\.\.\.\]/],
    ["none.ts", 2, /none\.ts cannot be run: there is no such file/],
    ["-c none.toml program.mjs", 2, /the configuration none\.toml cannot be read/],
  ],
  up: [
    ["-n 0", 2, /'0' is invalid.*whole number from 1 to 100000/],
    ["-n", 2, /argument missing; expected: how many/],
    ["--dry", 2, /No head is named/],
    ["-c slurm.toml", 1, /Slurm refused the job \(sbatch, exit code 1\): Invalid account/],
    ["-c wrong.toml", 2, /wrong\.toml:1: there is no sytem .*did you mean system\?/],
  ],
  start: [
    ["--local now", 2, /too many arguments: "now" is not expected, only options are/],
    ["-c slurm.toml", 1, /Slurm refused the job \(sbatch, exit code 1\): Invalid account/],
    ["-c wrong.toml --dry", 2, /wrong\.toml:1: /],
  ],
  ls: [
    ["", 2, /No head is named\. Give its address with --address, GRAIN_ADDRESS, or/],
    ["--address nonsense:port", 2, /nonsense:port/],
    ["--watch=soon", 2, /"soon" is not a duration/],
    ["--address 127.0.0.1:1", 1, /No head answered at 127\.0\.0\.1:1 .*Start one with/],
  ],
  jobs: [
    ["", 2, /No head is named/],
    ["sweep", 2, /too many arguments: "sweep"/],
    [`${HEAD} --access none`, 1, /none/],
  ],
  job: [
    ["", 2, /missing required argument 'session'/],
    [`nope ${HEAD}`, 1, /There is no session "nope"/],
  ],
  wait: [
    ["", 2, /missing required argument 'session'/],
    ["sweep --timeout soon", 2, /"soon" is not a duration/],
    [`nope ${HEAD}`, 1, /There is no session "nope"/],
  ],
  cancel: [
    ["", 2, /missing required argument/],
    ["1.", 2, /"1\." is not a task/],
    [`1.1 ${HEAD}`, 1, /Task 1\.1 is not known/],
    [`nope ${HEAD}`, 1, /There is no session "nope"/],
  ],
  explain: [
    ["", 2, /missing required argument/],
    ["1.2.3", 2, /is not a task/],
    [`nope ${HEAD}`, 1, /There is no session "nope"/],
  ],
  scale: [
    ["many", 2, /'many' is invalid.*whole number from 0 to 100000/],
    ["4 --max 3", 2, /a number and --min, --max, --idle do not go together; give one of them/],
    ["--cancel", 2, /--cancel goes with --stop/],
    ["4", 2, /No head is named/],
    [`4 ${HEAD}`, 1, /./],
  ],
  health: [
    ["now", 2, /too many arguments: "now"/],
    ["", 2, /No head is named/],
    [`${HEAD} --access none`, 1, /none/],
  ],
  quit: [
    ["", 2, /missing required argument 'glob'/],
    ["'*'", 2, /No head is named/],
    [`nope* ${HEAD}`, 1, /No worker or job is called "nope\*"; there are none/],
  ],
  "cache ls": [
    ["a b", 2, /too many arguments: "b"/],
    ["--address nonsense:port", 2, /nonsense:port/],
    [`${HEAD} --access none`, 1, /none/],
  ],
  "cache rm": [
    ["", 2, /Which results are to be removed/],
    ["--all energy", 2, /a pattern or --all, not both/],
    ["nope", 1, /No stored result is like nope/],
  ],
  "access new": [
    ["", 2, /required option '--role <role>' not specified/],
    ["--role king", 2, /'king' is invalid.*admin, client, worker, viewer/],
    ["--role worker --expires soon", 2, /"soon" is not a duration/],
    ["--role worker --access program.mjs", 2, /program\.mjs/],
  ],
  "access ls": [
    ["all", 2, /too many arguments/],
    ["--access none", 1, /none/],
  ],
  "access revoke": [
    ["", 2, /missing required argument 'id'/],
    ["3f09ac21d4", 1, /3f09ac21d4/],
  ],
  "access rotate": [
    ["now", 2, /too many arguments/],
    ["--access none", 1, /none/],
  ],
  init: [
    ["--system vax", 2, /'vax' is invalid\. Expected one of local, slurm/],
    ["slurm", 2, /too many arguments: "slurm"/],
    ["-c slurm.toml", 1, /is there already; name another with -c, or replace it with --force/],
    [
      "-c none/grain.toml --system local",
      1,
      /cannot be written: there is no directory .*none; make it first/,
    ],
    ["-c bin --system local", 2, /is a directory; name a file in it, such as .*grain\.toml/],
  ],
  "config show": [
    ["-c wrong.toml", 2, /wrong\.toml:1: /],
    ["worker", 2, /too many arguments/],
  ],
  doctor: [["all", 2, /too many arguments/]],
  completion: [
    ["", 2, /missing required argument 'shell'/],
    ["tcsh", 2, /'tcsh' is invalid.*bash, zsh, fish/],
    ["bash -c wrong.toml", 2, /wrong\.toml:1: /],
  ],
  simulate: [
    ["", 2, /missing required argument 'trace'/],
    ["none.trace", 2, /none\.trace/],
    ["program.mjs", 2, /program\.mjs/],
    ["none.trace --latency=-1", 2, /'-1' is invalid/],
    ["none.trace --policy luck", 2, /"luck" is no policy; choose one of fit/],
    ["none.trace --workers luck", 2, /luck/],
  ],
};

let head: ListeningHead;
let directory: string;
const before = process.cwd();

beforeAll(async () => {
  head = await startHead({ listen: ["127.0.0.1:0"] });
  directory = realpathSync(mkdtempSync(join(tmpdir(), "grain-exit-codes-")));
  process.chdir(directory);
  vi.stubEnv("XDG_STATE_HOME", join(directory, "state"));
  vi.stubEnv("GRAIN_ADDRESS", "");
  vi.stubEnv("GRAIN_CONFIG", "");
  vi.stubEnv("PATH", `${join(directory, "bin")}:${process.env.PATH}`);
  mkdirSync("bin");
  writeFileSync("bin/sbatch", "#!/bin/sh\necho 'sbatch: error: Invalid account' >&2\nexit 1\n");
  chmodSync("bin/sbatch", 0o755);
  writeFileSync("program.mjs", "");
  writeFileSync("wrong.toml", 'sytem = "slurm"\n');
  writeFileSync("slurm.toml", 'system = "slurm"\naddress = "login1:7700"\n');
});
afterAll(async () => {
  process.chdir(before);
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true, force: true });
  await head.close();
});

/** Words of a row, with what is only known now. */
function words(args: string): string[] {
  return args
    .split(" ")
    .filter((word) => word !== "")
    .map((word) => (word === "HEAD" ? head.addresses[0]! : word.replaceAll("'", "")));
}

const BY_COMMAND = LEAVES.map(({ name }) => ({ name, rows: ROWS[name] ?? [] }));

describe("every command", () => {
  it.each(BY_COMMAND)("has a row for $name", ({ rows }) => {
    expect(rows.map(([, code]) => code)).toContain(2);
  });

  it.each(BY_COMMAND.flatMap(({ name, rows }) => rows.map((row) => [name, ...row] as const)))(
    "grain %s %s: %i",
    async (name, args, code, says) => {
      const ended = await grain(...name.split(" "), ...words(args));
      expect(ended).toEqual({ code, stdout: "", stderr: expect.stringMatching(/^grain: [^\n]+\n$/) });
      expect(ended.stderr).toMatch(says);
    },
  );

  it.each(LEAVES.filter(({ name }) => name !== "access new"))(
    "$path refuses a flag that it does not have, and names the near one",
    async ({ name }) => {
      expect(await grain(...name.split(" "), "--verbos")).toEqual({
        code: 2,
        stdout: "",
        stderr: `grain: unknown option '--verbos' (Did you mean --verbose?) (see grain ${name} --help)\n`,
      });
    },
  );
});

describe("the command", () => {
  it.each([
    ["", /^grain: no command is given; expected run or ls or .* \(see grain --help\)\n$/],
    ["lss", /^grain: unknown command 'lss' \(Did you mean ls\?\) \(see grain --help\)\n$/],
    ["cache", /^grain: no command is given; expected ls or rm \(see grain cache --help\)\n$/],
    ["access nw", /^grain: unknown command 'nw' .*\(see grain access --help\)\n$/],
    ["cache --address h:1 ls", /^grain: unknown option '--address' \(see grain cache --help\)\n$/],
  ])("refuses %j", async (args, stderr) => {
    expect(await grain(...words(args))).toEqual({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(stderr),
    });
  });

  it.each([["ls --verbose --address nonsense:port"], ["--verbose ls --address nonsense:port"]])(
    "shows where an error comes from: %j",
    async (args) => {
      const { code, stderr } = await grain(...words(args));
      expect(code).toBe(2);
      expect(stderr).toMatch(/^grain: ConfigError: .*nonsense:port.*\n {4}at /);
      expect(stderr).toMatch(/\nCaused by: .*\n {4}at /);
    },
  );
});
