/**
 * Records what happens to a head: watches the events of the scheduler and what came of
 * them, and writes the lines of a trace. It changes nothing.
 *
 * Not its job: files (file.ts), reading (read.ts).
 */

import { formatRequest } from "../../proto/resource/demand.js";
import type { Pool } from "../../proto/resource/pool.js";
import type { Effect } from "../core/effect.js";
import type { Failed, Finished, HeadEvent } from "../core/event.js";
import { TRACE_VERSION, type TraceLine, type TracePool } from "./line.js";

/** Watches the scheduler. `Failure` says how long an execution ran that ended without a result. */
export interface TraceSink {
  /**
   * @param event what happened
   * @param effects what the scheduler ordered because of it
   * @param nowMs the head's clock
   */
  record(
    event: HeadEvent<unknown, unknown, TracedFailure>,
    effects: readonly Effect<unknown, unknown, unknown>[],
    nowMs: number,
  ): void;
}

/** The part of a worker's failure that a trace needs. */
export interface TracedFailure {
  readonly runMs: number;
}

/** What a placed task was placed as. */
interface Placed {
  readonly spec: number;
  readonly alternative: number;
}

/** Takes what is to be written. */
export type WriteLine = (line: TraceLine) => void;

/**
 * Writes the lines of a trace.
 *
 * @example
 * new Recorder((line) => lines.push(JSON.stringify(line)), { head: "0.1.0", startedAt: new Date() })
 */
export class Recorder implements TraceSink {
  readonly #write: WriteLine;
  /** By session, then task: those on workers. */
  readonly #placed = new Map<number, Map<number, Placed>>();
  #beganMs: number | undefined;
  #atMs = 0;

  constructor(write: WriteLine, about: { readonly head: string; readonly startedAt: Date }) {
    this.#write = write;
    const { head, startedAt } = about;
    write({ type: "trace", version: TRACE_VERSION, head, startedAt: startedAt.toISOString() });
  }

  record(
    event: HeadEvent<unknown, unknown, TracedFailure>,
    effects: readonly Effect<unknown, unknown, unknown>[],
    nowMs: number,
  ): void {
    this.#beganMs ??= nowMs;
    this.#atMs = Math.round((nowMs - this.#beganMs) * 1_000) / 1_000;
    this.#happened(event, effects);
    for (const effect of effects) this.#ordered(effect);
  }

  #happened(
    event: HeadEvent<unknown, unknown, TracedFailure>,
    effects: readonly Effect<unknown, unknown, unknown>[],
  ): void {
    const atMs = this.#atMs;
    switch (event.type) {
      case "workerJoined": {
        const { worker, name, pool } = event;
        return this.#write({ type: "worker", atMs, worker, name, pool: poolOf(pool) });
      }
      case "workerLost": {
        const { worker, planned } = event;
        return this.#write({ type: "workerLeft", atMs, worker, planned });
      }
      case "sessionOpened": {
        const { session, name, prioritized, priority } = event;
        return this.#write({ type: "session", atMs, session, name, prioritized, priority });
      }
      case "specDefined": {
        const { session, spec, request, priority } = event;
        return this.#write({ type: "spec", atMs, session, spec, request: formatRequest(request), priority });
      }
      case "submitted": {
        const { session, spec, first, count } = event;
        return this.#write({ type: "submit", atMs, session, spec, first, count });
      }
      case "finished":
        return this.#finished(event, effects);
      case "failed":
        return this.#failed(event, effects);
      default:
        return;
    }
  }

  #ordered(effect: Effect<unknown, unknown, unknown>): void {
    switch (effect.type) {
      case "assign": {
        let placed = this.#placed.get(effect.session);
        if (placed === undefined) {
          placed = new Map();
          this.#placed.set(effect.session, placed);
        }
        const { spec, alternative, tasks } = effect;
        const what = { spec, alternative };
        for (const task of tasks) placed.set(task, what);
        return;
      }
      case "conclude": {
        const { session, tasks, verdict } = effect;
        for (const task of tasks) this.#placed.get(session)?.delete(task);
        return this.#write({ type: "conclude", atMs: this.#atMs, session, tasks, why: verdict.type });
      }
      case "sessionEnded":
        this.#placed.delete(effect.session);
        return;
      default:
        return;
    }
  }

  /** Only what the client is given counts: the rest came late, or nobody wants it any more. */
  #finished(event: Finished<unknown>, effects: readonly Effect<unknown, unknown, unknown>[]): void {
    const { session, worker, runUs } = event;
    const known = this.#placed.get(session);
    if (known === undefined) return;
    for (const effect of effects) {
      if (effect.type !== "deliver" || effect.session !== session) continue;
      const columns = new Map<Placed, { tasks: number[]; attempts: number[]; runUs: number[] }>();
      for (const [i, task] of effect.tasks.entries()) {
        const placed = known.get(task);
        if (placed === undefined) continue;
        known.delete(task);
        const at = effect.indices?.[i] ?? i;
        let column = columns.get(placed);
        if (column === undefined) {
          column = { tasks: [], attempts: [], runUs: [] };
          columns.set(placed, column);
        }
        column.tasks.push(task);
        column.attempts.push(event.attempts[at] ?? 1);
        column.runUs.push(Math.round(runUs[at] ?? 0));
      }
      for (const [placed, column] of columns) {
        const about = { atMs: this.#atMs, session, worker, ...naming(placed) };
        this.#write({ type: "end", ...about, ...column });
      }
    }
  }

  #failed(event: Failed<TracedFailure>, effects: readonly Effect<unknown, unknown, unknown>[]): void {
    const { session, worker, task, attempt, failure } = event;
    const placed = this.#placed.get(session)?.get(task);
    if (placed === undefined) return;
    this.#placed.get(session)?.delete(task);
    this.#write({
      type: "fail",
      atMs: this.#atMs,
      session,
      worker,
      ...naming(placed),
      task,
      attempt,
      runUs: Math.round(failure.runMs * 1_000),
      final: effects.some((effect) => effect.type === "reject" || effect.type === "conclude"),
    });
  }
}

/** The usual alternative goes without saying. */
function naming({ spec, alternative }: Placed): { spec: number; alternative?: number } {
  return alternative === 0 ? { spec } : { spec, alternative };
}

function poolOf({ cores, gpus, memoryBytes, others, tokens, remainingMs }: Pool): TracePool {
  const pool = { cores: cores.length, gpus: gpus.length, memoryBytes, others, tokens };
  return remainingMs === undefined ? pool : { ...pool, remainingMs };
}

/** The scheduler, watched. Without a sink the scheduler itself. */
export function watched<Event extends HeadEvent<unknown, unknown, TracedFailure>, Ordered>(
  core: { step(event: Event, nowMs: number): Ordered[] },
  sink: TraceSink | undefined,
): { step(event: Event, nowMs: number): Ordered[] } {
  if (sink === undefined) return core;
  return {
    step(event, nowMs) {
      const effects = core.step(event, nowMs);
      sink.record(event, effects as Effect<unknown, unknown, unknown>[], nowMs);
      return effects;
    },
  };
}
