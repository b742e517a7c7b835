import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { checkNode, checkSystem } from "../../../client/cli/diagnose.js";
import { compareHead } from "../../../client/cli/diagnose-head.js";
import { showChecks } from "../../../client/cli/doctor.js";
import { PLACEHOLDER, starterText } from "../../../client/cli/starter.js";
import { newCredential, startHead } from "../../../head/index.js";
import { toConfig } from "../../../proto/config/config.js";
import { SYSTEM_NAMES } from "../../../proto/config/entries.js";
import { readText } from "../../../proto/config/load.js";
import { hello, VERSION } from "../../../proto/version.js";
import { grain } from "./spoken.js";

let cwd: string;
const before = process.cwd();
beforeAll(async () => {
  cwd = await realpath(await mkdtemp(join(tmpdir(), "grain-test-")));
  process.chdir(cwd);
  vi.stubEnv("GRAIN_ADDRESS", "");
  vi.stubEnv("GRAIN_CONFIG", "");
  vi.stubEnv("GRAIN_ACCESS_DIR", join(cwd, "access"));
  vi.stubEnv("GRAIN_SHARED_DIR", "");
});
afterAll(async () => {
  process.chdir(before);
  vi.unstubAllEnvs();
  await rm(cwd, { recursive: true });
});

interface Check {
  check: string;
  status: string;
  message: string;
  advice?: string;
}

async function checks(...args: string[]): Promise<{ code: number; ok: boolean; of(name: string): Check[] }> {
  const { code, stdout, stderr } = await grain("doctor", "--json", ...args);
  expect(stderr).toBe("");
  const answer = JSON.parse(stdout) as { ok: boolean; checks: Check[] };
  expect(Object.keys(answer)).toEqual(["ok", "checks"]);
  return { code, ok: answer.ok, of: (name) => answer.checks.filter(({ check }) => check === name) };
}

async function head() {
  const { addresses, close } = await startHead({ listen: ["127.0.0.1:0"] });
  onTestFinished(() => close());
  return addresses[0]!;
}

