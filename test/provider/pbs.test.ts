import { describe, expect, it } from "vitest";
import { pbs } from "../../provider/pbs.js";
import { Fakes, JOB, settingsOf } from "./fakes.js";

const SCRIPT = {
  queue: "batch",
  walltimeMs: 93_600_000,
  cores: 4,
  memoryBytes: 8 * 2 ** 30,
  extraArgs: ["-A physics"],
};
const OPENPBS = 'if [ "$1" = --version ]; then echo "pbs_version = 22.05.11"; exit 0; fi\n';
const TORQUE = 'if [ "$1" = --version ]; then echo "Version: 6.1.2" >&2; exit 0; fi\n';

/** As qstat -f prints jobs. */
const QSTAT = `Job Id: 1.head
    Job_Name = w120000
    job_state = Q
    comment = Not Running: Insufficient amount of resource: ncpus
\t (R: 4 A: 0 T: 8)

Job Id: 2.head
    job_state = R
    exec_host = node7/0*4
    Resource_List.walltime = 01:00:00

Job Id: 3[0].head
    job_state = X
    Exit_status = 0

Job Id: 3[1].head
    job_state = F
    Exit_status = 127
    comment = Job run at Mon Nov 23 at 12:00 on (node7:ncpus=4) and failed

Job Id: 4.head
    job_state = F
    Exit_status = 271

Job Id: 5.head
    job_state = F
    Exit_status = 265

Job Id: 6.head
    job_state = F
    Exit_status = -1

Job Id: 99.head
    job_state = R
`;

