import { describe, expect, it } from "vitest";
import { sge } from "../../provider/sge.js";
import { Fakes, JOB, settingsOf } from "./fakes.js";

const SCRIPT = {
  queue: "all.q",
  walltimeMs: 5_430_000,
  cores: 4,
  memoryBytes: 8 * 2 ** 30,
  extraArgs: ["-P physics"],
};

const job = (
  number: number,
  state: string,
  queue: string,
  tasks = "",
) => `    <job_list state="${queue === "" ? "pending" : "running"}">
      <JB_job_number>${number}</JB_job_number>
      <JAT_prio>0.55500</JAT_prio>
      <JB_name>w120000</JB_name>
      <JB_owner>ada</JB_owner>
      <state>${state}</state>
      <queue_name>${queue}</queue_name>
      <slots>4</slots>
${tasks === "" ? "" : `      <tasks>${tasks}</tasks>\n`}    </job_list>`;

const QSTAT = `<?xml version='1.0'?>
<job_info  xmlns:xsd="http://arc.liv.ac.uk/repos/darcs/sge/source/dist/util/resources/schemas/qstat/qstat.xsd">
  <queue_info>
${[job(2, "r", "all.q@node7"), job(3, "t", "all.q@node8", "1"), job(9, "dr", "all.q@node8")].join("\n")}
  </queue_info>
  <job_info>
${[job(1, "qw", ""), job(3, "hqw", "", "2"), job(4, "Eqw", "")].join("\n")}
  </job_info>
</job_info>`;

const record = (
  number: number,
  task: string,
  failed: string,
  exit: number,
) => `==============================================================
qname        all.q
hostname     node7
jobnumber    ${number}
taskid       ${task}
failed       ${failed}
exit_status  ${exit}
`;

describe("Grid Engine", () => {
  it("gets scripts", () => {
    expect(sge(settingsOf("sge", SCRIPT)).script(JOB)).toMatchInlineSnapshot(`
      "#!/bin/bash
      #$ -N w120000
      #$ -S /bin/bash
      #$ -cwd
      #$ -j y
      #$ -o "/logs/w120000-$JOB_ID.log"
      #$ -q all.q
      #$ -l h_rt=5430
      #$ -pe smp 4
      #$ -l mem_free=2048M
      #$ -P physics
      export GRAIN_JOB_SYSTEM=sge
      export GRAIN_JOB_ID="$JOB_ID$([ "\${SGE_TASK_ID:-undefined}" = undefined ] || echo ".$SGE_TASK_ID")"
      export GRAIN_JOB_STARTED="$(date +%s)"
      export GRAIN_JOB_SECONDS=5430
      export GRAIN_JOB_CORES=4
      export GRAIN_JOB_BYTES=8589934592
      export GRAIN_ADDRESS=head:7700
      exec grain-worker --name w120000-"$GRAIN_JOB_ID"
      "
    `);
    expect(sge(settingsOf("sge", {}, { array: true })).script(JOB)).toContain(
      '#$ -o "/logs/w120000-$JOB_ID.$TASK_ID.log"',
    );
  });

  it("gets a job each", async () => {
    const fakes = new Fakes().add("qsub", 'wc -l < "$FAKES/qsub.args" | tr -d " "');
    const provider = sge(settingsOf("sge", SCRIPT));
    expect(await provider.submit({ ...JOB, extraArgs: ["-p", "5"] }, 2)).toEqual(["1", "2"]);
    expect(fakes.calls("qsub")).toEqual(["-terse -p 5", "-terse -p 5"]);
    expect(fakes.stdin("qsub")).toBe(provider.script(JOB));
  });

  it("gets an array", async () => {
    const fakes = new Fakes().add("qsub", "echo 42.1-2:1");
    expect(await sge(settingsOf("sge", {}, { array: true })).submit(JOB, 2)).toEqual(["42.1", "42.2"]);
    expect(fakes.calls("qsub")).toEqual(["-terse -t 1-2"]);
  });

  it.each([
    [
      'Unable to run job: Job was rejected because job requests unknown queue \\"nosuch\\".',
      /^Grid Engine refused the job .*Set `queue` .*qconf -sql/,
    ],
    [
      'Unable to run job: job rejected: the requested parallel environment \\"smp\\" does not exist.',
      /\[sge\] parallel_environment/,
    ],
    ['Unable to run job: denied: host \\"x\\" is no submit host.', /no submit host\. "grain up --dry"/],
  ])("says in a sentence what was wrong: %s", async (message, expected) => {
    new Fakes().add("qsub", `echo "${message}" >&2; echo Exiting. >&2; exit 1`);
    await expect(sge(settingsOf("sge")).submit(JOB, 1)).rejects.toThrow(expected);
  });

  it("says how all jobs stand: those in the queue asked once, and what has gone from it", async () => {
    const fakes = new Fakes().add("qstat", `cat <<'EOF'\n${QSTAT}\nEOF`).add(
      "qacct",
      `case "$2" in
5) cat <<'EOF'\n${record(5, "1", "0", 0)}${record(5, "2", "0", 127)}EOF\n;;
6) cat <<'EOF'\n${record(6, "undefined", "100 : assumedly after job", 137)}EOF\n;;
7) cat <<'EOF'\n${record(7, "undefined", "26 : opening input/output file", 0)}EOF\n;;
*) echo "error: job id $2 not found" >&2; exit 1;; esac`,
    );
    const ids = ["1", "2", "3.1", "3.2", "4", "5.1", "5.2", "6", "7", "8", "9"];
    expect(Object.fromEntries(await sge(settingsOf("sge")).status(ids))).toEqual({
      "1": { type: "queued", reason: "" },
      "2": { type: "running", host: "node7" },
      "3.1": { type: "running", host: "node8" },
      "3.2": { type: "queued", reason: "hqw" },
      "4": { type: "failed", reason: 'Eqw: "qstat -j" says why' },
      "5.1": { type: "ended", reason: "" },
      "5.2": { type: "failed", reason: "it did not end well", exitCode: 127 },
      "6": { type: "ended", reason: "assumedly after job" },
      "7": { type: "failed", reason: "opening input/output file", exitCode: 0 },
      "8": { type: "unknown" },
      "9": { type: "running", host: "node8" },
    });
    expect(fakes.calls("qstat")).toEqual(["-xml -g d"]);
    expect(fakes.calls("qacct")).toEqual(["-j 5", "-j 6", "-j 7", "-j 8"]);
  });

  it("says when it does not answer", async () => {
    new Fakes().add(
      "qstat",
      `echo 'error: commlib error: got select error (Connection refused)' >&2; exit 1`,
    );
    await expect(sge(settingsOf("sge")).status(["1"])).rejects.toThrow(
      "Grid Engine did not say how jobs stand (qstat, exit code 1): commlib error: got select error (Connection refused).",
    );
  });

  it("cancels all at once, those that have ended as well", async () => {
    const fakes = new Fakes().add("qdel", `echo 'denied: job "1" does not exist'; exit 1`);
    await sge(settingsOf("sge")).cancel(["1", "3.2"]);
    expect(fakes.calls("qdel")).toEqual(["1 3.2"]);
    fakes.add("qdel", `echo 'ada - you do not have the necessary privileges to delete the job "1"'; exit 1`);
    await expect(sge(settingsOf("sge")).cancel(["1"])).rejects.toThrow(/necessary privileges/);
  });
});
