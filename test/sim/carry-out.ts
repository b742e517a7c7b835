/** Between the scheduler of a simulated cluster and its world: what it orders, and what workers report as events. */

import type { TestEffect, TestEvent } from "../kit/core.js";
import type { Cluster } from "./cluster.js";
import type { Report } from "./model-worker.js";
import { checkWalltime } from "./orders.js";

/** What is done with orders that are not for clients. */
export interface OrdersHost {
  /** Tells a worker. */
  down(worker: number, effect: TestEffect): void;
  planAgain(): void;
  planAt(atMs: number): void;
}

/** Carries the scheduler's orders out. */
export function carryOut(cluster: Cluster, effects: readonly TestEffect[], host: OrdersHost): void {
  const { clients } = cluster;
  for (const effect of effects) {
    switch (effect.type) {
      case "assign":
        if (effect.granted) checkWalltime(cluster, effect);
        host.down(effect.worker, effect);
        break;
      case "promote":
      case "retract":
      case "stop":
        host.down(effect.worker, effect);
        break;
      case "deliver":
        clients.tell(effect.session, effect.tasks, "delivered");
        break;
      case "reject":
        clients.tell(effect.session, [effect.task], "rejected");
        break;
      case "conclude":
        clients.tell(effect.session, effect.tasks, effect.verdict.type);
        break;
      case "sessionEnded":
        clients.sessionEnded(effect.session);
        break;
      case "planAgain":
        host.planAgain();
        break;
      case "planAt":
        host.planAt(effect.atMs);
        break;
      case "dropWorker":
        throw new Error(`worker ${effect.worker} was dropped: ${effect.reason}`);
      case "warn":
      case "remember":
        break;
      default:
        effect satisfies never;
    }
  }
}

/** What a worker reports, as an event. */
export function eventOf(worker: number, report: Report): TestEvent {
  const { session, task, attempt } = report.task;
  const one = { worker, session, tasks: [task], attempts: [attempt] };
  switch (report.type) {
    case "finished":
      return { type: "finished", ...one, runUs: [report.runMs * 1000], result: "result" };
    case "failed": {
      const { cause } = report;
      return { type: "failed", worker, session, task, attempt, cause, labels: [], failure: "failure" };
    }
    default:
      return { type: report.type, ...one };
  }
}
