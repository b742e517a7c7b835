/**
 * A worker as the protocol describes it, in virtual time: granted tasks start at
 * once; tasks sent ahead take the place of one that ended and asked for at least as
 * much, in order. Short of memory it starts nothing beside what runs, and gives back what
 * waits. Of a gang only the first worker hears.
 */

import type { Held } from "../../head/core/event.js";
import { covers, type Demand } from "../../proto/resource/demand.js";
import type { TestEffect } from "../kit/core.js";

/** A task on the worker. */
export interface WorkerTask {
  readonly session: number;
  readonly spec: number;
  readonly task: number;
  readonly attempt: number;
  readonly alternative: number;
  readonly demand: Demand;
  /** It is killed when it runs longer; Infinity: never. */
  readonly hardMs: number;
  /** Numbers of the workers it has, this one first. */
  readonly workers: readonly number[];
}

/** What the worker tells the head. */
export type Report =
  | { readonly type: "finished"; readonly task: WorkerTask; readonly runMs: number }
  | {
      readonly type: "failed";
      readonly task: WorkerTask;
      readonly cause: "function" | "cancelled" | "final";
    }
  | { readonly type: "started"; readonly task: WorkerTask }
  | { readonly type: "returned"; readonly task: WorkerTask };

/** How an execution would go, left alone. */
export interface Course {
  readonly runMs: number;
  readonly fails: boolean;
}

/** What the worker needs of the world. */
export interface World {
  /** Runs something after some virtual time. */
  after(ms: number, action: () => void): void;
  demandOf(session: number, spec: number, alternative: number): Demand;
  course(task: WorkerTask): Course;
  /** How long a task takes to end after it was told to. */
  stopMs(): number;
  /** An execution begins; gives what is to be called when it is over. */
  begins(worker: number, task: WorkerTask): () => void;
}

interface Running {
  readonly task: WorkerTask;
  readonly ended: () => void;
  cancelled: boolean;
  over: boolean;
}

/** What a worker calls itself. */
export function nameOf(worker: number): string {
  return `w${worker}`;
}

/** How often it looks at its memory. */
const PRESSED_MS = 1_000;

type Assign = Extract<TestEffect, { type: "assign" }>;

export class ModelWorker {
  readonly #running = new Set<Running>();
  #waiting: WorkerTask[] = [];
  alive = true;
  leaving = false;
  /** Short of memory: one task at a time. */
  pressed = false;

  constructor(
    readonly number: number,
    private readonly world: World,
    private readonly send: (reports: Report[]) => void,
    /** It leaves and runs nothing any more. */
    private readonly drained: () => void,
  ) {}

  receive(effect: TestEffect): void {
    if (!this.alive) return;
    switch (effect.type) {
      case "assign":
        for (const task of this.#tasksOf(effect)) {
          if (this.leaving) this.send([{ type: "returned", task }]);
          else if (effect.granted) this.#startOrReturn(task);
          else this.#wait(task);
        }
        return;
      case "promote":
        for (const task of this.#take(effect.session, effect.tasks)) this.#startOrReturn(task);
        return;
      case "retract":
        this.#send(this.#take(effect.session, effect.tasks).map((task) => ({ type: "returned", task })));
        return;
      case "stop":
        return this.#stop(effect.session, effect.tasks);
      default:
        throw new Error(`a worker cannot receive ${effect.type}`);
    }
  }

  leave(): void {
    this.leaving = true;
    this.#returnWaiting();
    if (this.#running.size === 0) this.drained();
  }

  /** What it has. */
  held(): Held[] {
    const one = (
      { session, task, attempt, alternative, demand, workers }: WorkerTask,
      started: boolean,
    ): Held => ({
      session,
      tasks: [task],
      attempts: [attempt],
      alternatives: [alternative],
      started: [started],
      gangs:
        demand.nodes > 0 ? [{ index: 0, nodes: workers.map((worker) => ({ worker: nameOf(worker) })) }] : [],
    });
    const running = [...this.#running].map(({ task }) => one(task, true));
    return [...running, ...this.#waiting.map((task) => one(task, false))];
  }

  press(): void {
    this.pressed = true;
    this.#returnWaiting();
  }

  lose(): void {
    this.alive = false;
  }

  #tasksOf(effect: Assign): WorkerTask[] {
    const { session, spec, alternative } = effect;
    const demand = this.world.demandOf(session, spec, alternative);
    const own = demand.walltime === undefined ? Number.POSITIVE_INFINITY : demand.walltime.hardMs;
    return effect.tasks.map((task, i) => ({
      session,
      spec,
      task,
      attempt: effect.attempts[i]!,
      alternative,
      demand,
      hardMs: effect.hardMs > 0 ? effect.hardMs : own,
      workers: effect.gangs?.[i] ?? [this.number],
    }));
  }

  #returnWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#send(waiting.map((task) => ({ type: "returned", task })));
  }

  /** What comes ahead while it is short of memory goes back a little later. */
  #wait(task: WorkerTask): void {
    this.#waiting.push(task);
    if (!this.pressed) return;
    this.world.after(PRESSED_MS, () => {
      if (this.alive && this.pressed) this.#returnWaiting();
    });
  }

  #startOrReturn(task: WorkerTask): void {
    if (this.pressed && this.#running.size > 0) this.send([{ type: "returned", task }]);
    else this.#start(task);
  }

  #send(reports: Report[]): void {
    if (reports.length > 0) this.send(reports);
  }

  #take(session: number, tasks: readonly number[]): WorkerTask[] {
    const isMeant = (task: WorkerTask) => task.session === session && tasks.includes(task.task);
    const taken = this.#waiting.filter(isMeant);
    if (taken.length > 0) this.#waiting = this.#waiting.filter((task) => !isMeant(task));
    return taken;
  }

  #stop(session: number, tasks: readonly number[]): void {
    this.#send(this.#take(session, tasks).map((task) => ({ type: "failed", task, cause: "cancelled" })));
    for (const running of this.#running) {
      const { task } = running;
      if (running.cancelled || task.session !== session || !tasks.includes(task.task)) continue;
      running.cancelled = true;
      this.world.after(this.world.stopMs(), () =>
        this.#over(running, { type: "failed", task, cause: "cancelled" }),
      );
    }
  }

  #start(task: WorkerTask): void {
    const ended = this.world.begins(this.number, task);
    const running: Running = { task, ended, cancelled: false, over: false };
    this.#running.add(running);
    const { runMs, fails } = this.world.course(task);
    this.world.after(Math.min(runMs, task.hardMs), () => {
      if (runMs > task.hardMs) this.#over(running, { type: "failed", task, cause: "final" });
      else if (fails) this.#over(running, { type: "failed", task, cause: "function" });
      else this.#over(running, { type: "finished", task, runMs });
    });
  }

  /** An execution ended, by whatever came first. */
  #over(running: Running, report: Report): void {
    if (!this.alive || running.over) return;
    running.over = true;
    running.ended();
    this.#running.delete(running);
    const { demand } = running.task;
    const next = this.#waiting.findIndex((waiting) => covers(demand, waiting.demand));
    const successor = next === -1 || this.pressed ? undefined : this.#waiting.splice(next, 1)[0];
    if (successor === undefined) this.send([report]);
    else {
      this.send([report, { type: "started", task: successor }]);
      this.#start(successor);
    }
    if (this.leaving && this.#running.size === 0) this.drained();
  }
}
