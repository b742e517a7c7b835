import { describe, expect, it } from "vitest";
import { type BatchJob, detectJob, poolInJob } from "../../worker/job.js";

const NOW_MS = 1_800_000_000_000;
const MINUTE_MS = 60_000;
const MIB = 2 ** 20;

/** What is detected, when commands answer as told; others are not installed. */
function detect(env: Record<string, string>, answers: Record<string, string> = {}): BatchJob | undefined {
  return detectJob({ env, nowMs: NOW_MS, ask: (argv) => answers[argv.join(" ")] });
}

const QSTAT = `Job Id: 42.server
    Job_Name = w1
    resources_used.cput = 00:00:00
    resources_used.walltime = 00:00:30
    Resource_List.mem = 8gb
    Resource_List.ncpus = 4
    Resource_List.walltime = 01:00:00
`;

describe("a worker's batch job", () => {
  it.each<[string, Record<string, string>, Record<string, string>, BatchJob | undefined]>([
    ["none", { HOME: "/" }, {}, undefined],
    [
      "of Slurm, which says when it ends",
      {
        SLURM_JOB_ID: "7",
        SLURM_CPUS_ON_NODE: "4",
        SLURM_MEM_PER_NODE: "2048",
        SLURM_JOB_END_TIME: "1800003600",
      },
      {},
      { system: "slurm", id: "7", cores: 4, memoryBytes: 2048 * MIB, remainingMs: 60 * MINUTE_MS },
    ],
    [
      "of an older Slurm",
      { SLURM_JOB_ID: "7", SLURM_CPUS_ON_NODE: "4", SLURM_MEM_PER_CPU: "100" },
      { "squeue -h -j 7 -o %L": "1-02:00:00\n" },
      { system: "slurm", id: "7", cores: 4, memoryBytes: 400 * MIB, remainingMs: 26 * 60 * MINUTE_MS },
    ],
    [
      "of a Slurm array, with minutes left",
      { SLURM_JOB_ID: "9", SLURM_ARRAY_JOB_ID: "7", SLURM_ARRAY_TASK_ID: "0", SLURM_MEM_PER_NODE: "0" },
      { "squeue -h -j 9 -o %L": "4:59\n" },
      { system: "slurm", id: "7_0", remainingMs: 299_000 },
    ],
    [
      "of Slurm without an end",
      { SLURM_JOB_ID: "7" },
      { "squeue -h -j 7 -o %L": "UNLIMITED\n" },
      { system: "slurm", id: "7" },
    ],
    [
      "of a Slurm that does not answer, by its own script",
      {
        SLURM_JOB_ID: "7",
        GRAIN_JOB_SECONDS: "3600",
        GRAIN_JOB_STARTED: "1799999940",
        GRAIN_JOB_CORES: "2",
        GRAIN_JOB_BYTES: "1000",
      },
      {},
      { system: "slurm", id: "7", remainingMs: 59 * MINUTE_MS, cores: 2, memoryBytes: 1000 },
    ],
    [
      "of OpenPBS",
      { PBS_JOBID: "42.server", NCPUS: "4" },
      { "qstat -f 42.server": QSTAT },
      { system: "pbs", id: "42.server", cores: 4, memoryBytes: 8192 * MIB, remainingMs: 3_570_000 },
    ],
    [
      "of Torque, which counts down",
      { PBS_JOBID: "42.server", PBS_NUM_PPN: "2" },
      { "qstat -f 42.server": `${QSTAT}    Walltime.Remaining = 3000\n` },
      { system: "pbs", id: "42.server", cores: 2, memoryBytes: 8192 * MIB, remainingMs: 3_000_000 },
    ],
    [
      "of Torque, where qstat is missing",
      { PBS_JOBID: "42[3].server", PBS_WALLTIME: "600" },
      {},
      { system: "pbs", id: "42[3].server", remainingMs: 600_000 },
    ],
    [
      "of LSF",
      { LSB_JOBID: "5", LSB_JOBINDEX: "2", LSB_MCPU_HOSTS: "node1 4 node2 2", LSB_DJOB_NUMPROC: "6" },
      { "bjobs -noheader -o time_left 5[2]": "1:30 L\n" },
      { system: "lsf", id: "5[2]", cores: 4, remainingMs: 90 * MINUTE_MS },
    ],
    [
      "of LSF without an end",
      { LSB_JOBID: "5", LSB_JOBINDEX: "0" },
      { "bjobs -noheader -o time_left 5": "-\n" },
      { system: "lsf", id: "5" },
    ],
    [
      "of SGE",
      { JOB_ID: "3", SGE_TASK_ID: "undefined", NSLOTS: "8" },
      {},
      { system: "sge", id: "3", cores: 8 },
    ],
    [
      "of an SGE array",
      { JOB_ID: "3", SGE_TASK_ID: "2", NSLOTS: "1", SGE_ROOT: "/x" },
      {},
      { system: "sge", id: "3.2", cores: 1 },
    ],
    ["no job, though a variable is called so", { JOB_ID: "3" }, {}, undefined],
    [
      "of a system of the site's own",
      { GRAIN_JOB_SYSTEM: "custom", GRAIN_JOB_ID: "x1", GRAIN_JOB_SECONDS: "60" },
      {},
      { system: "custom", id: "x1", remainingMs: 60_000 },
    ],
    [
      "that is a pod, which is told how long it is left when it is to end",
      {
        GRAIN_JOB_SYSTEM: "kubernetes",
        GRAIN_JOB_ID: "w1-abcde",
        GRAIN_JOB_CORES: "4",
        GRAIN_JOB_BYTES: "1000",
        GRAIN_JOB_NOTICE_SECONDS: "285",
      },
      {},
      { system: "kubernetes", id: "w1-abcde", cores: 4, memoryBytes: 1000, noticeMs: 285_000 },
    ],
    [
      "that is a pod which asked for nothing",
      { GRAIN_JOB_SYSTEM: "kubernetes", GRAIN_JOB_ID: "w1", GRAIN_JOB_CORES: "0", GRAIN_JOB_BYTES: "0" },
      {},
      { system: "kubernetes", id: "w1" },
    ],
    [
      "past its end",
      { SLURM_JOB_ID: "7", SLURM_JOB_END_TIME: "1799999999" },
      {},
      { system: "slurm", id: "7", remainingMs: 1 },
    ],
    [
      "with nonsense in it",
      { SLURM_JOB_ID: "7", SLURM_CPUS_ON_NODE: "many", GRAIN_JOB_CORES: "-1" },
      { "squeue -h -j 7 -o %L": "INVALID\n" },
      { system: "slurm", id: "7" },
    ],
  ])("%s", (_, env, answers, expected) => {
    expect(detect(env, answers)).toEqual(expected);
  });
});