describe("PBS", () => {
  it("gets scripts of OpenPBS", async () => {
    const provider = await pbs(settingsOf("pbs", SCRIPT, { pbsDialect: "openpbs" }));
    expect(provider.script(JOB)).toMatchInlineSnapshot(`
      "#!/bin/bash
      #PBS -N w120000
      #PBS -j oe
      #PBS -o /dev/null
      #PBS -q batch
      #PBS -l walltime=26:00:00
      #PBS -l select=1:ncpus=4:mem=8192mb
      #PBS -A physics
      export GRAIN_JOB_SYSTEM=pbs
      export GRAIN_JOB_ID="$PBS_JOBID"
      export GRAIN_JOB_STARTED="$(date +%s)"
      export GRAIN_JOB_SECONDS=93600
      export GRAIN_JOB_CORES=4
      export GRAIN_JOB_BYTES=8589934592
      export GRAIN_ADDRESS=head:7700
      exec >>/logs/w120000-"$GRAIN_JOB_ID".log 2>&1
      cd "$PBS_O_WORKDIR" || exit
      exec grain-worker --name w120000-"$GRAIN_JOB_ID"
      "
    `);
  });

  it("gets scripts of Torque", async () => {
    const provider = await pbs(settingsOf("pbs", SCRIPT, { pbsDialect: "torque" }));
    expect(provider.script(JOB)).toContain("#PBS -l nodes=1:ppn=4\n#PBS -l mem=8192mb\n");
    expect(provider.title).toBe("Torque");
  });

  it.each([
    ["PBS", OPENPBS],
    ["Torque", TORQUE],
    ["PBS", "exit 1\n"],
  ])("is told apart by what is installed: %s", async (title, qstat) => {
    new Fakes().add("qstat", qstat);
    expect((await pbs(settingsOf("pbs"))).title).toBe(title);
  });

  it("gets a job each", async () => {
    const fakes = new Fakes()
      .add("qstat", OPENPBS)
      .add("qsub", 'echo "$(wc -l < "$FAKES/qsub.args" | tr -d " ").head"');
    const provider = await pbs(settingsOf("pbs", SCRIPT));
    expect(await provider.submit({ ...JOB, extraArgs: ["-p", "5"] }, 2)).toEqual(["1.head", "2.head"]);
    expect(fakes.calls("qsub")).toEqual(["-p 5", "-p 5"]);
    expect(fakes.stdin("qsub")).toBe(provider.script(JOB));
  });

  it.each([
    ["openpbs", 3, "-J 0-2"],
    ["torque", 3, "-t 0-2"],
    ["torque", 1, "-t 0-0"],
  ] as const)("gets an array of %s", async (pbsDialect, count, args) => {
    const fakes = new Fakes().add("qsub", "echo '42[].head'");
    const provider = await pbs(settingsOf("pbs", {}, { pbsDialect, array: true }));
    expect(await provider.submit(JOB, count)).toEqual(
      Array.from({ length: count }, (_, i) => `42[${i}].head`),
    );
    expect(fakes.calls("qsub")).toEqual([args]);
  });

  it("gets no array of one from OpenPBS, which has none", async () => {
    const fakes = new Fakes().add("qsub", "echo '42.head'");
    expect(
      await (await pbs(settingsOf("pbs", {}, { pbsDialect: "openpbs", array: true }))).submit(JOB, 1),
    ).toEqual(["42.head"]);
    expect(fakes.calls("qsub")).toEqual([""]);
  });

  it.each([
    [
      "qsub: Unknown queue MSG=cannot locate queue",
      /^PBS refused the job \(qsub, exit code 1\): Unknown queue MSG=cannot locate queue\. Set `queue` .*qstat -Q/,
    ],
    [
      "qsub: Job violates queue and/or server resource limits",
      /resource limits\. Ask for less in \[script\]/,
    ],
    ["qsub: Invalid account", /Invalid account\. Name yours/],
    ["qsub: Bad UID for job execution", /Bad UID for job execution\. "grain up --dry"/],
  ])("says in a sentence what was wrong: %s", async (message, expected) => {
    new Fakes().add("qsub", `echo "${message}" >&2; exit 1`);
    await expect(
      (await pbs(settingsOf("pbs", {}, { pbsDialect: "openpbs" }))).submit(JOB, 1),
    ).rejects.toThrow(expected);
  });

  it("says how all jobs stand, asked once", async () => {
    const fakes = new Fakes().add(
      "qstat",
      `cat <<'EOF'\n${QSTAT}EOF\necho "qstat: Unknown Job Id 7.head" >&2; exit 153`,
    );
    const ids = ["1.head", "2.head", "3[0].head", "3[1].head", "4.head", "5.head", "6.head", "7.head"];
    const provider = await pbs(settingsOf("pbs", {}, { pbsDialect: "openpbs" }));
    expect(Object.fromEntries(await provider.status(ids))).toEqual({
      "1.head": {
        type: "queued",
        reason: "Not Running: Insufficient amount of resource: ncpus (R: 4 A: 0 T: 8)",
      },
      "2.head": { type: "running", host: "node7" },
      "3[0].head": { type: "ended", reason: "" },
      "3[1].head": {
        type: "failed",
        reason: "Job run at Mon Nov 23 at 12:00 on (node7:ncpus=4) and failed",
        exitCode: 127,
      },
      "4.head": { type: "ended", reason: "" },
      "5.head": { type: "failed", reason: "", signal: 9 },
      "6.head": { type: "failed", reason: "it did not run well" },
      "7.head": { type: "unknown" },
    });
    expect(fakes.calls("qstat")).toEqual([`-x -f -t ${ids.join(" ")}`]);
  });

  it("says when the server does not answer", async () => {
    new Fakes().add(
      "qstat",
      'echo "Connection refused" >&2; echo "qstat: cannot connect to server head (errno=15010)" >&2; exit 255',
    );
    await expect(
      (await pbs(settingsOf("pbs", {}, { pbsDialect: "torque" }))).status(["1.head"]),
    ).rejects.toThrow(
      "Torque did not say how jobs stand (qstat, exit code 255): Connection refused; cannot connect to server head (errno=15010).",
    );
  });

  it("cancels all at once, those that have ended as well", async () => {
    const fakes = new Fakes().add(
      "qdel",
      'echo "qdel: Unknown Job Id 1.head" >&2; echo "qdel: Job has finished 2.head" >&2; exit 35',
    );
    const provider = await pbs(settingsOf("pbs", {}, { pbsDialect: "openpbs" }));
    await provider.cancel(["1.head", "2.head"]);
    expect(fakes.calls("qdel")).toEqual(["1.head 2.head"]);
    fakes.add("qdel", 'echo "qdel: Unauthorized Request 1.head" >&2; exit 159');
    await expect(provider.cancel(["1.head"])).rejects.toThrow(
      /^PBS did not cancel the jobs .*Unauthorized Request/,
    );
  });
});
