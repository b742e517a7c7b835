import { describe, expect, it } from "vitest";
import { lsf } from "../../provider/lsf.js";
import { Fakes, JOB, settingsOf } from "./fakes.js";

const SCRIPT = {
  queue: "normal",
  walltimeMs: 5_430_000,
  cores: 4,
  memoryBytes: 8 * 2 ** 30,
  extraArgs: ["-P physics"],
};

const BJOBS = `1|0|PEND|-|-|-|Job slot limit reached; Queue's resource requirements not satisfied
2|0|RUN|-|4*node7|-|-
3|1|DONE|-|node7|-|-
3|2|EXIT|127|node7|-|-
4|0|EXIT|130|node7|TERM_OWNER: job killed by owner|-
5|0|EXIT|140|node7|TERM_MEMLIMIT: job killed after reaching LSF memory usage limit|-
6|0|UNKWN|-|node7|-|-
99|0|RUN|-|node7|-|-`;

describe("LSF", () => {
  it("gets scripts", () => {
    expect(lsf(settingsOf("lsf", SCRIPT)).script(JOB)).toMatchInlineSnapshot(`
      "#!/bin/bash
      #BSUB -J w120000
      #BSUB -o "/logs/w120000-%J.log"
      #BSUB -q normal
      #BSUB -W 91
      #BSUB -n 4
      #BSUB -R "span[hosts=1]"
      #BSUB -M 8192MB
      #BSUB -R "rusage[mem=8192MB]"
      #BSUB -P physics
      export GRAIN_JOB_SYSTEM=lsf
      export GRAIN_JOB_ID="$LSB_JOBID$([ "\${LSB_JOBINDEX:-0}" = 0 ] || echo "[$LSB_JOBINDEX]")"
      export GRAIN_JOB_STARTED="$(date +%s)"
      export GRAIN_JOB_SECONDS=5430
      export GRAIN_JOB_CORES=4
      export GRAIN_JOB_BYTES=8589934592
      export GRAIN_ADDRESS=head:7700
      exec grain-worker --name w120000-"$GRAIN_JOB_ID"
      "
    `);
    expect(lsf(settingsOf("lsf", {}, { array: true })).script(JOB)).toContain(
      '#BSUB -o "/logs/w120000-%J[%I].log"',
    );
  });

  it("gets a job each", async () => {
    const fakes = new Fakes().add(
      "bsub",
      'echo "Job <$(wc -l < "$FAKES/bsub.args" | tr -d " ")> is submitted to queue <normal>."',
    );
    const provider = lsf(settingsOf("lsf", SCRIPT));
    expect(await provider.submit({ ...JOB, extraArgs: ["-sp", "5"] }, 2)).toEqual(["1", "2"]);
    expect(fakes.calls("bsub")).toEqual(["-sp 5", "-sp 5"]);
    expect(fakes.stdin("bsub")).toBe(provider.script(JOB));
  });

  it("gets an array", async () => {
    const fakes = new Fakes().add("bsub", "echo 'Job <42> is submitted to default queue <normal>.'");
    const provider = lsf(settingsOf("lsf", {}, { array: true }));
    expect(await provider.submit(JOB, 2)).toEqual(["42[1]", "42[2]"]);
    expect(fakes.calls("bsub")).toEqual(["-J w120000[1-2]"]);
  });

  it.each([
    [
      "nosuch: No such queue. Job not submitted.",
      /^LSF refused the job \(bsub, exit code 255\): nosuch: No such queue\. Job not submitted\. Set `queue` .*bqueues/,
    ],
    ["RUNLIMIT: Cannot exceed queue's hard limit(s). Job not submitted.", /Ask for less in \[script\]/],
    ["User permission denied. Job not submitted.", /"grain up --dry"/],
  ])("says in a sentence what was wrong: %s", async (message, expected) => {
    new Fakes().add("bsub", `echo "${message}" >&2; exit 255`);
    await expect(lsf(settingsOf("lsf")).submit(JOB, 1)).rejects.toThrow(expected);
  });

  it("says how all jobs stand, asked once", async () => {
    const fakes = new Fakes().add(
      "bjobs",
      `cat <<'EOF'\n${BJOBS}\nEOF\necho "Job <7> is not found" >&2; exit 255`,
    );
    expect(
      Object.fromEntries(await lsf(settingsOf("lsf")).status(["1", "2", "3[1]", "3[2]", "4", "5", "6", "7"])),
    ).toEqual({
      "1": { type: "queued", reason: "Job slot limit reached; Queue's resource requirements not satisfied" },
      "2": { type: "running", host: "node7" },
      "3[1]": { type: "ended", reason: "DONE" },
      "3[2]": { type: "failed", reason: "EXIT", exitCode: 127 },
      "4": { type: "ended", reason: "TERM_OWNER: job killed by owner" },
      "5": {
        type: "failed",
        reason: "TERM_MEMLIMIT: job killed after reaching LSF memory usage limit",
        exitCode: 140,
      },
      "6": { type: "unknown" },
      "7": { type: "unknown" },
    });
    expect(fakes.calls("bjobs")).toEqual([
      "-a -noheader -o jobid jobindex stat exit_code exec_host exit_reason pend_reason delimiter='|' 1 2 3 4 5 6 7",
    ]);
  });

  it("says when it does not answer, and that it is not installed", async () => {
    new Fakes().add("bjobs", 'echo "Failed in an LSF library call: LIM is down; try later" >&2; exit 255');
    await expect(lsf(settingsOf("lsf")).status(["1"])).rejects.toThrow(
      /^LSF did not say how jobs stand .*LIM is down; try later\.$/,
    );
    new Fakes(true);
    await expect(lsf(settingsOf("lsf")).status(["1"])).rejects.toThrow(
      /^There is no command bjobs here, so LSF/,
    );
  });

  it("cancels all at once, those that have ended as well", async () => {
    const fakes = new Fakes().add("bkill", 'echo "Job <1>: Job has already finished" >&2; exit 255');
    await lsf(settingsOf("lsf")).cancel(["1", "3[2]"]);
    expect(fakes.calls("bkill")).toEqual(["1 3[2]"]);
    fakes.add("bkill", 'echo "Job <1>: User permission denied" >&2; exit 255');
    await expect(lsf(settingsOf("lsf")).cancel(["1"])).rejects.toThrow(/User permission denied/);
  });
});