describe("what a worker offers in a job", () => {
  const machine = { cores: [2, 3, 6, 7], gpus: [0], memoryBytes: 15e9, others: [], tokens: [], numa: [] };
  const job = { system: "slurm", id: "7" };

  it.each([
    ["its cores, of those of the mask", { cores: 2 }, { cores: [2, 3] }],
    ["no more cores than the mask has", { cores: 64 }, { cores: [2, 3, 6, 7] }],
    ["14/15 of its memory", { memoryBytes: 1.5e9 }, { memoryBytes: 1.4e9 }],
    ["14/15 of the machine's memory, where the job has all", {}, { memoryBytes: 14e9 }],
    [
      "its time less three minutes",
      { remainingMs: 24 * 60 * MINUTE_MS },
      { remainingMs: (24 * 60 - 3) * MINUTE_MS },
    ],
    ["of an hour less three minutes", { remainingMs: 60 * MINUTE_MS }, { remainingMs: 57 * MINUTE_MS }],
    ["of less, less a twentieth", { remainingMs: 10 * MINUTE_MS }, { remainingMs: 9.5 * MINUTE_MS }],
  ])("%s", (_, facts, expected) => {
    expect(poolInJob(machine, { ...job, ...facts })).toEqual({ ...machine, memoryBytes: 14e9, ...expected });
  });
});
