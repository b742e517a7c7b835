/**
 * The rules of the scheduler in their plainest form: looks at every task, one by
 * one, and says which of them get a place now. On which worker is not its job, so
 * what it says is right only where that makes no difference to what fits next.
 */

import type { Demand } from "../../../proto/resource/demand.js";
import { type Pool, poolAmounts } from "../../../proto/resource/pool.js";

export interface ReferenceTask {
  readonly session: number;
  readonly number: number;
  readonly prioritized: boolean;
  readonly priority: number;
  readonly alternatives: readonly Demand[];
  again: boolean;
  placed: { readonly demand: Demand; readonly workers: readonly ReferenceWorker[] } | undefined;
}

interface ReferenceWorker {
  readonly pool: Pool;
  readonly total: ReadonlyMap<string, number>;
}

export class Reference {
  readonly tasks: ReferenceTask[] = [];
  readonly #workers: ReferenceWorker[] = [];
  /** Lines of tasks that ask for the same: since when they wait, as a count. */
  readonly #since = new Map<string, number>();
  #turns = new Map<string, number>();
  #count = 0;

  constructor(private readonly weightOf: (session: number) => number) {}

  join(pool: Pool): void {
    this.#workers.push({ pool, total: poolAmounts(pool) });
  }

  /** A task came, or came back. */
  wait(task: ReferenceTask): void {
    const line = lineOf(task);
    const waits = this.tasks.some((other) => other.placed === undefined && lineOf(other) === line);
    if (!waits) this.#since.set(line, this.#count++);
    if (!this.tasks.includes(task)) this.tasks.push(task);
    task.placed = undefined;
  }

  end(task: ReferenceTask): void {
    this.tasks.splice(this.tasks.indexOf(task), 1);
  }

  /** Somebody else has placed a task, on the workers that joined first, second…; throws unless there is room. */
  place(task: ReferenceTask, alternative: number, workers: readonly number[]): void {
    const demand = task.alternatives[alternative]!;
    const chosen = workers.map((index) => this.#workers[index]!);
    const allowed = chosen.every((worker) => this.#hasRoom(worker, demand)) && this.#isWithinLimits(demand);
    if (!allowed) throw new Error(`task ${task.session}.${task.number} was placed where it does not fit`);
    task.placed = { demand, workers: chosen };
  }

  /** Places what can be placed; gives it in order. */
  plan(): ReferenceTask[] {
    this.#turns = this.#turnsNow();
    const granted: ReferenceTask[] = [];
    const passedOver = new Set<string>();
    for (;;) {
      const waiting = this.tasks.filter((task) => task.placed === undefined);
      const next = waiting
        .filter((task) => !passedOver.has(lineOf(task)))
        .sort((a, b) => this.#compare(a, b))[0];
      if (next === undefined) return granted;
      const demand = next.alternatives.find((each) => this.spot(each) !== undefined);
      if (demand === undefined) passedOver.add(lineOf(next));
      else {
        next.placed = { demand, workers: this.spot(demand)! };
        granted.push(next);
      }
    }
  }

  /** Workers that have room for it now. */
  spot(demand: Demand): ReferenceWorker[] | undefined {
    if (!this.#isWithinLimits(demand)) return undefined;
    const free = this.#workers.filter((worker) => this.#hasRoom(worker, demand));
    return free.length < Math.max(demand.nodes, 1) ? undefined : free.slice(0, Math.max(demand.nodes, 1));
  }

  #isWithinLimits({ limits }: Demand): boolean {
    return limits.every(
      ({ name, count }) =>
        this.#placed().filter((task) => hasLimit(task.placed!.demand, name)).length < count,
    );
  }

  #hasRoom(worker: ReferenceWorker, demand: Demand): boolean {
    const here = this.#placed().filter((task) => task.placed!.workers.includes(worker));
    if (demand.nodes > 0 && here.length > 0) return false;
    if (!demand.tokens.every((token) => worker.pool.tokens.includes(token))) return false;
    if (demand.allCores && worker.pool.cores.length === 0) return false;
    return [...amountsOn(worker, demand)].every(([kind, amount]) => {
      const used = here.reduce(
        (sum, task) => sum + (amountsOn(worker, task.placed!.demand).get(kind) ?? 0),
        0,
      );
      return used + amount <= (worker.total.get(kind) ?? 0);
    });
  }

  /** More urgent first; then what runs again; then whose session holds less; then what waits longer. */
  #compare(a: ReferenceTask, b: ReferenceTask): number {
    if (a.prioritized !== b.prioritized) return a.prioritized ? -1 : 1;
    if (a.priority !== b.priority) return b.priority - a.priority;
    if (a.again !== b.again) return a.again ? -1 : 1;
    if (a.session === b.session) return a.number - b.number;
    return (
      this.#share(a.session) - this.#share(b.session) ||
      this.#turns.get(turnOf(a))! - this.#turns.get(turnOf(b))!
    );
  }

  /** For each session and level with waiting tasks, since when. */
  #turnsNow(): Map<string, number> {
    const turns = new Map<string, number>();
    for (const task of this.tasks) {
      if (task.placed !== undefined) continue;
      const since = this.#since.get(lineOf(task))!;
      turns.set(turnOf(task), Math.min(since, turns.get(turnOf(task)) ?? since));
    }
    return turns;
  }

  #share(session: number): number {
    const parts = [...new Set(this.#workers.flatMap(({ total }) => [...total.keys()]))].map((kind) => {
      const total = this.#workers.reduce((sum, worker) => sum + (worker.total.get(kind) ?? 0), 0);
      const own = this.#placed().filter((task) => task.session === session);
      const held = own.reduce((sum, { placed }) => {
        const amounts = placed!.workers.map((worker) => amountsOn(worker, placed!.demand).get(kind) ?? 0);
        return sum + amounts.reduce((a, b) => a + b, 0);
      }, 0);
      return total === 0 ? 0 : held / total;
    });
    return Math.max(...parts) / this.weightOf(session);
  }

  #placed(): ReferenceTask[] {
    return this.tasks.filter((task) => task.placed !== undefined);
  }
}

function amountsOn({ total }: ReferenceWorker, demand: Demand): ReadonlyMap<string, number> {
  if (demand.nodes > 0) return total;
  const amounts = new Map(demand.amounts.map(({ kind, amount }) => [kind, amount]));
  if (demand.allCores) amounts.set("cores", total.get("cores") ?? 0);
  return amounts;
}

function hasLimit(demand: Demand, name: string): boolean {
  return demand.limits.some((limit) => limit.name === name);
}

function turnOf({ session, priority }: ReferenceTask): string {
  return `${session} ${priority}`;
}

function lineOf({ session, priority, alternatives }: ReferenceTask): string {
  return `${session} ${priority} ${JSON.stringify(alternatives)}`;
}
