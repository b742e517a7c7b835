/** A head's state as `--json` prints it: documented in docs/commands.md, and kept as it is. */

import type { HeadStatus, QueueInfo, SessionInfo, WorkerInfo } from "../../proto/grain.js";
import { SCALE } from "../../proto/resource/amount.js";
import { poolAmounts } from "../../proto/resource/pool.js";

/** By kind: "memory" in bytes, everything else in units. */
type Amounts = Readonly<Record<string, number>>;

/** Of a worker. */
export interface WorkerJson {
  readonly worker: number;
  readonly name: string;
  readonly host: string;
  readonly pid: number;
  readonly state: string;
  readonly total: Amounts;
  readonly free: Amounts;
  readonly tokens: readonly string[];
  readonly running: number;
  /** Prefetched: sent there, not started. */
  readonly ahead: number;
  readonly finished: number;
  readonly ageMs: number;
  readonly remainingMs: number | null;
  /** The batch job that it is in. */
  readonly job: string | null;
}

/** What `grain ls --json` prints. */
export function statusJson({ hello, uptimeMs, workers, queues, sessions, swarm = "" }: HeadStatus) {
  const { version = "", host = "", pid = 0, node = "" } = hello ?? {};
  return {
    head: { version, host, pid, node, uptimeMs: Math.round(uptimeMs), swarm: swarm || null },
    workers: workers.map(workerJson),
    queues: queues.filter(({ queued }) => queued > 0).map(queueJson),
    sessions: sessions.map(sessionJson),
  };
}

function workerJson(info: WorkerInfo): WorkerJson {
  const { worker, name, host, pid, state, pool, running, finished, connectedMs, remainingMs } = info;
  const free = new Map(info.free.map(({ kind, amount }) => [kind, amount]));
  return {
    worker,
    name,
    host,
    pid,
    state,
    total: pool === undefined ? {} : amountsJson(poolAmounts(pool)),
    free: amountsJson(free),
    tokens: pool?.tokens ?? [],
    running,
    ahead: info.waiting,
    finished,
    ageMs: Math.round(connectedMs),
    remainingMs: remainingMs === undefined ? null : Math.round(remainingMs),
    job: info.job ?? null,
  };
}

function amountsJson(amounts: ReadonlyMap<string, number>): Amounts {
  return Object.fromEntries(
    [...amounts].map(([kind, amount]) => [kind, kind === "memory" ? amount : amount / SCALE]),
  );
}

function queueJson(info: QueueInfo) {
  const { session, demand, prioritized, priority, queued, why = "" } = info;
  return { session, function: info.function, demand, prioritized, priority, queued, why };
}

/** A session, as `ls`, `jobs` and `job` print it. */
export function sessionJson(info: SessionInfo) {
  const { session, name, host, pid, prioritized, queued, running, finished, failed, ageMs } = info;
  return {
    session,
    name,
    state: stateOf(info),
    host,
    pid,
    prioritized,
    queued,
    running,
    finished,
    failed,
    ageMs: ageMs === undefined ? null : Math.round(ageMs),
  };
}

/** "connected", "cut off" or "detached". */
export function stateOf({ state }: SessionInfo): string {
  return state === undefined || state === "" ? "connected" : state;
}
