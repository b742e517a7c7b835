/**
 * Tasks that wait for an allocation to take over, in order.
 *
 * One FIFO per demand class, so that the first task an allocation can serve is
 * found by looking at classes, never at tasks. A task that left a queue out of
 * turn stays in the array and is skipped when its turn comes.
 */

import { SCALE } from "../../../proto/resource/amount.js";
import { amountOf, covers, type Demand, demandKey } from "../../../proto/resource/demand.js";
import type { Plan, Task } from "./task.js";

/** From a tenth of a core on, a task gets a process of its own. */
const OWN_PROCESS_AMOUNT = SCALE / 10;

/** All tasks of one demand. */
export interface DemandClass {
  readonly demand: Demand;
  /** Whether its tasks get a process of their own: they own cores, or memory that has to be measured. */
  readonly ownsProcess: boolean;
  /** Which other classes its allocations can serve; filled in when asked. */
  readonly covered: Map<DemandClass, boolean>;
  readonly queue: Queue;
}

/** Waiting tasks in order. */
interface Queue {
  items: Task[];
  /** Index of the first that may still wait. */
  head: number;
  /** How many wait. */
  count: number;
}

/** All demand classes and their queues. */
export class Waiting {
  readonly #classes = new Map<string, DemandClass>();
  /** Those in which a task waits. */
  readonly #busy = new Set<DemandClass>();

  /** The class of a demand. */
  classOf(demand: Demand): DemandClass {
    const key = demandKey(demand);
    let found = this.#classes.get(key);
    if (found === undefined) {
      found = {
        demand,
        ownsProcess:
          demand.allCores ||
          demand.nodes > 0 ||
          amountOf(demand, "cores") >= OWN_PROCESS_AMOUNT ||
          amountOf(demand, "memory") > 0,
        covered: new Map(),
        queue: { items: [], head: 0, count: 0 },
      };
      this.#classes.set(key, found);
    }
    return found;
  }

  /** How many wait in all. */
  get size(): number {
    let total = 0;
    for (const { queue } of this.#busy) total += queue.count;
    return total;
  }

  /** Puts a task at the end of its class. */
  push(task: Task): void {
    this.#enter(task).items.push(task);
  }

  /** Puts a task back at the front of its class. */
  putBack(task: Task): void {
    const queue = this.#enter(task);
    if (queue.head > 0) {
      queue.head -= 1;
      queue.items[queue.head] = task;
    } else {
      queue.items.unshift(task);
    }
  }

  /** Takes a waiting task out of turn. The caller gives it its next phase. */
  remove(task: Task): void {
    const { class: of } = task.plan;
    of.queue.count -= 1;
    if (of.queue.count === 0) this.#busy.delete(of);
  }

  /** The first task that an allocation of this class can serve. */
  first(of: DemandClass): Task | undefined {
    let best: Task | undefined;
    for (const candidate of this.#busy) {
      if (!serves(of, candidate)) continue;
      const task = peek(candidate.queue);
      if (task !== undefined && (best === undefined || task.order < best.order)) best = task;
    }
    return best;
  }

  /** Up to `limit` tasks of one plan that an allocation of it would serve next, one after another. */
  takeRun(plan: Plan, limit: number): Task[] {
    const of = plan.class;
    const before = this.#otherOrder(of);
    const taken: Task[] = [];
    while (taken.length < limit && of.queue.count > 0) {
      const task = peek(of.queue);
      if (task === undefined || task.plan !== plan || task.order > before) break;
      if (!task.ready || task.alone || task.limitMs > 0) break;
      this.remove(task);
      of.queue.head += 1;
      taken.push(task);
    }
    return taken;
  }

  /** Every waiting task, class by class. */
  *[Symbol.iterator](): Generator<Task> {
    for (const { queue } of this.#busy) {
      for (let i = queue.head; i < queue.items.length; i++) {
        const task = queue.items[i]!;
        if (task.phase.type === "waiting") yield task;
      }
    }
  }

  #enter(task: Task): Queue {
    const { class: of } = task.plan;
    task.phase = { type: "waiting" };
    if (of.queue.count === 0) this.#busy.add(of);
    of.queue.count += 1;
    return of.queue;
  }

  /** The order of the first task of another class that an allocation of this class could serve. */
  #otherOrder(of: DemandClass): number {
    let order = Number.POSITIVE_INFINITY;
    for (const candidate of this.#busy) {
      if (candidate === of || !serves(of, candidate)) continue;
      order = Math.min(order, peek(candidate.queue)?.order ?? order);
    }
    return order;
  }
}

function serves(giver: DemandClass, taker: DemandClass): boolean {
  if (giver === taker) return true;
  let answer = giver.covered.get(taker);
  if (answer === undefined) {
    answer = covers(giver.demand, taker.demand);
    giver.covered.set(taker, answer);
  }
  return answer;
}

function peek(queue: Queue): Task | undefined {
  while (queue.head < queue.items.length) {
    const task = queue.items[queue.head]!;
    if (task.phase.type === "waiting") {
      if (queue.head > 1024 && queue.head * 2 > queue.items.length) {
        queue.items = queue.items.slice(queue.head);
        queue.head = 0;
      }
      return task;
    }
    queue.head += 1;
  }
  queue.items = [];
  queue.head = 0;
  return undefined;
}
