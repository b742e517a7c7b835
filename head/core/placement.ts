/**
 * The placement policies: which of the workers that have room gets a task.
 *
 * "fit", the default. While no open class asks for a large part of a worker, tasks
 * are spread, so that independent tasks share machines as little as possible and
 * an idle machine is used before a busy one is filled. As soon as one does, tasks go
 * to the worker that is left with least by them, over all kinds it has (multi-resource
 * best fit): large holes stay whole for large demands, and workers with devices or
 * labels that the task does not need are used last.
 *
 * "spread" always takes the worker that keeps the largest part of what the task
 * asks for free.
 *
 * Among equals the worker that joined first. A policy is a score; the candidates of
 * one shape are kept in a heap, so that a placement costs the logarithm of the
 * number of workers.
 */

import { KeyedHeap } from "./heap.js";
import type { Shape } from "./shape.js";
import type { State } from "./state.js";
import { amountOn, fits, type Worker } from "./worker.js";

/** Higher is better. */
type Score = (state: Readonly<State>, worker: Worker, shape: Shape) => number;

/** A label or device that the task does not need weighs as much as a whole free kind. */
const UNUSED_LABEL = 1;

/** The policy in force. */
export function scoreOf(state: State): Score {
  if (state.options.policy === "spread") return spread;
  state.largeWanted ??= wantsLarge(state);
  return state.largeWanted ? bestFit : spread;
}

/** The least part, over the kinds asked for, of the worker that stays free; 0 to 1. */
function spread(state: Readonly<State>, worker: Worker, shape: Shape): number {
  if (shape.allCores || shape.nodes > 0) return 0;
  let left = 1;
  for (const kind of shape.kinds) {
    const total = worker.total[kind] ?? 0;
    if (total > 0)
      left = Math.min(left, (worker.free[kind]! - amountOn(worker, shape, state.kinds, kind)) / total);
  }
  return left;
}

/** The sum, over the worker's kinds, of the part that stays free, and its unused labels; less is better. */
function bestFit(state: Readonly<State>, worker: Worker, shape: Shape): number {
  let left = 0;
  for (let kind = 0; kind < worker.total.length; kind += 1) {
    const total = worker.total[kind]!;
    if (total > 0) left += (worker.free[kind]! - amountOn(worker, shape, state.kinds, kind)) / total;
  }
  return -(left + UNUSED_LABEL * Math.max(0, worker.tokens.size - shape.tokens.length));
}

/** Whether any open class asks for more than half of a kind of the largest worker. */
function wantsLarge(state: Readonly<State>): boolean {
  const largest: number[] = [];
  for (const worker of state.workers.values()) {
    worker.total.forEach((total, kind) => {
      largest[kind] = Math.max(largest[kind] ?? 0, total);
    });
  }
  for (const shape of state.shapes.all()) {
    if (shape.open === 0) continue;
    if (shape.allCores || shape.nodes > 0) return true;
    if (shape.kinds.some((kind, i) => shape.amounts[i]! * 2 > (largest[kind] ?? Number.POSITIVE_INFINITY)))
      return true;
  }
  return false;
}

/** The workers that may have room for a shape, best first: made once a plan. */
export class Candidates {
  readonly #workers = new KeyedHeap<Worker>((a, b) => a.number < b.number);
  readonly #score: Score;
  /** What has been freed since is not among them; see freed.ts. */
  readonly asOf: number;

  constructor(
    private readonly state: State,
    private readonly shape: Shape,
    workers: Iterable<Worker>,
  ) {
    this.#score = scoreOf(state);
    this.asOf = state.freed.now;
    for (const worker of workers) {
      if (state.reservations.has(worker) || !fits(state, worker, shape)) continue;
      this.#workers.push(worker, -this.#score(state, worker, shape));
    }
  }

  /** The best worker that has room now. */
  best(): Worker | undefined {
    for (let worker = this.#workers.first; worker !== undefined; worker = this.#workers.first) {
      if (!fits(this.state, worker, this.shape)) {
        this.#workers.removeFirst();
        continue;
      }
      const key = -this.#score(this.state, worker, this.shape);
      if (key === this.#workers.firstKey) return worker;
      // Something was placed on it since it was put here.
      this.#workers.rekeyFirst(key);
      if (this.#workers.first === worker) return worker;
    }
    return undefined;
  }

  /** As many workers as have room now, at most `count`, those that joined first. For gangs. */
  several(count: number): Worker[] {
    const free = [...this.#workers].filter((worker) => fits(this.state, worker, this.shape));
    return free.sort((a, b) => a.number - b.number).slice(0, count);
  }
}
