/**
 * A worker as the protocol describes it: granted tasks start at once; tasks sent ahead take
 * the place of one that ended and asked for at least as much, in the order in which they came.
 */

import type { Effect } from "../core/effect.js";
import type { Use } from "./use.js";

/** One spec of one session, in a simulation. */
export interface SimulatedClass {
  readonly session: number;
  readonly spec: number;
  /** By alternative. */
  readonly uses: readonly Use[];
}

/** One execution on a worker. */
export interface Execution {
  readonly worker: ModelWorker;
  readonly class: SimulatedClass;
  readonly task: number;
  readonly attempt: number;
  readonly use: Use;
  /** It is killed after so long; 0: it is not. */
  readonly hardMs: number;
  /** Totals of the workers it runs on: its own, or those of its gang. */
  readonly totals: readonly (readonly number[])[];
  /** It was stopped, or its worker was lost: its end does not come. */
  gone: boolean;
}

/** What a worker tells. */
export interface WorkerEvents {
  /** An execution begins; its end is told by `ModelWorker.ended`. */
  begins(execution: Execution): void;
  /** An execution was cut off. */
  cut(execution: Execution): void;
  started(execution: Execution): void;
  cancelled(execution: Execution): void;
  returned(execution: Execution): void;
}

type Order = Extract<Effect<unknown, unknown, unknown>, { type: "assign" | "promote" | "retract" | "stop" }>;

interface Waiting {
  readonly order: number;
  readonly execution: Execution;
}

export class ModelWorker {
  readonly #running = new Set<Execution>();
  readonly #waiting = new Map<SimulatedClass, Map<number, Waiting>>();
  #order = 0;
  alive = true;

  constructor(
    readonly number: number,
    readonly total: readonly number[],
    private readonly events: WorkerEvents,
    private readonly classOf: (session: number, spec: number) => SimulatedClass,
    private readonly totalOf: (worker: number) => readonly number[],
  ) {}

  receive(order: Order): void {
    if (!this.alive) return;
    switch (order.type) {
      case "assign":
        return this.#assigned(order);
      case "promote":
        for (const execution of this.#take(order.session, order.tasks)) this.#begin(execution);
        return;
      case "retract":
        for (const execution of this.#take(order.session, order.tasks)) this.events.returned(execution);
        return;
      case "stop":
        return this.#stop(order.session, order.tasks);
      default:
        return order satisfies never;
    }
  }

  /** An execution has come to its end: what waits may take its place. */
  ended(execution: Execution): void {
    this.#running.delete(execution);
    const next = this.#successor(execution.use);
    if (next === undefined) return;
    this.events.started(next);
    this.#begin(next);
  }

  /** Its machine is gone. */
  lose(): void {
    this.alive = false;
    for (const execution of this.#running) {
      execution.gone = true;
      this.events.cut(execution);
    }
    this.#running.clear();
    this.#waiting.clear();
  }

  #assigned(order: Extract<Order, { type: "assign" }>): void {
    const cls = this.classOf(order.session, order.spec);
    const use = cls.uses[order.alternative]!;
    const hardMs = order.hardMs > 0 ? order.hardMs : (use.demand.walltime?.hardMs ?? 0);
    for (let i = 0; i < order.tasks.length; i += 1) {
      const gang = order.gangs?.[i];
      const execution: Execution = {
        worker: this,
        class: cls,
        task: order.tasks[i]!,
        attempt: order.attempts[i] ?? 1,
        use,
        hardMs,
        totals: gang === undefined ? [this.total] : gang.map((worker) => this.totalOf(worker)),
        gone: false,
      };
      if (order.granted) this.#begin(execution);
      else this.#wait(execution);
    }
  }

  #wait(execution: Execution): void {
    let mine = this.#waiting.get(execution.class);
    if (mine === undefined) {
      mine = new Map();
      this.#waiting.set(execution.class, mine);
    }
    mine.set(execution.task, { order: this.#order++, execution });
  }

  #begin(execution: Execution): void {
    this.#running.add(execution);
    this.events.begins(execution);
  }

  #stop(session: number, tasks: readonly number[]): void {
    for (const execution of this.#take(session, tasks)) this.events.cancelled(execution);
    const named = new Set(tasks);
    for (const execution of [...this.#running]) {
      if (execution.class.session !== session || !named.has(execution.task)) continue;
      execution.gone = true;
      this.events.cut(execution);
      this.events.cancelled(execution);
      this.ended(execution);
    }
  }

  #take(session: number, tasks: readonly number[]): Execution[] {
    const taken: Execution[] = [];
    for (const [cls, waiting] of this.#waiting) {
      if (cls.session !== session) continue;
      for (const task of tasks) {
        const found = waiting.get(task);
        if (found === undefined) continue;
        taken.push(found.execution);
        waiting.delete(task);
      }
      if (waiting.size === 0) this.#waiting.delete(cls);
    }
    return taken;
  }

  #successor(use: Use): Execution | undefined {
    let best: Waiting | undefined;
    for (const waiting of this.#waiting.values()) {
      const first = waiting.values().next().value;
      if (first === undefined || !use.covers(first.execution.use)) continue;
      if (best === undefined || first.order < best.order) best = first;
    }
    if (best === undefined) return undefined;
    const { class: cls, task } = best.execution;
    const mine = this.#waiting.get(cls)!;
    mine.delete(task);
    if (mine.size === 0) this.#waiting.delete(cls);
    return best.execution;
  }
}
