/**
 * What a trace says of the run that was recorded, and the same work again on a cluster that
 * does not exist.
 *
 * Known of the recorded run are submissions, ends and run times; a task's start is its end
 * less its run time. Tasks of which no run time is known (cancelled, or still running at the
 * end) cannot be replayed and are left out of both.
 */

import { parseRequest } from "../../proto/resource/parse-request.js";
import type { Pool } from "../../proto/resource/pool.js";
import type { SchedulingOptions } from "../core/options.js";
import type { TracePool } from "../trace/line.js";
import type { Trace } from "../trace/read.js";
import { type Bound, lowerBound } from "./bound.js";
import { Meter } from "./meter.js";
import type { PoolSpec } from "./pool-spec.js";
import type { SimulatedPolicy } from "./scheduler.js";
import { type SimulationResult, simulate, summarizeUse, type Utilisation } from "./simulate.js";
import { KindNumbers, Use } from "./use.js";
import { summarizeWaits, type Waits } from "./waits.js";
import type { Client, TaskKind, WorkloadTask } from "./workload.js";

/** The recorded run in figures. */
export interface RecordedRun {
  readonly tasks: number;
  /** Submitted, and without a known run time. */
  readonly leftOut: number;
  readonly makespanMs: number;
  readonly waitMs: Waits;
  readonly utilisation: Utilisation;
  readonly fairness: number | undefined;
}

/** A task as it was recorded. */
interface RecordedTask extends WorkloadTask {
  readonly startMs: number;
  readonly endMs: number;
  readonly worker: number;
  readonly alternative: number;
}

/** A trace, taken apart. */
export interface Recording {
  readonly tasks: readonly WorkloadTask[];
  /** With the times at which they joined and left. */
  readonly workers: readonly PoolSpec[];
  readonly run: RecordedRun;
}

/** What to do with a recording. */
export interface ReplayOptions {
  /** Default: the recorded workers, joining and leaving as they did. */
  readonly workers?: readonly PoolSpec[] | undefined;
  /** Default: "fit". */
  readonly policy?: SimulatedPolicy | undefined;
  readonly options?: Partial<SchedulingOptions> | undefined;
  readonly latencyMs?: number | undefined;
}

/** A recording and what would have come of it elsewhere. */
export interface Replay {
  readonly recorded: RecordedRun;
  readonly simulated: SimulationResult;
  readonly workers: readonly PoolSpec[];
  /** What no schedule on these workers could beat. */
  readonly bound: Bound;
}

/**
 * Runs a recorded workload again, in virtual time.
 *
 * @example
 * const { recorded, simulated } = replay(recordingOf(await readTrace("head.trace")), {
 *   workers: [parsePoolSpec("20x64c,256G")],
 * });
 */
export function replay(recording: Recording, options: ReplayOptions = {}): Replay {
  const { policy, latencyMs } = options;
  const workers = options.workers ?? recording.workers;
  const simulated = simulate({
    workers,
    tasks: recording.tasks,
    ...(policy === undefined ? {} : { policy }),
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(options.options === undefined ? {} : { options: options.options }),
  });
  return { recorded: recording.run, simulated, workers, bound: lowerBound(workers, recording.tasks) };
}

/** Takes a trace apart. */
export function recordingOf(trace: Trace): Recording {
  const collector = new Collector();
  for (const line of trace.lines) collector.take(line);
  return collector.recording();
}

interface Submitted {
  readonly submitMs: number;
  readonly spec: number;
}

class Collector {
  readonly #workers = new Map<number, { pool: Pool; joinMs: number; leaveMs: number | undefined }>();
  readonly #clients = new Map<number, Client>();
  readonly #kinds = new Map<number, Map<number, TaskKind>>();
  readonly #submitted = new Map<number, Map<number, Submitted>>();
  readonly #tasks: RecordedTask[] = [];

  take(line: Trace["lines"][number]): void {
    switch (line.type) {
      case "worker":
        this.#workers.set(line.worker, { pool: poolOf(line.pool), joinMs: line.atMs, leaveMs: undefined });
        return;
      case "workerLeft":
        this.#workers.get(line.worker)!.leaveMs = line.atMs;
        return;
      case "session": {
        const { session, name, prioritized, priority } = line;
        this.#clients.set(session, { name, prioritized, priority });
        this.#kinds.set(session, new Map());
        this.#submitted.set(session, new Map());
        return;
      }
      case "spec": {
        const { session, spec, request, priority } = line;
        this.#kinds.get(session)!.set(spec, { request: parseRequest(request), priority });
        return;
      }
      case "submit":
        for (let i = 0; i < line.count; i += 1)
          this.#submitted.get(line.session)!.set(line.first + i, { submitMs: line.atMs, spec: line.spec });
        return;
      case "end":
        for (const [i, task] of line.tasks.entries()) this.#ended(line, task, line.runUs[i]!);
        return;
      case "fail":
        if (line.final) this.#ended(line, line.task, line.runUs);
        return;
      default:
        return;
    }
  }

