/**
 * What really runs where in the simulated world, kept without asking the scheduler
 * and while its messages are still under way: nothing is over-committed, no limit
 * exceeded, and no task runs twice at a time.
 */

import type { Demand } from "../../proto/resource/demand.js";
import { type Pool, poolAmounts } from "../../proto/resource/pool.js";

/** One execution that is under way. */
export interface Execution {
  /** "session.task" */
  readonly task: string;
  readonly demand: Demand;
  /** Where its process is, then the other workers it has for itself. */
  readonly workers: readonly number[];
}

export class Occupancy {
  readonly #totals = new Map<number, ReadonlyMap<string, number>>();
  readonly #used = new Map<number, Map<string, number>>();
  readonly #executions = new Map<number, Set<Execution>>();
  readonly #gangs = new Map<number, Execution>();
  readonly #limits = new Map<string, number>();
  readonly #running = new Map<string, Execution>();
  /** Of these a head that was restarted does not know: they are stopped when their worker is back. */
  readonly #unknown = new Set<Execution>();

  join(worker: number, pool: Pool): void {
    this.#totals.set(worker, poolAmounts(pool));
    this.#used.set(worker, new Map());
    this.#executions.set(worker, new Set());
  }

  /** The worker is gone, and with it all that ran there. */
  lose(worker: number): void {
    for (const execution of [...(this.#executions.get(worker) ?? [])]) {
      if (execution.workers[0] === worker) this.end(execution);
    }
    this.#totals.delete(worker);
    this.#used.delete(worker);
    this.#executions.delete(worker);
    this.#gangs.delete(worker);
  }

  begin(execution: Execution): void {
    const { task, demand, workers } = execution;
    if (this.#running.has(task)) throw new Error(`task ${task} began while an earlier execution ran`);
    this.#running.set(task, execution);
    for (const { name, count } of demand.limits) {
      const used = (this.#limits.get(name) ?? 0) + 1;
      if (used > count) throw new Error(`task ${task} began as number ${used} of limit ${name} ${count}`);
      this.#limits.set(name, used);
    }
    for (const worker of workers) this.#take(worker, execution);
  }

  end(execution: Execution): void {
    const { task, workers } = execution;
    if (!this.#unknown.delete(execution)) {
      if (this.#running.get(task) !== execution) return;
      this.#over(execution);
    }
    this.#free(execution, workers);
  }

  /** The head was restarted. What it does not know still has its workers, but may run elsewhere. */
  headStarted(knows: (execution: Execution) => boolean): void {
    for (const execution of [...this.#running.values()]) {
      if (knows(execution)) continue;
      this.#over(execution);
      this.#unknown.add(execution);
    }
  }

  #over({ task, demand }: Execution): void {
    this.#running.delete(task);
    for (const { name } of demand.limits) this.#limits.set(name, this.#limits.get(name)! - 1);
  }

  #free(execution: Execution, workers: readonly number[]): void {
    const { demand } = execution;
    for (const worker of workers) {
      if (!this.#executions.get(worker)?.delete(execution)) continue;
      if (this.#gangs.get(worker) === execution) this.#gangs.delete(worker);
      const used = this.#used.get(worker)!;
      for (const [kind, amount] of this.#amounts(worker, demand)) used.set(kind, used.get(kind)! - amount);
    }
  }

  /** Whether anything runs there. */
  isBusy(worker: number): boolean {
    return (this.#executions.get(worker)?.size ?? 0) > 0;
  }

  get runningCount(): number {
    return this.#running.size;
  }

  #take(worker: number, execution: Execution): void {
    const { task, demand } = execution;
    const executions = this.#executions.get(worker);
    // A gang's other worker may have been lost while the order to start was under way.
    if (executions === undefined) return;
    if (this.#gangs.has(worker))
      throw new Error(
        `task ${task} began on worker ${worker}, which gang ${this.#gangs.get(worker)!.task} has`,
      );
    if (demand.nodes > 0) {
      if (executions.size > 0) throw new Error(`gang ${task} began on worker ${worker}, which is not free`);
      this.#gangs.set(worker, execution);
    }
    executions.add(execution);
    const total = this.#totals.get(worker)!;
    const used = this.#used.get(worker)!;
    for (const [kind, amount] of this.#amounts(worker, demand)) {
      const now = (used.get(kind) ?? 0) + amount;
      if (now > (total.get(kind) ?? 0))
        throw new Error(
          `task ${task} began on worker ${worker} with ${kind} at ${now} of ${total.get(kind)}`,
        );
      used.set(kind, now);
    }
  }

  #amounts(worker: number, demand: Demand): [string, number][] {
    const amounts = demand.amounts.map(({ kind, amount }): [string, number] => [kind, amount]);
    if (demand.allCores) amounts.push(["cores", this.#totals.get(worker)!.get("cores") ?? 0]);
    return amounts;
  }
}
