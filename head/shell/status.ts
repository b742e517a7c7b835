/** What the head tells administrators of itself. */

import type { HeadStatus, QueueInfo, SessionInfo, WorkerInfo } from "../../proto/grain.js";
import { hello } from "../../proto/version.js";
import type { CoreView } from "../core/view.js";
import type { Registry } from "./registry.js";

/** The head's state, as the Admin service gives it. */
export function headStatus(view: CoreView, registry: Registry, startedMs: number, nowMs: number): HeadStatus {
  return {
    hello: hello(),
    uptimeMs: nowMs - startedMs,
    workers: workerInfos(view, registry, nowMs),
    sessions: sessionInfos(view, registry),
    queues: queueInfos(view, registry),
    lateResults: view.lateResults,
    clockMs: Date.now(),
  };
}

function workerInfos(view: CoreView, registry: Registry, nowMs: number): WorkerInfo[] {
  const infos: WorkerInfo[] = [];
  for (const seen of view.workers()) {
    const entry = registry.workers.get(seen.worker);
    if (entry === undefined) continue;
    const { member } = entry;
    infos.push({
      worker: seen.worker,
      name: seen.name,
      host: member.hello.host,
      pid: member.hello.pid,
      state: seen.state,
      pool: member.pool,
      free: [...seen.free].map(([kind, amount]) => ({ kind, amount })),
      running: seen.running,
      waiting: seen.waiting,
      connectedMs: nowMs - member.joinedMs,
      finished: seen.finished,
      ...(member.job === undefined ? {} : { job: member.job }),
    });
  }
  return infos;
}

function sessionInfos(view: CoreView, registry: Registry): SessionInfo[] {
  const infos: SessionInfo[] = [];
  for (const session of registry.sessions.values()) {
    const counts = view.session(session.number);
    infos.push({
      session: session.number,
      name: session.name,
      host: session.hello.host,
      pid: session.hello.pid,
      prioritized: session.prioritized,
      queued: counts?.queued ?? 0,
      running: counts?.running ?? 0,
      finished: counts?.finished ?? 0,
      failed: counts?.failed ?? 0,
      state: session.peer !== undefined ? "" : session.leftMs === undefined ? "cut off" : "detached",
    });
  }
  return infos;
}

function queueInfos(view: CoreView, registry: Registry): QueueInfo[] {
  const infos: QueueInfo[] = [];
  for (const queue of view.queues()) {
    const spec = registry.sessions.get(queue.session)?.specs.get(queue.spec);
    infos.push({
      session: queue.session,
      function: spec === undefined ? "" : spec.name || spec.function,
      demand: queue.demand,
      prioritized: queue.prioritized,
      priority: queue.priority,
      queued: queue.queued,
    });
  }
  return infos;
}