  #ended(
    line: { atMs: number; session: number; worker: number; alternative?: number | undefined },
    task: number,
    runUs: number,
  ): void {
    const mine = this.#submitted.get(line.session)!;
    const submitted = mine.get(task);
    if (submitted === undefined) return;
    mine.delete(task);
    const runMs = runUs / 1_000;
    this.#tasks.push({
      submitMs: submitted.submitMs,
      client: this.#clients.get(line.session)!,
      kind: this.#kinds.get(line.session)!.get(submitted.spec)!,
      runMs,
      startMs: Math.max(submitted.submitMs, line.atMs - runMs),
      endMs: line.atMs,
      worker: line.worker,
      alternative: line.alternative ?? 0,
    });
  }

  recording(): Recording {
    let leftOut = 0;
    for (const open of this.#submitted.values()) leftOut += open.size;
    const workers = [...this.#workers.values()].map((worker) => ({ count: 1, ...worker }));
    return { tasks: this.#tasks, workers, run: this.#measure(leftOut) };
  }

  #measure(leftOut: number): RecordedRun {
    const meter = new Meter();
    const numbers = new KindNumbers();
    for (const moment of this.#moments(meter, numbers)) moment.apply();
    const firstMs = this.#tasks.reduce((first, task) => Math.min(first, task.submitMs), Infinity);
    return {
      tasks: this.#tasks.length,
      leftOut,
      makespanMs: this.#tasks.length === 0 ? 0 : meter.endMs - firstMs,
      waitMs: summarizeWaits(Float64Array.from(this.#tasks, (task) => task.startMs - task.submitMs)),
      utilisation: summarizeUse(meter, numbers),
      fairness: meter.fairness(),
    };
  }

  /** What the meter is to be told, in order: at one time what frees comes before what takes. */
  #moments(meter: Meter, numbers: KindNumbers): { atMs: number; apply: () => void }[] {
    const moments: { atMs: number; rank: number; apply: () => void }[] = [];
    const totals = new Map<number, readonly number[]>();
    for (const [number, { pool, joinMs, leaveMs }] of this.#workers) {
      const total = numbers.vectorOf(pool);
      totals.set(number, total);
      moments.push({ atMs: joinMs, rank: 0, apply: () => meter.capacity(joinMs, total, 1) });
      if (leaveMs !== undefined)
        moments.push({ atMs: leaveMs, rank: 4, apply: () => meter.capacity(leaveMs, total, -1) });
    }
    const clients = new Map<Client, number>();
    for (const client of this.#clients.values()) clients.set(client, meter.addClient(1));
    const uses = new Map<TaskKind, Use[]>();
    for (const { client, kind, alternative, submitMs, startMs, endMs, worker } of this.#tasks) {
      const number = clients.get(client)!;
      let known = uses.get(kind);
      if (known === undefined) {
        known = kind.request.alternatives.map((demand) => new Use(demand, numbers));
        uses.set(kind, known);
      }
      const use = known[alternative] ?? known[0]!;
      const total = totals.get(worker) ?? [];
      const nodes = Math.max(1, use.demand.nodes);
      moments.push(
        { atMs: submitMs, rank: 1, apply: () => meter.submitted(submitMs, number, 1) },
        {
          atMs: startMs,
          rank: 3,
          apply: () => meter.started(startMs, number, true, (used) => use.add(used, total, nodes)),
        },
        {
          atMs: endMs,
          rank: endMs === startMs ? 3 : 2,
          apply: () => meter.ended(endMs, number, (used) => use.add(used, total, -nodes)),
        },
      );
    }
    return moments.sort((a, b) => a.atMs - b.atMs || a.rank - b.rank);
  }
}

function poolOf({ cores, gpus, memoryBytes, others, tokens, remainingMs }: TracePool): Pool {
  return {
    cores: Array.from({ length: cores }, (_, id) => id),
    gpus: Array.from({ length: gpus }, (_, id) => id),
    memoryBytes,
    others: others.map((other) => ({ ...other })),
    tokens: [...tokens],
    remainingMs,
    numa: [],
  };
}