describe("grain doctor", () => {
  it("finds nothing wrong with a machine by itself", async () => {
    const { code, stdout } = await grain("doctor");
    expect(code).toBe(0);
    expect(stdout.replace(process.versions.node, "20.20.0").replace(cwd, "/home/ada")).toMatchInlineSnapshot(`
      "ok    node           Node.js 20.20.0
      ok    configuration  There is none: programs run on this machine.
      ok    credentials    There are none in /home/ada/access. None are
                           needed.
      warn  shared memory  There is none: large values are sent instead of shared on
                           one machine.
                           -> Name a directory in memory with GRAIN_SHARED_DIR.
      ok    head           None is named: each program brings its own.
      "
    `);
  });

  it("finds nothing wrong with a head that answers", async () => {
    const address = await head();
    const { code, ok, of } = await checks("--address", address);
    expect({ code, ok }).toEqual({ code: 0, ok: true });
    expect(of("head")).toMatchObject([{ status: "ok" }]);
    expect(of("head")[0]!.message).toMatch(
      /^127\.0\.0\.1:\d+ answers \(.*, process \d+\), up .*, 0 workers\.$/,
    );
    expect(of("versions")).toMatchObject([{ status: "ok" }]);
    expect(of("clocks")).toMatchObject([{ status: "ok" }]);
    expect(of("credentials").map(({ status }) => status)).toContain("ok");
  });

  it("fails where no head answers", async () => {
    const { code, ok, of } = await checks("--address", "127.0.0.1:1");
    expect({ code, ok }).toEqual({ code: 1, ok: false });
    expect(of("head")).toMatchObject([
      { status: "fail", message: expect.stringContaining("No head answered") },
    ]);
  });

  it("fails with the line of a wrong configuration", async () => {
    await writeFile(join(cwd, "wrong.toml"), "[worker]\nnam = 1\n");
    const { code, of } = await checks("-c", "wrong.toml");
    expect(code).toBe(1);
    expect(of("configuration")).toMatchObject([
      { status: "fail", message: `${cwd}/wrong.toml:2: there is no nam in [worker]; did you mean name?` },
    ]);
  });

  it("does not say what a configuration that cannot be read might name", async () => {
    await writeFile(join(cwd, "wrong.toml"), "[worker]\nnam = 1\n");
    const { of } = await checks("-c", "wrong.toml");
    expect(of("credentials")).toEqual([]);
    expect(of("head")).toMatchObject([{ status: "warn", message: expect.stringMatching(/not looked for/) }]);
    const named = await checks("-c", "wrong.toml", "--address", await head());
    expect(named.of("head")).toMatchObject([{ status: "ok" }]);
  });

  it.each(SYSTEM_NAMES)("fails where the file that init wrote for %s is to be edited", async (system) => {
    // A head is not what is looked for here.
    await writeFile(join(cwd, "new.toml"), starterText(system).replace(/^address/m, "#address"));
    const { of } = await checks("-c", "new.toml");
    const needed = /^[^#\n]*<(\w+)>/gm;
    const marked = starterText(system).match(needed) ?? [];
    expect(of("configuration").slice(1)).toHaveLength(marked.length);
    for (const { status, message } of of("configuration").slice(1)) {
      expect(status).toBe("fail");
      expect(message).toMatch(/new\.toml:\d+: .* still has <\w+> in it\.$/);
    }
    // Every mark is one that is known, the others are comments.
    for (const [mark] of starterText(system).matchAll(/<\w+>/g)) expect(mark).toMatch(PLACEHOLDER);
  });

  it("warns of entries without effect", async () => {
    await writeFile(join(cwd, "old.toml"), 'contextmod = "my.context"\n');
    const { code, of } = await checks("-c", "old.toml");
    expect(code).toBe(0);
    expect(of("configuration").map(({ status }) => status)).toEqual(["ok", "warn"]);
  });

  it("fails when credentials are open to others", async () => {
    const access = join(cwd, "open");
    await mkdir(access);
    await chmod(access, 0o755);
    const { code, of } = await checks("--access", access);
    expect(code).toBe(1);
    expect(of("credentials")).toMatchObject([
      { status: "fail", message: expect.stringContaining(`chmod 700 ${access}`) },
    ]);
  });

  it("warns of credentials that end soon", async () => {
    await head();
    const access = join(cwd, "access");
    const { text } = await newCredential(access, { role: "client", name: "ada", validMs: 86_400_000 });
    const file = join(cwd, "client.pem");
    await writeFile(file, text, { mode: 0o600 });
    const { code, of } = await checks("--access", file);
    expect(code).toBe(0);
    expect(of("credentials")).toMatchObject([
      { status: "warn", advice: expect.stringContaining("grain access new") },
    ]);
  });

  it("warns of connections that nobody guards", async () => {
    const { of } = await checks("--insecure");
    expect(of("credentials")).toMatchObject([{ status: "warn" }]);
  });

  it("says what is wrong with shared memory", async () => {
    vi.stubEnv("GRAIN_SHARED_DIR", join(cwd, "absent"));
    expect((await checks()).of("shared memory")).toMatchObject([{ status: "warn" }]);
    vi.stubEnv("GRAIN_SHARED_DIR", "");
  });

  it("refuses what it does not know with one line and 2", async () => {
    const { code, stderr } = await grain("doctor", "--fast");
    expect(code).toBe(2);
    expect(stderr).toBe("grain: unknown option '--fast' (see grain doctor --help)\n");
  });
});

describe("each check", () => {
  it.each([
    ["20.18.3", "fail"],
    ["20.19.0", "ok"],
    ["22.0.0", "ok"],
    ["18.20.0", "fail"],
  ])("Node.js %s: %s", (version, status) => {
    expect(checkNode(version).status).toBe(status);
  });

  const configOf = async (text: string) => toConfig("/g", await readText({ text, file: "/g" }));

  it.each([
    ['system = "local"', []],
    ['system = "slurm"', ["fail"]],
    ['system = "kubernetes"', []],
    ['system = "ssh"', ["fail"]],
    ['system = "ssh"\n[ssh]\nhosts = ["n1"]\ncommand = "/bin/sh"', ["ok"]],
    ['[system.custom]\nsubmit = "/bin/sh"', ["fail"]],
    ['[system.custom]\nsubmit = "/bin/sh"\nstatus = "/bin/sh"\ncancel = "/bin/sh -x"', ["ok"]],
    ['[system.custom]\nsubmit = "nosuch"\nstatus = "/bin/sh"\ncancel = "/bin/sh"', ["fail"]],
  ])("%j: %j", async (text, statuses) => {
    expect(checkSystem(await configOf(text), "/no/such").map(({ status }) => status)).toEqual(statuses);
  });

  const status = (change: { clockMs?: number; version?: string; node?: string }) => ({
    hello: { ...hello(), version: change.version ?? VERSION, node: change.node ?? process.version },
    uptimeMs: 61_000,
    workers: [],
    sessions: [],
    queues: [],
    lateResults: 0,
    clockMs: change.clockMs ?? 10_000_000,
  });
  const asked = { askedMs: 9_999_900, answeredMs: 10_000_100 };

  it.each([
    [{}, "ok", "ok"],
    [{ version: "0.0.9" }, "warn", "ok"],
    [{ node: "v18.1.0" }, "warn", "ok"],
    [{ clockMs: 10_005_000 }, "ok", "warn"],
    [{ clockMs: 9_900_000 }, "ok", "fail"],
    [{ clockMs: 0 }, "ok", undefined],
  ])("a head with %j: versions %s, clocks %s", (change, versions, clocks) => {
    const [head, version, clock] = compareHead("h:1", status(change), asked);
    expect(head).toMatchObject({ status: "ok" });
    expect(version).toMatchObject({ status: versions });
    expect(clock?.status).toBe(clocks);
  });

  it("is readable at 80 columns", () => {
    const shown = showChecks(
      [
        { check: "node", status: "ok", message: "Node.js 22.1.0" },
        ...compareHead("cluster:7700", status({ clockMs: 9_900_000 }), asked).slice(2),
      ],
      (_, text) => text,
    );
    expect(shown).toMatchInlineSnapshot(`
      "ok    node    Node.js 22.1.0
      fail  clocks  The head's clock is 0:01:40 behind this machine's.
                    -> Set both by NTP: credentials and walltimes depend on them.
      "
    `);
    for (const line of shown.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });
});
