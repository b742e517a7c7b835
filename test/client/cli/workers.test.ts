/** What `grain up`, `start`, `ls` and `quit` print, with a batch system of small scripts. */

import { mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { ls } from "../../../client/cli/ls.js";
import { outputOf } from "../../../client/cli/output.js";
import { quit } from "../../../client/cli/quit.js";
import { start } from "../../../client/cli/start.js";
import { up } from "../../../client/cli/up.js";
import { startHead } from "../../../head/index.js";
import type { HeadToWorker, WorkerMessage } from "../../../proto/grain.js";
import { memoryLink } from "../../../proto/link/memory.js";
import { poolOfCores, ScriptedWorker } from "../../kit/peers.js";
import { Fakes } from "../../provider/fakes.js";

const NOW = new Date(2026, 10, 23, 12, 0, 0);
const ROW = [24, 24, 24, 16, 64, 200];
const row = (...cells: string[]) => cells.map((cell, i) => cell.padEnd(ROW[i]!)).join("");

let directory: string;
let out: string;
let warnings: string[];
const voice = {
  print: (text: string) => {
    out += text;
  },
  warn: (text: string) => void warnings.push(text),
};
/** Without what differs from run to run. */
const shown = () =>
  out
    .replaceAll(directory, "/site")
    .replaceAll(process.env.GRAIN_ACCESS_DIR!, "/access")
    .replaceAll(/\d+:\d\d:\d\d ago/g, "0:00:07 ago")
    .replaceAll(/^Head .*\n/gm, "Head …\n");

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "grain-cli-")));
  const before = process.cwd();
  process.chdir(directory);
  vi.stubEnv("XDG_STATE_HOME", join(directory, "state"));
  vi.stubEnv("GRAIN_ADDRESS", "");
  vi.stubEnv("GRAIN_CONFIG", "");
  out = "";
  warnings = [];
  onTestFinished(() => {
    process.chdir(before);
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true, force: true });
  });
});

function configure(text: string): void {
  writeFileSync(join(directory, "grain.toml"), `access = "credentials"\n${text}`);
}

const SLURM = `system = "slurm"
address = "login1:7700"
[worker]
cmd = "grain-worker"
[head]
cmd = "grain-head"
[script]
queue = "main"
walltime = "1:30:00"
cores = 4
memory = 8
setup_cleanup = """
module load node
"""
`;

