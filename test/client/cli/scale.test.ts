/** What `grain scale` prints and refuses. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { outputOf } from "../../../client/cli/output.js";
import { scale } from "../../../client/cli/scale.js";
import { scaleJson, showScale } from "../../../client/cli/scale-text.js";
import { newCredential } from "../../../head/access/issue.js";
import { startHead } from "../../../head/index.js";
import type { ScaleStatus } from "../../../proto/grain.js";
import { FakeProvider, fleetOn } from "../../head/scale/fake-provider.js";
import { grain } from "./spoken.js";

const PLAIN = outputOf({ write: () => {} });

const STATUS: ScaleStatus = {
  mode: "demand",
  min: 0,
  max: 20,
  idleMs: 300_000,
  system: "Slurm",
  workers: 4,
  idle: 1,
  leaving: 1,
  ending: 0,
  queued: 1,
  starting: 0,
  others: 0,
  wanted: 2,
  ready: 7,
  worker: "4 cores, 7.5G memory, 0:57:00 left",
  probing: false,
  unfit: [{ demand: "8 cores", tasks: 3, reason: "8 cores asked, 4 there" }],
  pause: undefined,
  retryMs: 0,
  quota: 38,
  problem: "",
  warnings: [],
  configFile: "/home/ada/scan/grain.toml",
  refused: "",
  decisions: [
    {
      agoMs: 4_000,
      text: "0 to 20 workers by demand; there: 3 workers, 1 leaving; ready tasks would fill 2 more; submits 1 job of 2 wanted (backlog 1)",
    },
    { agoMs: 63_000, text: "0 to 20 workers by demand wanted" },
  ],
};

describe("how it stands", () => {
  it("by demand", () => {
    expect(showScale(STATUS, 9, PLAIN)).toMatchInlineSnapshot(`
      "Keeps 0 to 20 workers on Slurm, as many as there is work for; idle ones leave
        after 0:05:00.
      There: 4 workers (1 idle, 1 leaving), 1 job waiting.
      Work: 7 ready tasks would fill 2 more workers of 4 cores, 7.5G memory, 0:57:00
        left.
      Jobs are as /home/ada/scan/grain.toml says.
      No worker is asked for by 3 tasks of 8 cores: 8 cores asked, 4 there.

      0:00:04 ago  0 to 20 workers by demand; there: 3 workers, 1 leaving; ready tasks
        would fill 2 more; submits 1 job of 2 wanted (backlog 1)
      0:01:03 ago  0 to 20 workers by demand wanted
      "
    `);
  });

  it("of a fixed number that is paused", () => {
    const pause = {
      why: "3 jobs in a row gave no worker",
      logFile: "/home/ada/scan/grain-logs/w142305-4711.log",
      lastLine:
        "grain: this line of setup_cleanup failed with exit code 127, so no worker is started: module load nosuch",
      agoMs: 180_000,
    };
    const fixed = {
      ...STATUS,
      mode: "fixed",
      min: 4,
      max: 4,
      workers: 0,
      idle: 0,
      leaving: 0,
      queued: 0,
      unfit: [],
    };
    expect(showScale({ ...fixed, pause }, 0, PLAIN)).toMatchInlineSnapshot(`
      "Keeps 4 workers on Slurm.
      There: 0 workers.
      A worker has 4 cores, 7.5G memory, 0:57:00 left.
      Jobs are as /home/ada/scan/grain.toml says.
      Paused 0:03:00 ago: 3 jobs in a row gave no worker.
      Read the log /home/ada/scan/grain-logs/w142305-4711.log
      which ends with: grain: this line of setup_cleanup failed with exit code 127, so
        no worker is started: module load nosuch
      When it is repaired: grain scale --resume
      "
    `);
  });

  it("where something is to be waited for, or not known yet", () => {
    const problem = "Slurm does not answer: squeue was given up after 60 s";
    expect(
      showScale(
        {
          ...STATUS,
          problem,
          retryMs: 900_000,
          probing: true,
          worker: "",
          unfit: [],
          starting: 2,
          others: 1,
        },
        0,
        PLAIN,
      ),
    ).toMatchInlineSnapshot(`
      "Keeps 0 to 20 workers on Slurm, as many as there is work for; idle ones leave
        after 0:05:00.
      There: 4 workers (1 idle, 1 leaving), 1 job waiting, 2 jobs starting, 1 job of
        grain up.
      Work: 7 ready tasks would fill 2 more workers. What else a new one has is known
        when the first is there.
      Jobs are as /home/ada/scan/grain.toml says.
      The batch system could not be asked: Slurm does not answer: squeue was given up
        after 60 s.
      The next job is submitted in 0:15:00 at the earliest.
      "
    `);
    expect(
      showScale({ ...STATUS, mode: "off", unfit: [], workers: 1, idle: 0, leaving: 0, queued: 0 }, 0, PLAIN),
    ).toMatchInlineSnapshot(`
      "Keeps no number of workers: grain scale --help shows how to say one.
      There: 1 worker.
      "
    `);
  });

  it("for programs", () => {
    const { decisions, ...rest } = scaleJson(STATUS);
    expect(decisions).toHaveLength(2);
    expect(rest).toEqual({
      ...{
        mode: "demand",
        min: 0,
        max: 20,
        idleMs: 300_000,
        system: "Slurm",
        workers: 4,
        idle: 1,
        leaving: 1,
      },
      ...{
        ending: 0,
        queued: 1,
        starting: 0,
        others: 0,
        wanted: 2,
        ready: 7,
        probing: false,
        retryMs: 0,
        quota: 38,
      },
      worker: "4 cores, 7.5G memory, 0:57:00 left",
      unfit: [{ demand: "8 cores", tasks: 3, reason: "8 cores asked, 4 there" }],
      pause: null,
      problem: "",
      warnings: [],
      configFile: "/home/ada/scan/grain.toml",
    });
  });
});

/** A head with a batch system in memory. */
async function headWith(provider: FakeProvider, warnings: readonly string[] = []) {
  const directory = mkdtempSync(join(tmpdir(), "grain-scale-"));
  const { addresses, close } = await startHead({
    listen: ["127.0.0.1:0"],
    swarm: {
      open: async () => ({ ...fleetOn(provider, directory), warnings, configFile: "/site/grain.toml" }),
      goal: { type: "off" },
      book: join(directory, "book"),
      cwd: directory,
    },
  });
  onTestFinished(async () => {
    await close();
    rmSync(directory, { recursive: true, force: true });
  });
  return addresses[0]!;
}

