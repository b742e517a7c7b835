import { describe, expect, it } from "vitest";
import { ProviderError } from "../../provider/error.js";
import { slurm } from "../../provider/slurm.js";
import { Fakes, JOB, settingsOf } from "./fakes.js";

const SCRIPT = {
  queue: "main",
  walltimeMs: 5_430_000,
  cores: 4,
  memoryBytes: 8 * 2 ** 30,
  extraArgs: ["--gres=gpu:1"],
};

/** A row as squeue -O prints it. */
const row = (...[job, task, state, exit, host, reason]: string[]) =>
  [
    job!.padEnd(24),
    task!.padEnd(24),
    state!.padEnd(24),
    exit!.padEnd(16),
    host!.padEnd(64),
    reason!.padEnd(200),
  ].join("");

describe("Slurm", () => {
  it("gets scripts", () => {
    expect(slurm(settingsOf("slurm", SCRIPT)).script(JOB)).toMatchInlineSnapshot(`
      "#!/bin/bash
      #SBATCH --job-name=w120000
      #SBATCH --output="/logs/w120000-%j.log"
      #SBATCH --open-mode=append
      #SBATCH --nodes=1
      #SBATCH --ntasks=1
      #SBATCH --partition=main
      #SBATCH --time=1:31:00
      #SBATCH --cpus-per-task=4
      #SBATCH --mem=8192M
      #SBATCH --gres=gpu:1
      export GRAIN_JOB_SYSTEM=slurm
      export GRAIN_JOB_ID="\${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}\${SLURM_ARRAY_TASK_ID:+_$SLURM_ARRAY_TASK_ID}"
      export GRAIN_JOB_STARTED="$(date +%s)"
      export GRAIN_JOB_SECONDS=5430
      export GRAIN_JOB_CORES=4
      export GRAIN_JOB_BYTES=8589934592
      export GRAIN_ADDRESS=head:7700
      exec grain-worker --name w120000-"$GRAIN_JOB_ID"
      "
    `);
    expect(
      slurm(settingsOf("slurm", {}, { array: true })).script({ ...JOB, logFile: '/a b/100%"-{{JOB}}' }),
    ).toContain(String.raw`#SBATCH --output="/a b/100%%\"-%A_%a"`);
  });

  it("gets a job each, on standard input", async () => {
    const fakes = new Fakes().add("sbatch", 'wc -l < "$FAKES/sbatch.args" | tr -d " "');
    const provider = slurm(settingsOf("slurm", SCRIPT));
    expect(await provider.submit({ ...JOB, extraArgs: ["--account=me"] }, 3)).toEqual(["1", "2", "3"]);
    expect(fakes.calls("sbatch")).toEqual(Array(3).fill("--parsable --account=me"));
    expect(fakes.stdin("sbatch")).toBe(provider.script(JOB));
    expect(provider.commandLine({ ...JOB, extraArgs: ["--comment=a b"] }, 3)).toBe(
      "sbatch --parsable '--comment=a b'",
    );
  });

  it("gets an array", async () => {
    const fakes = new Fakes().add("sbatch", "echo '77;cluster'");
    const provider = slurm(settingsOf("slurm", SCRIPT, { array: true }));
    expect(await provider.submit(JOB, 3)).toEqual(["77_0", "77_1", "77_2"]);
    expect(fakes.calls("sbatch")).toEqual(["--parsable --array=0-2"]);
    expect(await provider.submit(JOB, 1)).toEqual(["77_0"]);
    expect(fakes.calls("sbatch")[1]).toBe("--parsable --array=0-0");
  });

  it.each([
    [
      "a wrong partition",
      'echo "sbatch: error: invalid partition specified: nope" >&2; echo "sbatch: error: Batch job submission failed: Invalid partition name specified" >&2; exit 1',
      "Slurm refused the job (sbatch, exit code 1): invalid partition specified: nope; Batch job submission failed: Invalid partition name specified. Set `queue` in [script] to one that sinfo lists.",
    ],
    [
      "too much",
      'echo "sbatch: error: Memory specification can not be satisfied" >&2; exit 1',
      "Slurm refused the job (sbatch, exit code 1): Memory specification can not be satisfied. Ask for less in [script] (cores, memory, extra_args): no machine there has as much.",
    ],
    [
      "silence",
      "exit 9",
      'Slurm refused the job (sbatch, exit code 9): it said nothing. "grain up --dry" shows what was submitted.',
    ],
    [
      "another program of the name",
      "echo hello",
      'Slurm refused the job (sbatch, exit code 0): hello. "grain up --dry" shows what was submitted.',
    ],
    ["an end by a signal", "kill -9 $$", expect.stringContaining("ended by SIGKILL")],
  ])("says in a sentence what was wrong: %s", async (_, body, message) => {
    new Fakes().add("sbatch", body);
    await expect(slurm(settingsOf("slurm")).submit(JOB, 1)).rejects.toMatchObject({
      name: "ProviderError",
      message,
    });
  });

  it("says what was submitted before it was refused", async () => {
    new Fakes().add(
      "sbatch",
      'n=$(wc -l < "$FAKES/sbatch.args" | tr -d " "); [ "$n" -lt 3 ] || { echo "sbatch: error: QOSMaxSubmitJobPerUserLimit" >&2; exit 1; }; echo $n',
    );
    const failed = slurm(settingsOf("slurm")).submit(JOB, 5);
    await expect(failed).rejects.toBeInstanceOf(ProviderError);
    await expect(failed).rejects.toMatchObject({ submitted: ["1", "2"] });
  });

  it("says that it is not installed", async () => {
    new Fakes(true);
    await expect(slurm(settingsOf("slurm")).submit(JOB, 1)).rejects.toThrow(
      /^There is no command sbatch here, so Slurm cannot be used: run this where .*login node/,
    );
  });

  it("is not waited for forever", async () => {
    new Fakes().add("squeue", "echo waiting >&2; exec sleep 600");
    await expect(slurm(settingsOf("slurm", {}, { commandTimeoutMs: 300 })).status(["1"])).rejects.toThrow(
      /^Slurm does not answer: squeue was given up after 0\.3 s/,
    );
  });

  it("says how all jobs stand, asked once", async () => {
    const rows = [
      row("1", "N/A", "PENDING", "0", "", "Resources"),
      row("2", "N/A", "RUNNING", "0", "node7", "None"),
      row("3", "0", "COMPLETED", "0", "node7", "None"),
      row("3", "1", "FAILED", "768", "node7", "NonZeroExitCode"),
      row("3", "2", "CANCELLED", "15", "", "None"),
      row("4", "N/A", "NODE_FAIL", "9", "node7", "None"),
      row("5", "N/A", "PENDING", "0", "", "ReqNodeNotAvail, UnavailableNodes:node1"),
      row("99", "N/A", "RUNNING", "0", "node7", "None"),
    ];
    const fakes = new Fakes()
      .add("squeue", `cat <<'EOF'\n${rows.join("\n")}\nEOF`)
      .add("sacct", "printf '6|CANCELLED by 0|0:15\\n7|OUT_OF_MEMORY|0:125\\n'");
    const ids = ["1", "2", "3_0", "3_1", "3_2", "4", "5", "6", "7", "8"];
    const states = await slurm(settingsOf("slurm")).status(ids);
    expect(Object.fromEntries(states)).toEqual({
      "1": { type: "queued", reason: "Resources" },
      "2": { type: "running", host: "node7" },
      "3_0": { type: "ended", reason: "COMPLETED" },
      "3_1": { type: "failed", reason: "FAILED, NonZeroExitCode", exitCode: 3, signal: 0 },
      "3_2": { type: "ended", reason: "CANCELLED" },
      "4": { type: "failed", reason: "NODE_FAIL", exitCode: 0, signal: 9 },
      "5": { type: "queued", reason: "ReqNodeNotAvail, UnavailableNodes:node1" },
      "6": { type: "ended", reason: "CANCELLED" },
      "7": { type: "failed", reason: "OUT_OF_MEMORY", exitCode: 0, signal: 125 },
      "8": { type: "unknown" },
    });
    expect(fakes.calls("squeue")).toHaveLength(1);
    expect(fakes.calls("squeue")[0]).toContain("-j 1,2,3,4,5,6,7,8 ");
    expect(fakes.calls("sacct")).toEqual(["-n -P -X -j 6,7,8 -o JobID,State,ExitCode"]);
  });

  it("knows nothing of jobs that have gone where there is no accounting", async () => {
    new Fakes()
      .add("squeue", 'echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1')
      .add("sacct", 'echo "Slurm accounting storage is disabled" >&2; exit 1');
    expect(await slurm(settingsOf("slurm")).status(["5"])).toEqual(new Map([["5", { type: "unknown" }]]));
  });

  it("says when the controller does not answer", async () => {
    new Fakes().add(
      "squeue",
      'echo "slurm_load_jobs error: Unable to contact slurm controller (connect failure)" >&2; exit 1',
    );
    await expect(slurm(settingsOf("slurm")).status(["5"])).rejects.toThrow(
      "Slurm did not say how jobs stand (squeue, exit code 1): slurm_load_jobs error: Unable to contact slurm controller (connect failure).",
    );
  });

  it("cancels all at once", async () => {
    const fakes = new Fakes().add("scancel", "");
    await slurm(settingsOf("slurm")).cancel(["1", "3_0"]);
    await slurm(settingsOf("slurm")).cancel([]);
    expect(fakes.calls("scancel")).toEqual(["1 3_0"]);
  });
});
