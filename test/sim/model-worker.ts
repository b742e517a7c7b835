/**
 * A worker as the protocol describes it, in virtual time: granted tasks start at
 * once, tasks sent ahead take the place of one that ended, in order.
 */

import type { TestEffect } from "../kit/core.js";

/** A task on the worker. */
export interface WorkerTask {
  readonly session: number;
  readonly spec: number;
  readonly task: number;
  readonly attempt: number;
}

/** What the worker tells the head. */
export type Report =
  | { readonly type: "finished"; readonly task: WorkerTask; readonly runMs: number }
  | { readonly type: "failed"; readonly task: WorkerTask; readonly cause: "function" | "cancelled" }
  | { readonly type: "started"; readonly task: WorkerTask }
  | { readonly type: "returned"; readonly task: WorkerTask };

/** What the worker needs of the world. */
export interface World {
  /** Runs something after some virtual time. */
  after(ms: number, action: () => void): void;
  /** How long an execution takes; undefined: it fails at once. */
  runMs(task: WorkerTask): number | undefined;
  /** An execution begins: counted. */
  begins(worker: number, task: WorkerTask): void;
}

interface Running {
  readonly task: WorkerTask;
  cancelled: boolean;
}

export class ModelWorker {
  readonly #running = new Map<string, Running>();
  readonly #waiting: WorkerTask[] = [];
  alive = true;
  leaving = false;

  constructor(
    readonly number: number,
    private readonly world: World,
    private readonly send: (reports: Report[]) => void,
  ) {}

  receive(effect: TestEffect): void {
    if (!this.alive) return;
    if (effect.type === "assign") {
      effect.tasks.forEach((task, i) => {
        const arrived = { session: effect.session, spec: effect.spec, task, attempt: effect.attempts[i]! };
        if (this.leaving) this.send([{ type: "returned", task: arrived }]);
        else if (effect.granted) this.#start(arrived);
        else this.#waiting.push(arrived);
      });
    } else if (effect.type === "promote")
      for (const task of this.#take(effect.session, effect.tasks)) this.#start(task);
    else if (effect.type === "retract") {
      this.send(this.#take(effect.session, effect.tasks).map((task) => ({ type: "returned", task })));
    } else if (effect.type === "stop") {
      this.send(
        this.#take(effect.session, effect.tasks).map((task) => ({
          type: "failed",
          task,
          cause: "cancelled",
        })),
      );
      for (const running of this.#running.values()) {
        if (running.task.session === effect.session && effect.tasks.includes(running.task.task))
          running.cancelled = true;
      }
    }
  }

  leave(): void {
    this.leaving = true;
    this.send(this.#waiting.splice(0).map((task) => ({ type: "returned", task })));
  }

  #take(session: number, tasks: readonly number[]): WorkerTask[] {
    const taken = this.#waiting.filter((task) => task.session === session && tasks.includes(task.task));
    for (const task of taken) this.#waiting.splice(this.#waiting.indexOf(task), 1);
    return taken;
  }

  #start(task: WorkerTask): void {
    this.world.begins(this.number, task);
    const key = `${task.session}.${task.task}`;
    const running: Running = { task, cancelled: false };
    this.#running.set(key, running);
    const runMs = this.world.runMs(task);
    this.world.after(runMs ?? 1, () => {
      if (!this.alive) return;
      this.#running.delete(key);
      const reports: Report[] = [];
      if (running.cancelled) reports.push({ type: "failed", task, cause: "cancelled" });
      else if (runMs === undefined) reports.push({ type: "failed", task, cause: "function" });
      else reports.push({ type: "finished", task, runMs });
      // Only a task of the same spec is sure to fit into the place of this one.
      const next = this.#waiting.findIndex(
        (waiting) => waiting.session === task.session && waiting.spec === task.spec,
      );
      const successor = next === -1 ? undefined : this.#waiting.splice(next, 1)[0];
      if (successor !== undefined) reports.push({ type: "started", task: successor });
      this.send(reports);
      if (successor !== undefined) this.#start(successor);
    });
  }
}
