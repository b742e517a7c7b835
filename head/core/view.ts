/** A read-only look at the scheduler, for the shell, tests and people. */

import type { Pool } from "../../proto/resource/pool.js";
import { type DryRun, type DryRunOptions, dryRun } from "./dry-run.js";
import type { Estimate } from "./estimate.js";
import { type Explanation, explainTask } from "./explain.js";
import { type FunctionView, functionsOf, oldestWaiting, openTasks } from "./inspect.js";
import type { Line } from "./line.js";
import type { State } from "./state.js";
import type { GroupRuns } from "./walltime.js";
import { whyWaiting } from "./why-waiting.js";
import { runsAlone, type Worker } from "./worker.js";

export type { FunctionView } from "./inspect.js";

/** Counts of one session. */
export interface SessionView {
  readonly queued: number;
  /** Sent to a worker, started or not. */
  readonly running: number;
  readonly finished: number;
  readonly failed: number;
}

/** One worker. */
export interface WorkerView {
  readonly worker: number;
  readonly name: string;
  /** "suspect": its connection was lost, it may come back. "isolated": a task that may end workers has it for itself. */
  readonly state: "ready" | "pressed" | "leaving" | "suspect" | "isolated";
  readonly pool: Pool;
  readonly free: ReadonlyMap<string, number>;
  readonly running: number;
  /** Sent ahead, not started. */
  readonly waiting: number;
  readonly finished: number;
  /** Of its walltime; undefined: it has no end. */
  readonly remainingMs: number | undefined;
}

/** One class with queued tasks. */
export interface QueueView {
  readonly session: number;
  readonly spec: number;
  readonly demand: string;
  readonly prioritized: boolean;
  readonly priority: number;
  readonly queued: number;
  /** In a word or two: what keeps it from the workers. */
  readonly why: string;
}

/** Looks, never changes. */
export class CoreView {
  constructor(private readonly state: State) {}

  session(number: number): SessionView | undefined {
    const session = this.state.sessions.get(number);
    if (session === undefined) return undefined;
    return {
      queued: session.queued + session.delayed,
      running: session.placed,
      finished: session.finished,
      failed: session.failed,
    };
  }

  /** @param nowMs the time, on the clock of the events. Default: that of the last event */
  *workers(nowMs: number = this.state.nowMs): Generator<WorkerView> {
    for (const worker of this.state.workers.values()) {
      yield {
        worker: worker.number,
        name: worker.name,
        state: stateOf(worker),
        pool: worker.pool,
        free: new Map(worker.total.map((_, kind) => [this.state.kinds.names[kind]!, worker.free[kind]!])),
        running: worker.granted.size,
        waiting: worker.aheadCount,
        finished: worker.finished,
        remainingMs: Number.isFinite(worker.endsAtMs) ? Math.max(0, worker.endsAtMs - nowMs) : undefined,
      };
    }
  }

  /** Classes with queued tasks, most urgent first. */
  *queues(nowMs: number = this.state.nowMs): Generator<QueueView> {
    const now = { ...this.state, nowMs };
    // Of a line all classes wait for the same.
    const whys = new Map<Line, string>();
    for (const level of this.state.levels) {
      for (const cls of level.waiting) {
        const why = whys.get(cls.line) ?? whyWaiting(now, cls);
        whys.set(cls.line, why);
        yield {
          session: cls.session.number,
          spec: cls.spec,
          demand: cls.shapes.map((shape) => shape.text).join(" or "),
          prioritized: level.prioritized,
          priority: level.priority,
          queued: cls.queue.size,
          why,
        };
      }
    }
  }

  /**
   * Where a task is and, while it is queued, why it is not on a worker.
   *
   * @param nowMs the time, on the clock of the events. Default: that of the last event
   */
  explain(session: number, task: number, nowMs: number = this.state.nowMs): Explanation {
    return explainTask({ ...this.state, nowMs }, session, task);
  }

  /** The functions of a session, with what is known of their calls; those without any are left out. */
  functions(session: number): FunctionView[] {
    const owner = this.state.sessions.get(session);
    return owner === undefined ? [] : functionsOf(this.state, owner);
  }

  /** The task that has waited longest of each demand of a session. */
  oldestWaiting(session: number): number[] {
    const owner = this.state.sessions.get(session);
    return owner === undefined ? [] : oldestWaiting(owner);
  }

  /** The tasks of a session that have not ended, those that would be the last to run first. */
  openTasks(session: number): number[] {
    const owner = this.state.sessions.get(session);
    return owner === undefined ? [] : openTasks(owner);
  }

  /** What has been learnt of walltimes, by group. */
  get groups(): ReadonlyMap<string, Readonly<GroupRuns>> {
    return this.state.groups;
  }

  /** How long the calls of a session's specs run, of those of which any has. */
  *estimates(session: number): Generator<{ readonly spec: number } & Readonly<Estimate>> {
    for (const { spec, estimate, alone } of this.state.sessions.get(session)?.classes.values() ?? []) {
      if (estimate.runs > 0 && !alone) yield { spec, runs: estimate.runs, meanUs: estimate.meanUs };
    }
  }

  /** How many further workers the ready tasks would fill; undefined: none is started on demand. */
  dryRun(options: DryRunOptions, nowMs: number = this.state.nowMs): DryRun | undefined {
    const { template } = this.state;
    return template === undefined ? undefined : dryRun({ ...this.state, nowMs }, template, options);
  }

  get workerCount(): number {
    return this.state.workers.size;
  }

  get lateResults(): number {
    return this.state.lateResults;
  }

  /** The state itself, for the invariant checker. */
  get internals(): Readonly<State> {
    return this.state;
  }
}

function stateOf(worker: Worker): WorkerView["state"] {
  if (worker.mode !== "ready") return worker.mode;
  if (worker.pressed) return "pressed";
  return runsAlone(worker) ? "isolated" : "ready";
}
