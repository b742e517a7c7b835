/** What the head tells administrators of itself. */

import type { HeadStatus, QueueInfo, SessionInfo, WorkerInfo } from "../../proto/grain.js";
import { hello } from "../../proto/version.js";
import type { CoreView } from "../core/view.js";
import type { Registry } from "./registry.js";
import type { Session } from "./session.js";

/** The head's state, as the Admin service gives it. */
export function headStatus(view: CoreView, registry: Registry, startedMs: number, nowMs: number): HeadStatus {
  return {
    hello: hello(),
    uptimeMs: nowMs - startedMs,
    workers: workerInfos(view, registry, nowMs),
    sessions: [...registry.sessions.values()].map((session) => sessionInfo(view, session, nowMs)),
    queues: queueInfos(view, registry, nowMs),
    lateResults: view.lateResults,
    clockMs: Date.now(),
  };
}

function workerInfos(view: CoreView, registry: Registry, nowMs: number): WorkerInfo[] {
  const infos: WorkerInfo[] = [];
  for (const seen of view.workers(nowMs)) {
    const entry = registry.workers.get(seen.worker);
    if (entry === undefined) continue;
    const { member } = entry;
    infos.push({
      worker: seen.worker,
      name: seen.name,
      host: member.hello.host,
      pid: member.hello.pid,
      state: seen.state === "leaving" ? "draining" : seen.state,
      pool: member.pool,
      free: [...seen.free].map(([kind, amount]) => ({ kind, amount })),
      running: seen.running,
      waiting: seen.waiting,
      connectedMs: nowMs - member.joinedMs,
      finished: seen.finished,
      remainingMs: seen.remainingMs,
      ...(member.job === undefined ? {} : { job: member.job }),
    });
  }
  return infos;
}

/** One session, as the Admin service gives it. */
export function sessionInfo(view: CoreView, session: Session, nowMs: number): SessionInfo {
  const counts = view.session(session.number);
  return {
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
    ageMs: session.openedMs === undefined ? undefined : nowMs - session.openedMs,
  };
}

function queueInfos(view: CoreView, registry: Registry, nowMs: number): QueueInfo[] {
  const infos: QueueInfo[] = [];
  for (const queue of view.queues(nowMs)) {
    infos.push({
      session: queue.session,
      function: registry.sessions.get(queue.session)?.functionOf(queue.spec) ?? "",
      demand: queue.demand,
      prioritized: queue.prioritized,
      priority: queue.priority,
      queued: queue.queued,
      why: queue.why,
    });
  }
  return infos;
}
