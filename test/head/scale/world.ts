/** A batch system, workers that run one task at a time, and a swarm over them; all of it in one process and on a clock of its own. */

import { type Action, type Decision, decide } from "../../../head/scale/decide.js";
import type { Goal } from "../../../head/scale/goal.js";
import { mostOf } from "../../../head/scale/goal.js";
import type { Observations, SeenWorker } from "../../../head/scale/observation.js";
import { aimed, newState, refused, type ScaleState, submitted } from "../../../head/scale/state.js";
import type { JobState } from "../../../provider/provider.js";

/** How the batch system behaves. */
export interface Weather {
  /** Jobs that can run at a time. */
  nodes: number;
  /** Submissions are refused. */
  refuses: boolean;
  /** Jobs end at once. */
  broken: boolean;
  /** It cannot be asked. */
  silent: boolean;
}

interface Job {
  readonly id: string;
  readonly submittedAtMs: number;
  state: JobState;
  startedAtMs: number;
}

interface Worker {
  readonly worker: number;
  readonly job: string | undefined;
  readonly endsAtMs: number;
  /** When what it runs is done; undefined: it runs nothing. */
  busyUntilMs: number | undefined;
  finished: number;
  leaving: boolean;
}

export const MINUTE_MS = 60_000;

export class World {
  nowMs = 1_000_000_000;
  /** Tasks that wait. */
  tasks = 0;
  taskMs = 10 * MINUTE_MS;
  readonly weather: Weather = { nodes: 100, refuses: false, broken: false, silent: false };
  readonly jobs = new Map<string, Job>();
  readonly workers = new Map<number, Worker>();
  /** With the time. */
  readonly decisions: (Decision & { readonly atMs: number; readonly total: number })[] = [];
  state: ScaleState;
  /** Jobs that somebody else has cancelled. */
  readonly #cancelled = new Set<string>();
  #last = 0;

  constructor(
    goal: Goal,
    readonly lifetimeMs = 60 * MINUTE_MS,
    backlog = 2,
  ) {
    this.state = aimed(newState({ backlog, lifetimeMs }, this.nowMs), goal, this.nowMs);
  }

  aim(goal: Goal): void {
    this.state = aimed(this.state, goal, this.nowMs);
  }

  /** A worker that nobody has submitted. */
  stranger(): void {
    this.#last += 1;
    this.#join(undefined, Number.POSITIVE_INFINITY);
  }

  /** Somebody cancels a job. */
  cancel(id: string): void {
    this.#cancelled.add(id);
    this.#end(id, { type: "ended", reason: "" });
  }

  /** Time goes by, minute by minute. */
  pass(minutes: number): Decision[] {
    const from = this.decisions.length;
    for (let i = 0; i < minutes; i += 1) {
      this.nowMs += MINUTE_MS;
      this.#live();
      this.look();
    }
    return this.decisions.slice(from);
  }

