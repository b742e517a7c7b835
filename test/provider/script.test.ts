import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError } from "../../proto/errors.js";
import { jobWord, shellWord } from "../../provider/quote.js";
import { jobScript } from "../../provider/script.js";
import type { ScriptSettings } from "../../provider/settings.js";
import { requestOf } from "../../provider/template.js";
import { JOB, settingsOf } from "./fakes.js";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "grain-script-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const FRAME = { system: "slurm", directives: ["#SBATCH --x"], id: "${ID:-7}" };
const SHELLS = ["#!/bin/sh", "#!/bin/bash"].filter((shebang) => existsSync(shebang.slice(2)));

function write(script: Partial<ScriptSettings>, command: string[]): string {
  const file = join(directory, "job.sh");
  const whole = settingsOf("slurm", script).script;
  writeFileSync(file, jobScript({ ...JOB, command }, whole, FRAME));
  chmodSync(file, 0o755);
  return file;
}

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a job script; `act` is called when it has said "ready". */
async function play(file: string, act: (pid: number) => void = () => {}): Promise<Ended> {
  const child = spawn(file, { cwd: directory, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr, acted] = ["", "", false];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    if (!acted && stdout.includes("ready")) {
      acted = true;
      act(child.pid!);
    }
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  return { code, signal, stdout, stderr };
}

const worker = (body: string) => ["node", "-e", body, "{{JOB}}"];

describe("a job script", () => {
  it("holds what the batch system reads, what the job is told, and the worker in the shell's place", () => {
    const settings = {
      walltimeMs: 5_400_000,
      cores: 4,
      memoryBytes: 2 ** 30,
      setupCleanup: ["module load node"],
    };
    const job = { ...JOB, environment: { GRAIN_ADDRESS: "head:7700", NOTE: "it's" } };
    expect(jobScript(job, settingsOf("slurm", settings).script, FRAME)).toMatchInlineSnapshot(`
      "#!/bin/bash
      #SBATCH --x
      export GRAIN_JOB_SYSTEM=slurm
      export GRAIN_JOB_ID="\${ID:-7}"
      export GRAIN_JOB_STARTED="$(date +%s)"
      export GRAIN_JOB_SECONDS=5400
      export GRAIN_JOB_CORES=4
      export GRAIN_JOB_BYTES=1073741824
      export GRAIN_ADDRESS=head:7700
      export NOTE='it'\\''s'
      grain_check() {
        if [ "$1" -ne 0 ]; then
          echo "grain: this line of setup_cleanup failed with exit code $1, so no worker is started: $2" >&2
          exit "$1"
        fi
      }
      module load node
      grain_check $? 'module load node'
      exec grain-worker --name w120000-"$GRAIN_JOB_ID"
      "
    `);
  });

  it("keeps the shell where something is to be cleaned up", () => {
    const setupCleanup = ["mkdir -p $S", "defer rm -r $S"];
    expect(jobScript(JOB, settingsOf("slurm", { setupCleanup }).script, FRAME)).toMatchInlineSnapshot(`
      "#!/bin/bash
      #SBATCH --x
      export GRAIN_JOB_SYSTEM=slurm
      export GRAIN_JOB_ID="\${ID:-7}"
      export GRAIN_JOB_STARTED="$(date +%s)"
      export GRAIN_ADDRESS=head:7700
      grain_check() {
        if [ "$1" -ne 0 ]; then
          echo "grain: this line of setup_cleanup failed with exit code $1, so no worker is started: $2" >&2
          exit "$1"
        fi
      }
      grain_deferred=0
      grain_worker=
      grain_clean_up() {
        grain_status=$?
        trap '' TERM INT HUP USR1 USR2 XCPU
        trap - EXIT
        if [ "$grain_deferred" -ge 1 ]; then :
          rm -r $S
        fi
        exit "$grain_status"
      }
      grain_signal() {
        if [ -z "$grain_worker" ]; then exit 143; fi
        kill -TERM "$grain_worker" 2>/dev/null
      }
      trap grain_clean_up EXIT
      trap grain_signal TERM INT HUP USR1 USR2 XCPU
      mkdir -p $S
      grain_check $? 'mkdir -p $S'
      grain_deferred=1
      grain-worker --name w120000-"$GRAIN_JOB_ID" &
      grain_worker=$!
      wait "$grain_worker"
      grain_status=$?
      while kill -0 "$grain_worker" 2>/dev/null; do
        wait "$grain_worker"
        grain_status=$?
      done
      exit "$grain_status"
      "
    `);
  });

  it.each(["python", "#!/bin/tcsh", "#!/bin/csh -f", "#!/usr/bin/python3", "#!/bin/bash\nrm"])(
    "refuses the shebang %j",
    (shebang) => {
      expect(() => jobScript(JOB, settingsOf("slurm", { shebang }).script, FRAME)).toThrow(ConfigError);
    },
  );

  it("refuses directives of more than one line", () => {
    const frame = { ...FRAME, directives: ["#SBATCH --partition=a\nrm -r ~"] };
    expect(() => jobScript(JOB, settingsOf("slurm").script, frame)).toThrow(/more than one line/);
  });
});

describe.each(SHELLS)("run by %s", (shebang) => {
  it("hands the worker its arguments, and ends as it does", async () => {
    const tricky = "a 'b' $HOME `id` \"c\" {{JOB}}";
    const file = write({ shebang, setupCleanup: ["X=1"] }, [
      ...worker("console.log(JSON.stringify(process.argv.slice(1))); process.exit(5)"),
      tricky,
    ]);
    const { code, stdout } = await play(file);
    expect(code).toBe(5);
    expect(JSON.parse(stdout)).toEqual(["7", "a 'b' $HOME `id` \"c\" 7"]);
  });

  it("without clean-up gives the worker the signal itself", async () => {
    const body =
      "process.on('SIGTERM', () => { console.log('told', process.pid); process.exit(0); }); setInterval(() => {}, 1e6); console.log('ready');";
    let script = 0;
    const { code, stdout } = await play(write({ shebang }, worker(body)), (pid) => {
      script = pid;
      process.kill(pid, "SIGTERM");
    });
    expect(code).toBe(0);
    expect(stdout).toContain(`told ${script}`);
  });

  it("cleans up in reverse order after the worker, and keeps its exit code", async () => {
    const setupCleanup = [
      "defer echo one; pwd >/dev/null",
      "defer echo two # why",
      "defer # nothing",
      "echo up",
    ];
    const { code, stdout } = await play(
      write({ shebang, setupCleanup }, worker("console.log('work'); process.exitCode = 3")),
    );
    expect({ code, stdout }).toEqual({ code: 3, stdout: "up\nwork\ntwo\none\n" });
  });

  it("cleans up when it is killed by SIGTERM, after the worker has ended as politely as it wants", async () => {
    const body =
      "process.on('SIGTERM', () => setTimeout(() => { console.log('bye'); process.exit(0); }, 50)); setInterval(() => {}, 1e6); console.log('ready');";
    const file = write(
      { shebang, setupCleanup: ["mkdir scratch", "defer rmdir scratch", "defer echo cleaning"] },
      worker(body),
    );
    const { code, stdout } = await play(file, (pid) => process.kill(pid, "SIGTERM"));
    expect({ code, stdout }).toEqual({ code: 0, stdout: "ready\nbye\ncleaning\n" });
    expect(existsSync(join(directory, "scratch"))).toBe(false);
  });

  it("hands on a second signal as well", async () => {
    const body =
      "let n = 0; process.on('SIGTERM', () => { n += 1; if (n === 2) process.exit(0); console.log('ready'); }); setInterval(() => {}, 1e6); console.log('ready'); process.on('exit', () => console.log('n', n))";
    const file = write({ shebang, setupCleanup: ["defer echo cleaned"] }, worker(body));
    const { stdout } = await play(file, (pid) => {
      process.kill(pid, "SIGTERM");
      const again = setInterval(() => {
        try {
          process.kill(pid, "SIGTERM");
        } catch {
          clearInterval(again);
        }
      }, 20);
    });
    expect(stdout).toMatch(/n 2\ncleaned\n$/);
  });

  it("cleans up what was set up when the set-up is killed", async () => {
    const setupCleanup = [
      "defer echo first",
      "echo ready; kill -TERM $$; sleep 0.01",
      "defer echo never",
      "echo not reached",
    ];
    const { code, stdout } = await play(write({ shebang, setupCleanup }, worker("console.log('work')")));
    expect({ code, stdout }).toEqual({ code: 143, stdout: "ready\nfirst\n" });
  });

  it.each([
    ["no such command", ["true", "no-such-program --x", "touch reached"], 127, "no-such-program --x"],
    ["a construct", ["if true; then", "  (exit 4)", "fi", "touch reached"], 4, "if true; then (exit 4) fi"],
  ])(
    "starts no worker when the set-up fails by %s, and says which line it was",
    async (_, setupCleanup, exit, line) => {
      const all = ["defer echo undone", ...setupCleanup, "defer echo never"];
      const { code, stdout, stderr } = await play(
        write({ shebang, setupCleanup: all }, worker("console.log('work')")),
      );
      expect({ code, stdout }).toEqual({ code: exit, stdout: "undone\n" });
      expect(stderr).toContain(
        `grain: this line of setup_cleanup failed with exit code ${exit}, so no worker is started: ${line}\n`,
      );
      expect(existsSync(join(directory, "reached"))).toBe(false);
    },
  );

  it("tells the job what was asked for", async () => {
    const file = write({ shebang, walltimeMs: 90_500, cores: 3, memoryBytes: 1024 }, ["env"]);
    const { stdout } = await play(file);
    expect(
      stdout
        .split("\n")
        .filter((line) => line.startsWith("GRAIN_JOB_"))
        .sort(),
    ).toEqual([
      "GRAIN_JOB_BYTES=1024",
      "GRAIN_JOB_CORES=3",
      "GRAIN_JOB_ID=7",
      "GRAIN_JOB_SECONDS=90",
      expect.stringMatching(/^GRAIN_JOB_STARTED=\d{10}$/),
      "GRAIN_JOB_SYSTEM=slurm",
    ]);
    expect(readFileSync(file, "utf8")).toContain("exec env");
  });
});

describe("names", () => {
  const now = new Date(2026, 0, 2, 3, 4, 5);
  it("hold the time, the name and the job", () => {
    const job = requestOf(settingsOf("slurm", {}, { logFile: "logs/{{NAME}}.{{JOB}}.{{HHMMSS}}" }), {
      now,
      cwd: "/home/a",
    });
    expect(job).toMatchObject({
      name: "w030405",
      logFile: "/home/a/logs/w030405.{{JOB}}.030405",
      command: ["grain-worker", "--name", "w030405-{{JOB}}"],
    });
  });

  it.each(["", "1w", "a b", "a\nb", "x".repeat(64)])("refuse %j", (jobName) => {
    expect(() => requestOf(settingsOf("slurm", {}, { jobName }), { now, cwd: "/" })).toThrow(
      /cannot name a job/,
    );
  });

  it.each([
    ["plain-1", "plain-1"],
    ["", "''"],
    ["it's", String.raw`'it'\''s'`],
    ["w-{{JOB}}", 'w-"$GRAIN_JOB_ID"'],
    ["{{JOB}}", '"$GRAIN_JOB_ID"'],
    ["a {{JOB}} b", `'a '"$GRAIN_JOB_ID"' b'`],
  ])("are words of a shell: %j", (text, word) => {
    expect(text.includes("{{") ? jobWord(text) : shellWord(text)).toBe(word);
  });
});