describe("grain scale", () => {
  it("sets a number, lets it follow the work, and stops", async () => {
    const provider = new FakeProvider();
    const address = await headWith(provider, ["the queue is long"]);
    vi.stubEnv("GRAIN_ADDRESS", address);
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await grain("scale", "2")).toEqual({
      code: 0,
      stdout:
        "Keeps 2 workers on Fake.\nThere: 0 workers, 2 jobs waiting.\nA worker has 2 cores, 8G memory, 1:00:00 left.\nJobs are as /site/grain.toml says.\n",
      stderr: "grain: the queue is long\n",
    });
    expect((await grain("scale", "--max", "3", "--idle", "1m")).stdout).toBe(
      "Keeps 0 to 3 workers on Fake, as many as there is work for; idle ones leave\n  after 0:01:00.\nThere: 0 workers, 2 jobs waiting.\nWork: no ready task asks for more workers.\nJobs are as /site/grain.toml says.\n",
    );
    const listed = await grain("ls");
    expect(listed.stdout).toMatch(/^Head .*\nIt keeps 0 to 3 workers by demand on Fake \(grain scale\)\.\n/);
    const explained = await grain("scale", "--explain");
    expect(explained.stderr).toBe("");
    expect(explained.stdout).toMatch(/^\d:\d\d:\d\d ago {2}submitted 1, 2$/m);
    expect((await grain("scale", "--stop", "--cancel")).stdout).toBe(
      "Keeps no number of workers: grain scale --help shows how to say one.\nThere: 0 workers.\n",
    );
    expect(provider.in("queued")).toEqual([]);
    expect(JSON.parse((await grain("scale", "--json")).stdout)).toMatchObject({
      mode: "off",
      decisions: expect.any(Array),
    });
  });

  it.each<[string, string[], number, RegExp]>([
    ["a number that is none", ["many"], 2, /Expected a whole number from 0 to 100000/],
    ["two wishes", ["2", "--max", "3"], 2, /^grain: a number and --min, --max, --idle do not go together/],
    ["cancelling alone", ["--cancel"], 2, /--cancel goes with --stop/],
    ["an idle time that is none", ["--max", "3", "--idle", "soon"], 2, /"soon" is not a duration/],
    [
      "bounds that the head refuses",
      ["--min", "3", "--max", "2"],
      1,
      /^grain: At least 3 workers and at most 2 do not go together/,
    ],
    ["going on with nothing", ["--resume"], 1, /^grain: No number of workers is kept; say which/],
  ])("refuses %s", async (_, args, code, message) => {
    vi.stubEnv("GRAIN_ADDRESS", await headWith(new FakeProvider()));
    onTestFinished(() => void vi.unstubAllEnvs());
    const said = await grain("scale", ...args);
    expect(said).toMatchObject({ code, stdout: "" });
    expect(said.stderr).toMatch(message);
  });

  it("may be asked by whoever may look, and ordered by administrators only", async () => {
    const address = await headWith(new FakeProvider());
    const place = process.env.GRAIN_ACCESS_DIR!;
    const { text } = await newCredential(place, { role: "client" });
    const directory = mkdtempSync(join(tmpdir(), "grain-scale-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const access = join(directory, "client.pem");
    writeFileSync(access, text, { mode: 0o600 });
    const voice = { print: () => {}, warn: () => {} };
    expect(await scale(undefined, { address, access }, voice, PLAIN)).toBe(0);
    await expect(scale(1, { address, access }, voice, PLAIN)).rejects.toThrow(
      /has the role client and may not say how many workers there are to be; only administrators may/,
    );
  });

  it("says so where a head starts no workers", async () => {
    const { addresses, close } = await startHead({ listen: ["127.0.0.1:0"] });
    onTestFinished(() => close());
    const voice = { print: () => {}, warn: () => {} };
    await expect(
      scale(1, { address: addresses[0]!, access: process.env.GRAIN_ACCESS_DIR! }, voice, PLAIN),
    ).rejects.toThrow(
      /did not change the number of workers: it is part of a program and starts no workers; use one that grain-head or grain start has started\./,
    );
  });
});