  /** One decision, carried out. */
  look(): Decision {
    const decision = decide(this.state, this.seen(), this.nowMs);
    this.decisions.push({ ...decision, atMs: this.nowMs, total: this.#totalAfter(decision) });
    this.state = decision.state;
    for (const action of decision.actions) this.#carryOut(action);
    return decision;
  }

  seen(): Observations {
    const { silent } = this.weather;
    const states = [...this.state.jobs.keys()].map(
      (id) => [id, this.jobs.get(id)?.state ?? { type: "unknown" }] as const,
    );
    return {
      jobs: silent ? undefined : new Map(states),
      problem: silent ? "it does not answer" : undefined,
      workers: [...this.workers.values()].map((worker) => this.#seen(worker)),
      joined: new Set(),
      cancelled: this.#cancelled,
      otherJobs: 0,
      demand: this.state.goal.type === "demand" ? Math.min(this.tasks, mostOf(this.state.goal)) : 0,
    };
  }

  /** Jobs that wait or start, and workers that are there. */
  get alive(): number {
    const coming = [...this.jobs.values()].filter(({ state }) => state.type === "queued").length;
    return coming + [...this.workers.values()].filter(({ leaving }) => !leaving).length;
  }

  /** Workers that stay for a while, jobs that are to give some, and those that are asked for. */
  #totalAfter({ state, actions }: Decision): number {
    const leadMs = Math.min(5 * MINUTE_MS, this.lifetimeMs / 4);
    const staying = [...this.workers.values()].filter(
      ({ leaving, endsAtMs }) => !leaving && endsAtMs - this.nowMs > leadMs,
    );
    const coming = [...state.jobs.values()].filter(
      ({ joined, endedAtMs }) => !joined && endedAtMs === undefined,
    );
    const asked = actions.map((action) => (action.type === "submit" ? action.count : 0));
    return asked.reduce((sum, count) => sum + count, staying.length + coming.length);
  }

  get submissions(): number {
    return this.decisions.flatMap(({ actions }) => actions).filter(({ type }) => type === "submit").length;
  }

  #seen({ worker, job, busyUntilMs, finished, leaving, endsAtMs }: Worker): SeenWorker {
    const remainingMs = Number.isFinite(endsAtMs) ? endsAtMs - this.nowMs : undefined;
    const isIdle = busyUntilMs === undefined;
    return { worker, name: `w${worker}`, job, isIdle, finished, isLeaving: leaving, remainingMs };
  }

  #carryOut(action: Action): void {
    switch (action.type) {
      case "submit":
        if (this.weather.refuses) this.state = refused(this.state, "No.", this.nowMs);
        else this.#submit(action.count);
        return;
      case "cancel":
        for (const id of action.jobs) this.#end(id, { type: "ended", reason: "CANCELLED" });
        return;
      case "leave":
        for (const worker of this.workers.values())
          if (action.workers.includes(`w${worker.worker}`)) worker.leaving = true;
        return;
      default:
        action satisfies never;
    }
  }

  #submit(count: number): void {
    const ids = Array.from({ length: count }, () => {
      this.#last += 1;
      return String(this.#last);
    });
    for (const id of ids)
      this.jobs.set(id, {
        id,
        submittedAtMs: this.nowMs,
        state: { type: "queued", reason: "" },
        startedAtMs: 0,
      });
    const about = ids.map((id) => ({ id, logFile: `/logs/${id}.log`, submittedAtMs: this.nowMs }));
    this.state = submitted(this.state, about);
  }

  #end(id: string, state: JobState): void {
    const job = this.jobs.get(id);
    if (job !== undefined && (job.state.type === "queued" || job.state.type === "running")) job.state = state;
    for (const worker of this.workers.values()) if (worker.job === id) this.#gone(worker);
  }

  #join(job: string | undefined, endsAtMs: number): void {
    const worker = this.#last * 1_000 + this.workers.size;
    this.workers.set(worker, {
      worker,
      job,
      endsAtMs,
      busyUntilMs: undefined,
      finished: 0,
      leaving: false,
    });
  }

  /** What it runs is to be run again. */
  #gone(worker: Worker): void {
    if (worker.busyUntilMs !== undefined) this.tasks += 1;
    worker.busyUntilMs = undefined;
    this.workers.delete(worker.worker);
  }

  #live(): void {
    for (const worker of [...this.workers.values()]) {
      if (worker.busyUntilMs !== undefined && worker.busyUntilMs <= this.nowMs) {
        worker.busyUntilMs = undefined;
        worker.finished += 1;
      }
      const isOver = worker.endsAtMs <= this.nowMs || (worker.leaving && worker.busyUntilMs === undefined);
      if (!isOver) continue;
      this.#gone(worker);
      if (worker.job !== undefined) this.#end(worker.job, { type: "ended", reason: "COMPLETED" });
    }
    let running = [...this.jobs.values()].filter(({ state }) => state.type === "running").length;
    for (const job of this.jobs.values()) {
      if (job.state.type !== "queued" || running >= this.weather.nodes) continue;
      if (this.weather.broken) {
        job.state = { type: "failed", reason: "FAILED", exitCode: 1 };
        continue;
      }
      job.state = { type: "running", host: "n1" };
      running += 1;
      this.#join(job.id, this.nowMs + this.lifetimeMs);
    }
    for (const worker of this.workers.values()) {
      if (this.tasks === 0 || worker.leaving || worker.busyUntilMs !== undefined) continue;
      this.tasks -= 1;
      worker.busyUntilMs = this.nowMs + this.taskMs;
    }
  }
}
