/** A worker as the head sees it: amounts, never ids. */

import type { Pool } from "../../proto/resource/pool.js";
import type { Kinds, Shape } from "./shape.js";
import type { Task, TaskState } from "./task.js";
import type { TaskClass } from "./task-class.js";

/** One connected worker. */
export interface Worker {
  readonly number: number;
  readonly name: string;
  readonly pool: Pool;
  /** By kind. */
  readonly total: readonly number[];
  /** By kind: total less what granted and stopping tasks own. */
  readonly free: number[];
  readonly tokens: ReadonlySet<string>;
  /** When its walltime ends; Infinity: never. */
  readonly endsAtMs: number;
  /** "leaving": it gets nothing new. */
  mode: "ready" | "leaving";
  /** Tasks that own resources here. */
  readonly granted: Set<Task>;
  /** Tasks sent ahead, in order, those asked back among them. */
  readonly ahead: Map<TaskClass, Set<Task>>;
  aheadCount: number;
  /** How many granted tasks there are of each shape. */
  readonly slots: Map<Shape, number>;
  finished: number;
  readonly states: WorkerStates;
}

type Placed = "ahead" | "retracting" | "granted";

/** The states that name this worker, one object each. */
export class WorkerStates {
  readonly #made = new Map<string, TaskState>();
  readonly #granted: TaskState[] = [];
  readonly #ahead: TaskState[] = [];

  constructor(private readonly worker: () => Worker) {}

  of(type: Placed, alternative: number): TaskState {
    const cache = type === "granted" ? this.#granted : type === "ahead" ? this.#ahead : undefined;
    const cached = cache?.[alternative];
    if (cached !== undefined) return cached;
    const made = this.#make(`${type} ${alternative}`, { type, worker: this.worker(), alternative });
    if (cache !== undefined) cache[alternative] = made;
    return made;
  }

  stopping(alternative: number, holds: boolean): TaskState {
    return this.#make(`stopping ${alternative} ${holds}`, {
      type: "stopping",
      worker: this.worker(),
      alternative,
      holds,
    });
  }

  #make(key: string, state: TaskState): TaskState {
    const found = this.#made.get(key);
    if (found !== undefined) return found;
    this.#made.set(key, state);
    return state;
  }
}

/** Whether the worker could run it if it were empty. */
export function couldFit(worker: Worker, shape: Shape, kinds: Kinds, nowMs: number): boolean {
  return fitsIn(worker.total, worker, shape, kinds, nowMs);
}

/** Whether the worker has room for it now. */
export function fits(worker: Worker, shape: Shape, kinds: Kinds, nowMs: number): boolean {
  return worker.mode === "ready" && fitsIn(worker.free, worker, shape, kinds, nowMs);
}

/** Whether the amounts it has free would do, whatever else speaks against it. */
export function hasRoom(worker: Worker, shape: Shape, kinds: Kinds): boolean {
  return fitsIn(worker.free, worker, shape, kinds, Number.NEGATIVE_INFINITY);
}

function fitsIn(
  amounts: readonly number[],
  worker: Worker,
  shape: Shape,
  kinds: Kinds,
  nowMs: number,
): boolean {
  if (shape.nodes > 0) return false;
  for (let i = 0; i < shape.kinds.length; i += 1) {
    if ((amounts[shape.kinds[i]!] ?? 0) < shape.amounts[i]!) return false;
  }
  if (shape.allCores && !hasAllCores(amounts, worker, kinds)) return false;
  for (const token of shape.tokens) if (!worker.tokens.has(token)) return false;
  return shape.softMs === 0 || worker.endsAtMs - nowMs >= shape.softMs;
}

function hasAllCores(amounts: readonly number[], worker: Worker, kinds: Kinds): boolean {
  const total = worker.total[kinds.cores] ?? 0;
  return total > 0 && amounts[kinds.cores] === total;
}

/** How much of a kind the shape takes from this worker. */
export function amountOn(worker: Worker, shape: Shape, kinds: Kinds, kind: number): number {
  if (shape.allCores && kind === kinds.cores) return worker.total[kind] ?? 0;
  const at = shape.kinds.indexOf(kind);
  return at === -1 ? 0 : shape.amounts[at]!;
}

/** Takes (+1) or gives back (-1) what the shape asks for. */
export function adjust(amounts: number[], worker: Worker, shape: Shape, kinds: Kinds, sign: 1 | -1): void {
  for (let i = 0; i < shape.kinds.length; i += 1) {
    const kind = shape.kinds[i]!;
    while (amounts.length <= kind) amounts.push(0);
    amounts[kind]! += sign * shape.amounts[i]!;
  }
  if (shape.allCores) {
    while (amounts.length <= kinds.cores) amounts.push(0);
    amounts[kinds.cores]! += sign * (worker.total[kinds.cores] ?? 0);
  }
}