describe("grain up", () => {
  it("prints what would be submitted", async () => {
    configure(SLURM);
    expect(await up(["--account=me"], { number: 4, dry: true }, voice, NOW)).toBe(0);
    expect(shown()).toMatchInlineSnapshot(`
      "#!/bin/bash
      #SBATCH --job-name=w120000
      #SBATCH --output="/site/grain-logs/w120000-%j.log"
      #SBATCH --open-mode=append
      #SBATCH --nodes=1
      #SBATCH --ntasks=1
      #SBATCH --partition=main
      #SBATCH --time=1:30:00
      #SBATCH --cpus-per-task=4
      #SBATCH --mem=8192M
      export GRAIN_JOB_SYSTEM=slurm
      export GRAIN_JOB_ID="\${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}\${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}"
      export GRAIN_JOB_STARTED="$(date +%s)"
      export GRAIN_JOB_SECONDS=5400
      export GRAIN_JOB_CORES=4
      export GRAIN_JOB_BYTES=8589934592
      grain_check() {
        if [ "$1" -ne 0 ]; then
          echo "grain: this line of setup_cleanup failed with exit code $1, so no worker is started: $2" >&2
          exit "$1"
        fi
      }
      module load node
      grain_check $? 'module load node'
      exec grain-worker --name w120000-"$GRAIN_JOB_ID" --address login1:7700 --access /access --config /site/grain.toml
      # submitted by: sbatch --parsable --account=me
      "
    `);
    expect(warnings).toEqual([]);
  });

  it("submits, and says what to do next", async () => {
    configure(SLURM);
    new Fakes().add("sbatch", 'wc -l < "$FAKES/sbatch.args" | tr -d " "');
    expect(await up([], { number: 10 }, voice, NOW)).toBe(0);
    expect(shown()).toMatchInlineSnapshot(`
      "Submitted 10 jobs of workers to Slurm: 1, 2, 3, 4, 5, 6, 7, 8 and 2 more (w120000).
      Logs: /site/grain-logs/w120000-<job>.log
      "grain ls" shows them, "grain quit 'w120000*'" ends them.
      "
    `);
    expect(readdirSync(join(directory, "grain-logs"))).toEqual([]);
    expect(readdirSync(join(directory, "state/grain/jobs"))).toHaveLength(10);
  });

  it("remembers what was submitted before it went wrong", async () => {
    configure(SLURM);
    new Fakes().add(
      "sbatch",
      'n=$(wc -l < "$FAKES/sbatch.args" | tr -d " "); [ "$n" -lt 3 ] || { echo "sbatch: error: QOSMaxSubmitJobPerUserLimit" >&2; exit 1; }; echo $n',
    );
    await expect(up([], { number: 4 }, voice, NOW)).rejects.toThrow(
      'Slurm refused the job (sbatch, exit code 1): QOSMaxSubmitJobPerUserLimit. "grain up --dry" shows what was submitted. 2 of 4 jobs were submitted before that: 1, 2.',
    );
    expect(readdirSync(join(directory, "state/grain/jobs"))).toEqual(["slurm-1.json", "slurm-2.json"]);
  });

  it("warns of a head that workers elsewhere cannot reach", async () => {
    configure('system = "slurm"\naddress = "127.0.0.1:7700"\n');
    await up([], { number: 1, dry: true }, voice, NOW);
    expect(warnings).toEqual([
      expect.stringMatching(/^the head's address 127\.0\.0\.1:7700 is that of this machine only/),
    ]);
  });

  it.each([
    ["no head", 'system = "slurm"\n', /^No head is named, so workers would not find it\. Start one/],
    [
      "a name that is none",
      `${SLURM.replace("[worker]", '[worker]\nname = "1 x"')}`,
      /"1 x" cannot name a job/,
    ],
    ["a shell that is none", `${SLURM}shebang = "#!/bin/tcsh"\n`, /must be a Bourne shell's/],
    ["no hosts", 'system = "ssh"\naddress = "h:1"\n', /No hosts are named for system = "ssh"/],
    [
      "a system without commands",
      'address = "h:1"\n[system.custom]\nqueued = ["Q"]\n',
      /\[system\.custom\] has no `submit`/,
    ],
  ])("refuses %s", async (_, text, message) => {
    configure(text);
    await expect(up([], { number: 1 }, voice, NOW)).rejects.toThrow(message);
    expect(out).toBe("");
  });
});

describe("grain start", () => {
  it("prints what would be submitted", async () => {
    configure(`${SLURM}[head.script]\nwalltime = "7d"\n`);
    expect(await start({ dry: true }, voice, NOW)).toBe(0);
    expect(shown()).toMatchInlineSnapshot(`
      "#!/bin/bash
      #SBATCH --job-name=head120000
      #SBATCH --output="/site/grain-logs/head120000-%j.log"
      #SBATCH --open-mode=append
      #SBATCH --nodes=1
      #SBATCH --ntasks=1
      #SBATCH --partition=main
      #SBATCH --time=7-00:00:00
      #SBATCH --cpus-per-task=4
      #SBATCH --mem=8192M
      export GRAIN_JOB_SYSTEM=slurm
      export GRAIN_JOB_ID="\${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}\${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}"
      export GRAIN_JOB_STARTED="$(date +%s)"
      export GRAIN_JOB_SECONDS=604800
      export GRAIN_JOB_CORES=4
      export GRAIN_JOB_BYTES=8589934592
      grain_check() {
        if [ "$1" -ne 0 ]; then
          echo "grain: this line of setup_cleanup failed with exit code $1, so no worker is started: $2" >&2
          exit "$1"
        fi
      }
      echo "grain: on $(hostname)"
      grain_check $? 'echo "grain: on $(hostname)"'
      module load node
      grain_check $? 'module load node'
      exec grain-head --listen 0.0.0.0:7700 --access /access --config /site/grain.toml
      # submitted by: sbatch --parsable
      "
    `);
  });

  it("waits until the head listens, and says where", async () => {
    configure(SLURM);
    new Fakes().add(
      "sbatch",
      `log=$(sed -n 's/^#SBATCH --output="\\(.*\\)"$/\\1/p' "$FAKES/sbatch.stdin" | sed 's/%j/42/')
printf 'grain: on node7\\ngrain-head 0.1.0 listening on 0.0.0.0:7700\\n' > "$log"; echo 42`,
    );
    expect(await start({}, voice, NOW)).toBe(0);
    expect(shown()).toMatchInlineSnapshot(`
      "Submitted the head to Slurm: job 42 (head120000).
      Log: /site/grain-logs/head120000-42.log
      Waiting until it runs; interrupting leaves the job as it is.
      It listens on node7:7700. For programs and workers:
        export GRAIN_ADDRESS=node7:7700
      "grain quit head120000" ends it.
      "
    `);
  });

  it("starts one here, which quit ends", async () => {
    configure(
      `${SLURM}\n`
        .replace("login1:7700", "127.0.0.1:0")
        .replace(
          'cmd = "grain-head"',
          `cmd = ["sh", "-c", "echo grain-head 1 listening on 127.0.0.1:7; exec sleep 300"]`,
        )
        .replace("module load node", "true"),
    );
    expect(await start({ local: true }, voice, NOW)).toBe(0);
    expect(shown().replaceAll(/\d+\.\d+ \(|-\d+\.\d+\.log/g, "<id>")).toMatchInlineSnapshot(`
      "Started a head on this machine: <id>head120000).
      Log: /site/grain-logs/head120000<id>
      It listens on 127.0.0.1:7. For programs and workers:
        export GRAIN_ADDRESS=127.0.0.1:7
      "grain quit head120000" ends it.
      "
    `);
    await expect(quit("head*", { address: "127.0.0.1:1" }, voice)).rejects.toThrow(
      'No worker or job is called "head*"; a head is ended by its full name: head120000.',
    );
    out = "";
    expect(await quit("head120000", { address: "127.0.0.1:1" }, voice)).toBe(0);
    expect(out).toMatch(/^Cancelled 1 job: \d+\.\d+ \(head120000\)\.\n$/);
  });

  it("says when the head has ended, with the end of its log", async () => {
    configure(
      `system = "local"\n[head]\ncmd = ["sh", "-c", "echo grain-head: the port is in use >&2; exit 1"]\n`,
    );
    await expect(start({ local: true }, voice, NOW)).rejects.toThrow(
      /^The head \d+\.\d+ has ended before it listened .*; read its log .*head120000-\d+\.\d+\.log\. Its log ends with: grain-head: the port is in use$/,
    );
  });
});

/** A head with a worker "w120000-1" in job slurm:1. */
async function headWithWorker() {
  const { head, addresses, close } = await startHead({ listen: ["127.0.0.1:0"] });
  onTestFinished(() => close());
  const [mine, heads] = memoryLink<WorkerMessage, HeadToWorker>();
  head.acceptWorker(heads);
  const worker = new ScriptedWorker(mine);
  await worker.introduce({ name: "w120000-1", pool: poolOfCores(4), job: "slurm:1" });
  return { address: addresses[0]!, worker };
}

/** Jobs 1 (a worker), 2 (waits) and 3 (has failed). */
async function submitted(): Promise<Fakes> {
  configure(SLURM.replace('access = "credentials"\n', ""));
  const rows = [
    row("1", "N/A", "RUNNING", "0", "node7", "None"),
    row("2", "N/A", "PENDING", "0", "", "Resources"),
    row("3", "N/A", "FAILED", "32512", "node7", "NonZeroExitCode"),
    row("4", "N/A", "COMPLETED", "0", "node7", "None"),
  ];
  const fakes = new Fakes()
    .add("sbatch", 'wc -l < "$FAKES/sbatch.args" | tr -d " "')
    .add("squeue", `cat <<'EOF'\n${rows.join("\n")}\nEOF`)
    .add("scancel", "");
  await up([], { number: 4 }, voice, NOW);
  writeFileSync(
    join(directory, "grain-logs/w120000-3.log"),
    "module: command not found\ngrain: this line of setup_cleanup failed\n",
  );
  out = "";
  return fakes;
}

describe("grain ls", () => {
  it("shows jobs that are no workers, and the logs of those that failed", async () => {
    await submitted();
    const { address } = await headWithWorker();
    const access = process.env.GRAIN_ACCESS_DIR!;
    expect(await ls({ address, access }, outputOf({ write: voice.print }))).toBe(0);
    expect(shown().replace(/ \d+s$/m, " 0s")).toMatchInlineSnapshot(`
      "Head …

      WORKER     STATE  CORES  MEMORY  RUN  AHEAD  DONE  AGE
      w120000-1  ready  4/4    8/8G      0      0     0  0s

      Nothing is queued.

      JOB  NAME     SYSTEM  STATE               SUBMITTED
      2    w120000  slurm   queued (Resources)  0:00:07 ago

      Job 3 (w120000) failed: FAILED, NonZeroExitCode, exit code 127. Read its log /site/grain-logs/w120000-3.log
        grain: this line of setup_cleanup failed
      "
    `);
    out = "";
    await ls({ address, access, json: true }, outputOf({ write: voice.print }));
    expect(JSON.parse(out)).toMatchObject({
      workers: [{ name: "w120000-1", job: "slurm:1" }],
      jobs: [
        { id: "1" },
        { id: "2", state: { type: "queued" } },
        { id: "3", state: { type: "failed", exitCode: 127 } },
      ],
    });
  });

  it("tells by the logs what became of jobs that the batch system has forgotten", async () => {
    await submitted();
    new Fakes().add("squeue", "").add("sacct", "exit 1");
    const { address } = await headWithWorker();
    const options = { address, access: process.env.GRAIN_ACCESS_DIR! };
    writeFileSync(join(directory, "grain-logs/w120000-2.log"), "Worker w120000-2 has left.\n");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 120_000 });
    onTestFinished(() => void vi.useRealTimers());
    await ls(options, outputOf({ write: voice.print }));
    const lines = out.split("\n").filter((line) => /^(Job )?\d /.test(line));
    expect(lines).toEqual([
      expect.stringMatching(/^4 +w120000 +slurm +unknown/),
      expect.stringMatching(/^Job 3 \(w120000\) failed: it ended at once\. Read its log/),
    ]);
    expect(readdirSync(join(directory, "state/grain/jobs"))).not.toContain("slurm-2.json");
  });

  it("shows jobs also where no head answers", async () => {
    await submitted();
    await expect(ls({ address: "127.0.0.1:1" }, outputOf({ write: voice.print }))).rejects.toThrow(
      /No head answered/,
    );
    expect(out).toMatch(
      /^1 +w120000 +slurm +runs, no worker \(node7\) .*\n2 +w120000 +slurm +queued \(Resources\)/m,
    );
  });
});

describe("grain quit", () => {
  it.each([
    ["lets workers go and cancels jobs that have not started", false],
    ["ends them", true],
  ])("%s", async (_, force) => {
    const fakes = await submitted();
    const { address, worker } = await headWithWorker();
    const access = process.env.GRAIN_ACCESS_DIR!;
    expect(await quit("w12*", { address, access, ...(force ? { force: true as const } : {}) }, voice)).toBe(
      0,
    );
    expect(out).toBe(
      `${force ? "Ended 1 worker" : "Asked 1 worker to leave when what runs there has ended"}: w120000-1.\nCancelled 1 job: 2 (w120000).\n`,
    );
    expect(await worker.inbox.take("leave")).toEqual({
      kill: force,
      reason: `asked by grain quit${force ? " -f" : ""}`,
    });
    expect(fakes.calls("scancel")).toEqual(["2"]);
  });

  it("knows workers by their job, and nothing by another name", async () => {
    await submitted();
    const { address } = await headWithWorker();
    const options = { address, access: process.env.GRAIN_ACCESS_DIR! };
    await expect(quit("nothing*", options, voice)).rejects.toThrow(
      'No worker or job is called "nothing*"; there are w120000-1, w120000.',
    );
    await quit("1", options, voice);
    expect(out).toMatch(/^Asked 1 worker .*: w120000-1\.\n$/);
  });

  it("cancels jobs also where no head answers", async () => {
    const fakes = await submitted();
    expect(await quit("*", { address: "127.0.0.1:1" }, voice)).toBe(0);
    expect(warnings).toEqual([
      expect.stringMatching(/No head answered .* Only jobs can be cancelled: those that run with --force\.$/),
    ]);
    await quit("*", { address: "127.0.0.1:1", force: true }, voice);
    expect(fakes.calls("scancel")).toEqual(["2", "1"]);
  });
});
