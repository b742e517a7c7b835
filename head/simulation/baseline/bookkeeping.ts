/**
 * What every baseline keeps: workers with free amounts, and one queue for each spec.
 *
 * Baselines are deliberately simple: nothing is sent ahead, nothing is reserved, clients are
 * not told apart. What comes back from a lost worker goes to the front of its queue.
 */

import type { SpecDefined, Submitted } from "../../core/event.js";
import type { Scheduler, SimulationEffect, SimulationEvent } from "../scheduler.js";
import { KindNumbers, Use } from "../use.js";

/** A worker. */
export interface Member {
  readonly number: number;
  readonly total: readonly number[];
  readonly free: number[];
  readonly tokens: ReadonlySet<string>;
}

/** One queued task. */
interface Queued {
  /** By it, tasks of all queues stand in one line. */
  readonly order: number;
  readonly task: number;
  readonly attempt: number;
}

/** The tasks of one spec. */
export interface Queue {
  readonly session: number;
  readonly spec: number;
  readonly priority: number;
  readonly uses: readonly Use[];
  readonly tasks: Queued[];
  from: number;
}

interface Placed {
  readonly queue: Queue;
  readonly use: Use;
  readonly workers: readonly Member[];
  readonly order: number;
  readonly attempt: number;
}

/** Which worker to take among those with room: the one with the highest score; the first among equals. */
export type Score = (worker: Member, use: Use) => number;

export abstract class Bookkeeping implements Scheduler {
  protected readonly numbers = new KindNumbers();
  protected readonly workers = new Map<number, Member>();
  readonly #queues = new Map<string, Queue>();
  readonly #placed = new Map<string, Placed>();
  readonly #limits = new Map<string, number>();
  readonly #priorities = new Map<number, number>();
  #effects: SimulationEffect[] = [];
  #order = 0;

  /** Places what is to be placed now. */
  protected abstract plan(): void;

  step(event: SimulationEvent): SimulationEffect[] {
    this.#apply(event);
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /** Queues with tasks. */
  protected waiting(): Queue[] {
    return [...this.#queues.values()].filter(({ tasks, from }) => from < tasks.length);
  }

  /** Starts the first task of a queue somewhere; false: it fits nowhere now. */
  protected start(queue: Queue, score: Score = () => 0): boolean {
    for (const [alternative, use] of queue.uses.entries()) {
      const workers = this.#room(use, score);
      if (workers === undefined) continue;
      this.#place(queue, alternative, use, workers);
      return true;
    }
    return false;
  }

  /** One worker; for a gang as many as it needs. */
  #room(use: Use, score: Score): Member[] | undefined {
    const { limits, nodes } = use.demand;
    if (limits.some(({ name, count }) => (this.#limits.get(name) ?? 0) >= count)) return undefined;
    if (nodes > 0) {
      const all = [...this.workers.values()].filter(({ free, total, tokens }) =>
        use.fits(free, total, tokens),
      );
      return all.length < nodes ? undefined : all.slice(0, nodes);
    }
    let best: Member | undefined;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (const worker of this.workers.values()) {
      if (!use.fits(worker.free, worker.total, worker.tokens)) continue;
      const its = score(worker, use);
      if (its <= bestScore) continue;
      best = worker;
      bestScore = its;
    }
    return best === undefined ? undefined : [best];
  }

  #place(queue: Queue, alternative: number, use: Use, workers: readonly Member[]): void {
    const { task, attempt, order } = queue.tasks[queue.from]!;
    queue.from += 1;
    if (queue.from >= 1_024 && queue.from * 2 >= queue.tasks.length) {
      queue.tasks.splice(0, queue.from);
      queue.from = 0;
    }
    this.#count({ queue, use, workers, order, attempt }, 1);
    this.#placed.set(`${queue.session}.${task}`, { queue, use, workers, order, attempt });
    this.#effects.push({
      type: "assign",
      worker: workers[0]!.number,
      session: queue.session,
      spec: queue.spec,
      alternative,
      granted: true,
      tasks: [task],
      attempts: [attempt],
      sources: [undefined],
      indices: [0],
      hardMs: 0,
      gangs: use.demand.nodes > 0 ? [workers.map(({ number }) => number)] : undefined,
    });
  }

  #count({ use, workers }: Placed, sign: 1 | -1): void {
    for (const { free, total } of workers) use.add(free, total, -sign);
    for (const { name } of use.demand.limits) this.#limits.set(name, (this.#limits.get(name) ?? 0) + sign);
  }

  #apply(event: SimulationEvent): void {
    switch (event.type) {
      case "sessionOpened":
        this.#priorities.set(event.session, event.priority + (event.prioritized ? 1e9 : 0));
        return;
      case "specDefined":
        return this.#define(event);
      case "submitted":
        return this.#submit(event);
      case "workerJoined": {
        const total = this.numbers.vectorOf(event.pool);
        const tokens = new Set(event.pool.tokens);
        this.workers.set(event.worker, { number: event.worker, total, free: [...total], tokens });
        return;
      }
      case "workerLost":
        return this.#lose(event.worker);
      case "finished":
        for (const task of event.tasks) this.#end(event.session, task);
        return;
      case "failed":
        return this.#end(event.session, event.task);
      case "planDue":
        return this.plan();
      default:
        return;
    }
  }

  #define({ session, spec, request, priority }: SpecDefined): void {
    const uses = request.alternatives.map((demand) => new Use(demand, this.numbers));
    this.#queues.set(`${session}.${spec}`, {
      session,
      spec,
      priority: priority + (this.#priorities.get(session) ?? 0),
      uses,
      tasks: [],
      from: 0,
    });
  }

  #submit({ session, spec, first, count }: Submitted<undefined>): void {
    const { tasks } = this.#queues.get(`${session}.${spec}`)!;
    for (let i = 0; i < count; i += 1) tasks.push({ order: this.#order++, task: first + i, attempt: 1 });
  }

  #end(session: number, task: number): void {
    const key = `${session}.${task}`;
    const placed = this.#placed.get(key);
    if (placed === undefined) return;
    this.#placed.delete(key);
    this.#count(placed, -1);
  }

  #lose(number: number): void {
    for (const [key, placed] of this.#placed) {
      if (!placed.workers.some((worker) => worker.number === number)) continue;
      this.#placed.delete(key);
      this.#count(placed, -1);
      const { queue, order, attempt } = placed;
      const task = Number(key.slice(key.indexOf(".") + 1));
      queue.tasks.splice(queue.from, 0, { order, task, attempt: attempt + 1 });
    }
    this.workers.delete(number);
  }
}

/** The order of the first task of a queue. */
export function headOf(queue: Queue): number {
  return queue.tasks[queue.from]?.order ?? Number.POSITIVE_INFINITY;
}
