/**
 * The agent's state: which tasks are here, who runs them, which ids they own.
 *
 * Invariants:
 * 1. A task owns an allocation exactly in the phases preparing, running, ending and uploading.
 * 2. An executor in exclusive use runs at most one task; one that holds tasks ahead runs exactly one.
 * 3. While a granted task waits for ids, no waiting task takes over anything.
 * 4. Every task assigned ends by exactly one of finished, failed and returned.
 */

import { NumberedTable } from "../../../proto/numbered-table.js";
import { Ledger } from "../../../proto/resource/ledger.js";
import type { Pool } from "../../../proto/resource/pool.js";
import type { AgentEffect } from "./effect.js";
import type { Executor } from "./executor.js";
import type { SpecRecord, Task } from "./task.js";
import { TaskTable } from "./task-table.js";
import { Waiting } from "./waiting.js";

/** What a timer is for. */
export type TimerPurpose =
  /** The task may not run longer. */
  | { readonly type: "limit"; readonly task: Task }
  /** The task has had time to react to its signal. */
  | { readonly type: "grace"; readonly task: Task }
  /** Tasks beside one that is to end have had time to end. */
  | { readonly type: "patience"; readonly executor: Executor }
  /** The executor has had time to react to SIGTERM. */
  | { readonly type: "force"; readonly executor: Executor };

/** Whether new work is welcome. */
export type Life = { readonly type: "working" } | { readonly type: "leaving" } | { readonly type: "left" };

export interface AgentState {
  readonly ledger: Ledger;
  /** By `keyOf(session, spec)`. */
  readonly specs: Map<number, SpecRecord>;
  /** By what the head calls them. */
  readonly byKey: TaskTable;
  readonly byRef: NumberedTable<Task>;
  readonly waiting: Waiting;
  /** Tasks that own amounts but no ids yet, in order. */
  readonly granted: Task[];
  readonly executors: Map<number, Executor>;
  /** The last one used is the last one here. */
  readonly idle: Executor[];
  readonly timers: Map<number, TimerPurpose>;
  /** Tasks sent ahead that came to run while they were being cancelled. */
  readonly overtaken: Task[];
  life: Life;
  /** The machine is short of memory: nothing is started while something runs. */
  pressed: boolean;
  /** How long a process may take to end after SIGTERM. */
  readonly graceMs: number;
  /** How long a task may take to end by itself after its signal fired. */
  readonly reactionMs: number;
  /** How many executors are in exclusive use. */
  exclusive: number;
  /** The last number given to a task, plan, executor or timer. */
  lastNumber: number;
  effects: AgentEffect[];
}

/** How long a process may take to end after SIGTERM. */
export const GRACE_MS = 5_000;

/** How long a task may take to end by itself after its signal fired. */
const REACTION_MS = 250;

/** The state of an agent that owns this pool and has no tasks. */
export function newState(
  pool: Pool,
  graceMs: number = GRACE_MS,
  reactionMs: number = REACTION_MS,
): AgentState {
  return {
    ledger: new Ledger(pool),
    specs: new Map(),
    byKey: new TaskTable(),
    byRef: new NumberedTable(),
    waiting: new Waiting(),
    granted: [],
    executors: new Map(),
    idle: [],
    timers: new Map(),
    overtaken: [],
    life: { type: "working" },
    pressed: false,
    graceMs,
    reactionMs,
    exclusive: 0,
    lastNumber: 0,
    effects: [],
  };
}

/** One number for two of 32 and 21 bits. */
export function keyOf(session: number, item: number): number {
  return session * 0x1_0000_0000 + item;
}

/** A number not given before. */
export function nextNumber(state: AgentState): number {
  state.lastNumber += 1;
  return state.lastNumber;
}

/** Starts a timer. */
export function setTimer(state: AgentState, purpose: TimerPurpose, ms: number): number {
  const timer = nextNumber(state);
  state.timers.set(timer, purpose);
  state.effects.push({ type: "setTimer", timer, ms });
  return timer;
}

/** Stops a timer; nothing happens for 0 and for one that has fired. */
export function clearTimer(state: AgentState, timer: number): void {
  if (timer !== 0 && state.timers.delete(timer)) state.effects.push({ type: "clearTimer", timer });
}

/** How many tasks own resources or are about to. */
export function runningCount(state: AgentState): number {
  return state.byKey.size - waitingCount(state);
}

/** How many tasks wait, here or with an executor. */
export function waitingCount(state: AgentState): number {
  let ahead = 0;
  for (const executor of state.executors.values()) ahead += executor.ahead.length;
  return state.waiting.size + ahead;
}
