/** A worker as the head sees it: amounts, never ids. */

import type { Pool } from "../../proto/resource/pool.js";
import type { Foreign } from "./foreign.js";
import type { Kinds, Shape } from "./shape.js";
import type { State } from "./state.js";
import type { Task, TaskState } from "./task.js";
import type { TaskClass } from "./task-class.js";
import { softOf } from "./walltime.js";

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
  /** "leaving": it gets nothing new. "suspect": neither, as it is away or has something foreign. */
  mode: "ready" | "leaving" | "suspect";
  /** What it is once it can be reached again. */
  resumesAs: "ready" | "leaving";
  /** It comes back to a head that does not know what it has, and has not said so yet. */
  returning: boolean;
  /** It cannot be reached, or has not said yet what it has. */
  away: boolean;
  /** What is on it that no task stands for: until that has ended it gets nothing new. */
  readonly foreign: Set<Foreign>;
  /** Its machine is short of memory: it gets one task at a time, so that it makes progress, and nothing ahead. */
  pressed: boolean;
  /** Tasks that own resources here. */
  readonly granted: Set<Task>;
  /** Tasks sent ahead, in order, those asked back among them. */
  readonly ahead: Map<TaskClass, Set<Task>>;
  aheadCount: number;
  /** When it last was given or told of the start of a task, on the clock of the events. */
  heardMs: number;
  /** The gang's task that has it for itself, if any. */
  heldBy: Task | undefined;
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

  stopping(alternative: number, holds: boolean, again: boolean): TaskState {
    const worker = this.worker();
    return this.#make(`stopping ${alternative} ${holds} ${again}`, {
      type: "stopping",
      worker,
      alternative,
      holds,
      again,
    });
  }

  #make(key: string, state: TaskState): TaskState {
    const found = this.#made.get(key);
    if (found !== undefined) return found;
    this.#made.set(key, state);
    return state;
  }
}

/** Whether a task has it for itself because workers were lost while it ran. */
export function runsAlone({ heldBy }: Worker): boolean {
  return heldBy?.class.alone === true;
}

/** Whether the worker could run it if it were empty; of a gang, whether it could be one of its workers. */
export function couldFit(state: Readonly<State>, worker: Worker, shape: Shape): boolean {
  return hasAmounts(worker.total, worker, shape, state.kinds) && suits(state, worker, shape);
}

/** Whether the worker has room for it now; of a gang, whether it is free as a whole. */
export function fits(state: Readonly<State>, worker: Worker, shape: Shape): boolean {
  if (worker.mode !== "ready" || worker.heldBy !== undefined) return false;
  if ((shape.nodes > 0 || worker.pressed) && worker.granted.size > 0) return false;
  return hasAmounts(worker.free, worker, shape, state.kinds) && suits(state, worker, shape);
}

/** Whether the amounts it has free would do, whatever else speaks against it. */
export function hasRoom(state: Readonly<State>, worker: Worker, shape: Shape): boolean {
  return worker.heldBy === undefined && hasAmounts(worker.free, worker, shape, state.kinds);
}

function hasAmounts(amounts: readonly number[], worker: Worker, shape: Shape, kinds: Kinds): boolean {
  for (let i = 0; i < shape.kinds.length; i += 1) {
    if ((amounts[shape.kinds[i]!] ?? 0) < shape.amounts[i]!) return false;
  }
  return !shape.allCores || hasAllCores(amounts, worker, kinds);
}

function hasAllCores(amounts: readonly number[], worker: Worker, kinds: Kinds): boolean {
  const total = worker.total[kinds.cores] ?? 0;
  return total > 0 && amounts[kinds.cores] === total;
}

/** Labels and remaining time. */
function suits(state: Readonly<State>, worker: Worker, shape: Shape): boolean {
  for (const token of shape.tokens) if (!worker.tokens.has(token)) return false;
  if (worker.endsAtMs === Number.POSITIVE_INFINITY) return true;
  const softMs = softOf(state, shape);
  return softMs === 0 || worker.endsAtMs - state.nowMs >= softMs;
}

/** How much of a kind the shape takes from this worker. */
export function amountOn(worker: Worker, shape: Shape, kinds: Kinds, kind: number): number {
  if (shape.nodes > 0 || (shape.allCores && kind === kinds.cores)) return worker.total[kind] ?? 0;
  const at = shape.kinds.indexOf(kind);
  return at === -1 ? 0 : shape.amounts[at]!;
}

/** Takes (-1) what the shape asks for from the amounts, or adds it (+1). A gang's task takes all. */
export function adjust(amounts: number[], worker: Worker, shape: Shape, kinds: Kinds, sign: 1 | -1): void {
  if (shape.nodes > 0) {
    for (let kind = 0; kind < worker.total.length; kind += 1) add(amounts, kind, sign * worker.total[kind]!);
    return;
  }
  for (let i = 0; i < shape.kinds.length; i += 1) add(amounts, shape.kinds[i]!, sign * shape.amounts[i]!);
  if (shape.allCores) add(amounts, kinds.cores, sign * (worker.total[kinds.cores] ?? 0));
}

function add(amounts: number[], kind: number, amount: number): void {
  while (amounts.length <= kind) amounts.push(0);
  amounts[kind]! += amount;
}
