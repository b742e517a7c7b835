/**
 * A cluster in virtual time: the real scheduler core, model workers, clients, and
 * links that delay. The invariants are checked after every step of the core.
 */

import type { Pool } from "../../proto/resource/pool.js";
import type { ResourceLike } from "../../proto/resource/resource.js";
import { CoreDriver, type SpecOptions, type TestEffect } from "../kit/core.js";
import { ModelWorker, type Report, type WorkerTask } from "./model-worker.js";
import { Random } from "./random.js";

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

/** How a task ended at its client. */
export type End = "delivered" | "rejected" | "cancelled" | "workersLost" | "infeasible";

export class Cluster {
  readonly driver = new CoreDriver();
  readonly random: Random;
  readonly workers = new Map<number, ModelWorker>();
  /** "session.task" to every end it had; a right run has one each. */
  readonly ends = new Map<string, End[]>();
  readonly executions = new Map<string, number>();
  readonly endedSessions = new Set<number>();
  readonly #timers: Timer[] = [];
  readonly #lastArrivalMs = new Map<string, number>();
  #order = 0;
  #nextWorker = 1;
  #planDue = false;
  steps = 0;
  /** Chance that an execution fails. */
  failureRate = 0;
  meanRunMs = 10;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  get nowMs(): number {
    return this.driver.nowMs;
  }

  after(ms: number, action: () => void): void {
    this.#timers.push({ atMs: this.nowMs + ms, order: this.#order++, action });
  }

  /** Runs until nothing is left to happen. */
  run(): void {
    while (this.#timers.length > 0) {
      let first = 0;
      for (let i = 1; i < this.#timers.length; i += 1) {
        const a = this.#timers[i]!;
        const b = this.#timers[first]!;
        if (a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)) first = i;
      }
      const [timer] = this.#timers.splice(first, 1);
      this.driver.nowMs = timer!.atMs;
      timer!.action();
    }
  }

  join(pool: Pool): number {
    const number = this.#nextWorker++;
    const worker = new ModelWorker(number, this, (reports) => {
      this.#travel(`up ${number}`, () => {
        if (this.workers.get(number) === worker) for (const report of reports) this.#report(number, report);
      });
    });
    this.workers.set(number, worker);
    this.driver.worker(number, pool);
    this.#changed();
    return number;
  }

  lose(number: number, planned: boolean): void {
    const worker = this.workers.get(number);
    if (worker === undefined) return;
    worker.alive = false;
    this.workers.delete(number);
    this.#carryOut(this.driver.step({ type: "workerLost", worker: number, planned }));
    this.#changed();
  }

  leave(number: number): void {
    const worker = this.workers.get(number);
    if (worker === undefined || worker.leaving) return;
    this.#carryOut(this.driver.step({ type: "workerLeaving", worker: number }));
    worker.leave();
  }

  open(session: number, options?: { prioritized?: boolean; priority?: number }): void {
    this.driver.session(session, options);
  }

  spec(session: number, spec: number, demand: ResourceLike, options?: SpecOptions): void {
    this.driver.spec(session, spec, demand, options);
  }

  submit(session: number, spec: number, count: number): void {
    if (this.driver.core.view.session(session) === undefined) return;
    for (const task of this.driver.submit(session, spec, count)) this.ends.set(`${session}.${task}`, []);
    this.#changed();
  }

  cancel(session: number, tasks: number[]): void {
    this.#carryOut(this.driver.step({ type: "cancelRequested", session, tasks }));
    this.#changed();
  }

  close(session: number): void {
    this.#carryOut(this.driver.step({ type: "sessionClosed", session }));
    this.#changed();
  }

  runMs(_task: WorkerTask): number | undefined {
    if (this.random.next() < this.failureRate) return undefined;
    return -Math.log(1 - this.random.next()) * this.meanRunMs;
  }

  begins(_worker: number, task: WorkerTask): void {
    const key = `${task.session}.${task.task}`;
    this.executions.set(key, (this.executions.get(key) ?? 0) + 1);
  }

  /** Everything of one turn is planned once, a moment later. */
  #changed(): void {
    if (this.#planDue) return;
    this.#planDue = true;
    this.after(this.random.next() < 0.5 ? 0 : 0.1, () => {
      this.#planDue = false;
      this.#carryOut(this.driver.plan());
    });
  }

  /** Delays, but keeps the order of one direction of one link. */
  #travel(link: string, arrive: () => void): void {
    const atMs = Math.max(this.nowMs + this.random.next() * 2, this.#lastArrivalMs.get(link) ?? 0);
    this.#lastArrivalMs.set(link, atMs);
    this.after(atMs - this.nowMs, arrive);
  }

  #report(worker: number, report: Report): void {
    const { session, task, attempt } = report.task;
    const common = { worker, session };
    const one = { ...common, tasks: [task], attempts: [attempt] };
    if (report.type === "finished") {
      this.#carryOut(
        this.driver.step({ type: "finished", ...one, runUs: [report.runMs * 1000], result: "result" }),
      );
    } else if (report.type === "failed") {
      this.#carryOut(
        this.driver.step({
          type: "failed",
          ...common,
          task,
          attempt,
          cause: report.cause,
          failure: "failure",
        }),
      );
    } else this.#carryOut(this.driver.step({ type: report.type, ...one }));
    this.#changed();
  }

  #carryOut(effects: readonly TestEffect[]): void {
    this.steps += 1;
    for (const effect of effects) {
      switch (effect.type) {
        case "assign":
        case "promote":
        case "retract":
        case "stop": {
          const worker = this.workers.get(effect.worker);
          this.#travel(`down ${effect.worker}`, () => worker?.receive(effect));
          break;
        }
        case "deliver":
          for (const task of effect.tasks) this.#end(effect.session, task, "delivered");
          break;
        case "reject":
          this.#end(effect.session, effect.task, "rejected");
          break;
        case "conclude":
          for (const task of effect.tasks) this.#end(effect.session, task, effect.verdict.type);
          break;
        case "sessionEnded":
          this.endedSessions.add(effect.session);
          break;
        case "dropWorker":
          throw new Error(`worker ${effect.worker} was dropped: ${effect.reason}`);
        case "warn":
        case "planAgain":
          break;
        default:
          effect satisfies never;
      }
    }
  }

  #end(session: number, task: number, end: End): void {
    this.ends.get(`${session}.${task}`)!.push(end);
  }
}
