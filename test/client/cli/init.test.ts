import { mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { askSystem, likelySystem } from "../../../client/cli/init.js";
import { type StarterSystem, starterText } from "../../../client/cli/starter.js";
import { toConfig } from "../../../proto/config/config.js";
import { SYSTEM_NAMES } from "../../../proto/config/entries.js";
import { readText } from "../../../proto/config/load.js";
import { ConfigError } from "../../../proto/errors.js";
import { grain } from "./spoken.js";

let cwd: string;
const before = process.cwd();
beforeAll(async () => {
  cwd = await realpath(await mkdtemp(join(tmpdir(), "grain-test-")));
  process.chdir(cwd);
  vi.stubEnv("PATH", cwd);
});
afterAll(async () => {
  process.chdir(before);
  vi.unstubAllEnvs();
  await rm(cwd, { recursive: true });
});
beforeEach(() => rm(join(cwd, "grain.toml"), { force: true }));

const file = () => join(cwd, "grain.toml");
const read = async (text: string) => toConfig("/g", await readText({ text, file: "/g" }));

describe("grain init", () => {
  it("writes a file for a system", async () => {
    expect(await grain("init", "--system", "slurm")).toEqual({
      code: 0,
      stdout: `Wrote ${file()} for slurm.\nEdit what is marked with <…> in it.\nCheck it with "grain doctor".\nSee all of it with "grain config show".\n`,
      stderr: "",
    });
    expect((await readFile(file(), "utf8")).replace(`"${hostname()}:`, '"login:')).toMatchInlineSnapshot(`
      "# Configuration of Grain. "grain config show" says what it comes to, with
      # --all also what else there is. Entries behind a # are not set.

      # how workers are started; "local" is on this machine
      system = "slurm"

      # the head, for programs, commands and workers (default: none: a program brings
      # its own head)
      address = "login:7700"

      [head]
      # where the head listens: an address or a list (default: 127.0.0.1:7700)
      listen = "0.0.0.0:7700"
      # log of the head (default: standard error)
      #log_file = "head-{{HHMMSS}}.log"
      # the head ends after so long without clients (default: never)
      #idle_quit = "30m"

      [worker]
      # log of a worker (default: standard error)
      #log_file = "logs/{{NAME}}.log"
      # told to leave, a worker lets tasks run for so long (default: to their end)
      #drain_deadline = "10m"
      # what a worker offers: see grain-worker --res (default: what its machine has)
      #res = { capacity = 8, token = "fast-disk" }

      [script]
      # how long a job may last (default: the system's)
      walltime = "1:00:00"
      # cores of a job (default: the system's)
      cores = 4
      # memory of a job: gigabytes, or a size such as "500M" (default: the system's)
      memory = 8
      # queue or partition (default: the system's)
      #queue = "<partition>"
      # further arguments for the submit command, one each (default: none)
      #extra_args = ["--account=<account>"]
      # lines run before the worker; those that begin with \`defer \` after it, in
      # reverse order (default: none)
      #setup_cleanup = """
      #module load nodejs
      #mkdir -p $TMPDIR/work
      #defer rm -rf $TMPDIR/work
      #"""

      [scale]
      # workers to keep even without work
      #min = 0
      # most workers; makes the number follow the work (default: the number is fixed)
      #max = 20
      # workers without work for so long leave
      #idle = "5m"
      "
    `);
  });

  it("writes another file, and one for this machine where nothing else is there", async () => {
    const { code, stdout } = await grain("init", "-c", "site.toml");
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `Wrote ${join(cwd, "site.toml")} for this machine.\nCheck it with "grain doctor -c site.toml".\nSee all of it with "grain config show -c site.toml".\n`,
    });
  });

  it("replaces nothing unless told to", async () => {
    await writeFile(file(), "mine");
    expect(await grain("init", "--system", "pbs")).toEqual({
      code: 1,
      stdout: "",
      stderr: `grain: ${file()} is there already; name another with -c, or replace it with --force.\n`,
    });
    expect(await readFile(file(), "utf8")).toBe("mine");
    expect(await grain("init", "--system", "pbs", "--force")).toMatchObject({ code: 0 });
    expect(await read(await readFile(file(), "utf8"))).toMatchObject({ system: "pbs" });
  });

  it.each([
    [["init", "--system", "slrm"], 2, /Expected one of local, slurm, .*kubernetes/],
    [["init", "here.toml"], 2, /too many arguments/],
    [["init", "-c", "/no/such/place/g.toml"], 1, /\/no\/such\/place\/g\.toml cannot be written/],
  ])("answers %j with one line and %d", async (args, code, message) => {
    const said = await grain(...args);
    expect(said).toMatchObject({ code, stdout: "" });
    expect(said.stderr).toMatch(message);
    expect(said.stderr).toMatch(/^grain: [^\n]*\n$/);
  });
});

describe("the file it writes", () => {
  it.each(SYSTEM_NAMES)("for %s can be read, as it is and with everything set", async (system) => {
    const text = starterText(system);
    expect(await read(text)).toMatchObject({ system, warnings: [] });
    const everything = await read(text.replaceAll(/^#(?! )/gm, ""));
    expect(everything.entries.size).toBe([...text.matchAll(/^#?\w+ = /gm)].length);
    for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("names this machine where others must reach its head", async () => {
    for (const system of ["slurm", "pbs", "lsf", "sge", "ssh"] as const)
      expect((await read(starterText(system))).worker.address).toBe(`${hostname()}:7700`);
    expect((await read(starterText("local"))).address).toBeUndefined();
  });
});

describe("which system", () => {
  it.each<[string, StarterSystem]>([
    ["sbatch", "slurm"],
    ["bsub", "lsf"],
    ["qconf", "sge"],
    ["qsub", "pbs"],
    ["other", "local"],
  ])("%s means %s", async (command, system) => {
    const directory = await mkdtemp(join(cwd, "bin-"));
    await writeFile(join(directory, command), "");
    expect(likelySystem(`/no/such:${directory}`)).toBe(system);
  });

  const asked = async (...answers: string[]) => {
    const stdin = new PassThrough();
    const stdout = new PassThrough();
    let shown = "";
    stdout.setEncoding("utf8").on("data", (text) => {
      shown += text;
      const answer = text.endsWith("] ") ? answers.shift() : undefined;
      if (answer !== undefined) stdin.write(`${answer}\n`);
      else if (text.endsWith("] ")) stdin.end();
    });
    return { system: await askSystem("slurm", { stdin, stdout }), shown };
  };

  it("is asked for until the answer is one", async () => {
    const { system, shown } = await asked("slrm", "something", "PBS");
    expect(system).toBe("pbs");
    expect(shown).toMatchInlineSnapshot(`
      "How are workers started (local, slurm, pbs, lsf, sge, ssh, kubernetes)?
      [slurm] "slrm" is none of them; did you mean slurm?
      How are workers started (local, slurm, pbs, lsf, sge, ssh, kubernetes)?
      [slurm] "something" is none of them.
      How are workers started (local, slurm, pbs, lsf, sge, ssh, kubernetes)?
      [slurm] "
    `);
  });

  it("is the likely one when nothing is answered", async () => {
    expect((await asked("")).system).toBe("slurm");
  });

  it("is none when the input ends", async () => {
    await expect(asked()).rejects.toThrow(ConfigError);
    await expect(asked()).rejects.toThrow("say it with --system");
  });
});
