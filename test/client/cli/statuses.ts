/** A head's answers, made up, for what commands print of them. */

import { FailureKind, type HeadStatus, type SessionDetail, type WorkerInfo } from "../../../proto/grain.js";

const GIGABYTE = 1024 ** 3;
const HOUR_MS = 3_600_000;

export const hello = { protocol: 1, version: "0.1.0", node: "v20", host: "cluster", pid: 7, bundleFormat: 1 };
export const nothing: HeadStatus = {
  hello,
  uptimeMs: 61_234.5,
  workers: [],
  sessions: [],
  queues: [],
  lateResults: 0,
  clockMs: 0,
};

export function worker(fields: Partial<WorkerInfo> = {}): WorkerInfo {
  return {
    worker: 1,
    name: "w1",
    host: "n1",
    pid: 8,
    state: "ready",
    pool: {
      cores: [0, 1, 2, 3],
      gpus: [],
      memoryBytes: 8 * GIGABYTE,
      others: [],
      tokens: [],
      numa: [],
    },
    free: [
      { kind: "cores", amount: 15_000 },
      { kind: "memory", amount: GIGABYTE },
    ],
    running: 3,
    waiting: 2,
    connectedMs: 65_000,
    finished: 1234,
    ...fields,
  };
}

const session = {
  session: 1,
  name: "scan",
  host: "laptop",
  pid: 9,
  prioritized: true,
  queued: 17,
  running: 4,
  finished: 100,
  failed: 1,
  ageMs: 2 * HOUR_MS + 120_000,
};

/** Much of everything. */
export const busy: HeadStatus = {
  ...nothing,
  workers: [
    worker(),
    worker({
      name: "a-machine-with-a-very-long-name.rack-12.example.org",
      state: "draining",
      remainingMs: 9 * 60_000,
      pool: {
        ...worker().pool!,
        gpus: [0, 1],
        tokens: ["fast disk"],
        others: [{ kind: "capacity", amount: 40_000 }],
      },
      free: [
        { kind: "gpus", amount: 20_000 },
        { kind: "capacity", amount: 10_000 },
      ],
    }),
    worker({ name: "w3", state: "suspect", connectedMs: 30 * HOUR_MS, running: 0, waiting: 0 }),
  ],
  queues: [
    {
      session: 1,
      function: "energy",
      demand: "2 cores",
      prioritized: true,
      priority: 3,
      queued: 12,
      why: "cores",
    },
    {
      session: 1,
      function: "relax",
      demand: "2 cores",
      prioritized: true,
      priority: 3,
      queued: 5,
      why: "cores",
    },
    {
      session: 2,
      function: "render",
      demand: "1 gpu, 24G memory, token has-cuda, limit licences 4",
      prioritized: false,
      priority: 0,
      queued: 3,
      why: "never fits",
    },
    { session: 1, function: "idle", demand: "1 core", prioritized: false, priority: 0, queued: 0, why: "" },
  ],
  sessions: [
    session,
    {
      ...session,
      session: 2,
      name: "a film with a rather long title",
      state: "detached",
      failed: 0,
      ageMs: 59_000,
    },
    { ...session, session: 13, name: "", state: "cut off", failed: 0, ageMs: undefined },
  ],
};

const counts = {
  prioritized: true,
  priority: 3,
  queued: 0,
  delayed: 0,
  ahead: 0,
  running: 0,
  finished: 0,
  failed: 0,
};

/** One session with all kinds of trouble. */
export const detail: SessionDetail = {
  session,
  functions: [
    {
      ...counts,
      function: "energy",
      demand: "2 cores",
      queued: 12,
      ahead: 1,
      running: 3,
      finished: 100,
      failed: 1,
      meanMs: 1_234.5,
      why: "cores",
    },
    { ...counts, function: "relax", demand: "2 cores or 1 gpu", delayed: 5, why: "" },
  ],
  failures: [
    {
      task: 17,
      function: "energy",
      attempt: 2,
      kind: FailureKind.THREW,
      message: "did not converge after 100 iterations, residual 0.0031 at \u001b[31mstep 99",
      worker: "w1",
      agoMs: 90_000,
    },
    {
      task: 9,
      function: "energy",
      attempt: 1,
      kind: FailureKind.OUT_OF_MEMORY,
      message: "",
      worker: "w3",
      agoMs: 5_000,
    },
  ],
  errors: true,
};
