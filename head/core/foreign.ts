/**
 * What workers have that no task stands for: its session was closed, or the head that sent it was killed
 * before its journal knew. Each is told to stop; until it has ended, every worker that it is on gets nothing new.
 *
 * Of a gang only the first worker says anything, so that one names the others: they may be away then, or
 * join later. If the first one never comes back, nobody waits for it: the gang ends with it.
 */

import type { State } from "./state.js";
import type { Worker } from "./worker.js";

/** One such execution. */
export interface Foreign {
  readonly session: number;
  readonly task: number;
  readonly attempt: number;
  /** Who has it, and tells when it has ended. */
  readonly first: Worker;
  /** The names of the workers that it is on, if it is a gang. */
  readonly gang: readonly string[];
  /** Those of them that are here, the first one among them. */
  readonly workers: Set<Worker>;
}

/** A worker has something that is told to stop. @param gang the names of all of its workers, if it is a gang */
export function noteForeign(
  state: State,
  first: Worker,
  { session, task, attempt }: Pick<Foreign, "session" | "task" | "attempt">,
  gang: readonly string[] = [],
): void {
  const foreign = { session, task, attempt, first, gang, workers: new Set<Worker>() };
  put(foreign, first);
  if (gang.length === 0) return;
  for (const worker of state.workers.values()) if (gang.includes(worker.name)) put(foreign, worker);
}

/** A worker that joins may be one of a gang that another has named. */
export function shareForeign(state: State, joined: Worker): void {
  for (const worker of state.workers.values()) {
    for (const foreign of worker.foreign)
      if (foreign.first === worker && foreign.gang.includes(joined.name)) put(foreign, joined);
  }
}

function put(foreign: Foreign, worker: Worker): void {
  foreign.workers.add(worker);
  worker.foreign.add(foreign);
  withhold(worker);
}

/** What a worker was told to stop may be among these that have ended there. */
export function foreignEnded(
  state: State,
  worker: Worker,
  session: number,
  tasks: readonly number[],
  attempts: readonly number[],
): void {
  if (worker.foreign.size === 0) return;
  for (const foreign of worker.foreign) {
    if (foreign.first !== worker || foreign.session !== session) continue;
    const at = tasks.indexOf(foreign.task);
    if (at !== -1 && (attempts[at] ?? 1) === foreign.attempt) over(state, foreign);
  }
}

/** All that the worker was told to stop is over: it is lost, or says anew what it has. */
export function forgetForeign(state: State, worker: Worker): void {
  for (const foreign of worker.foreign) if (foreign.first === worker) over(state, foreign);
}

function over(state: State, foreign: Foreign): void {
  for (const worker of foreign.workers) {
    worker.foreign.delete(foreign);
    beginAgain(state, worker);
  }
}

/** The worker gets nothing new. */
export function withhold(worker: Worker): void {
  if (worker.mode === "suspect") return;
  worker.resumesAs = worker.mode;
  worker.mode = "suspect";
}

/** The worker gets new work again, if nothing speaks against it any more. */
export function beginAgain(state: State, worker: Worker): void {
  if (worker.mode !== "suspect" || worker.away || worker.foreign.size > 0) return;
  if (state.workers.get(worker.number) !== worker) return;
  worker.mode = worker.resumesAs;
  state.freed.add(worker);
  state.touched.add(worker);
}
