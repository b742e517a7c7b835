/** Drives the scheduler core in tests: builders for events, every effect recorded, invariants after every step. */

import { check } from "../../head/core/check.js";
import { Core } from "../../head/core/core.js";
import type { Effect } from "../../head/core/effect.js";
import type { HeadEvent, SpecDefined } from "../../head/core/event.js";
import type { SchedulingOptions } from "../../head/core/options.js";
import type { Pool } from "../../proto/resource/pool.js";
import { type ResourceLike, toRequest } from "../../proto/resource/resource.js";
import type { Retries } from "../../proto/retries.js";

export type TestEvent = HeadEvent<string, string, string>;
export type TestEffect = Effect<string, string, string>;

/** A pool of so many cores and gigabytes. */
export function poolOf(cores: number, gigabytes = 64, more: Partial<Pool> = {}): Pool {
  return {
    cores: Array.from({ length: cores }, (_, id) => id),
    gpus: [],
    memoryBytes: gigabytes * 1024 ** 3,
    others: [],
    tokens: [],
    numa: [],
    ...more,
  };
}

/** What a spec may say beside its demand. */
export interface SpecOptions {
  readonly priority?: number;
  readonly retries?: number | Retries;
  readonly failInfeasible?: boolean;
}

/** A spec as an event. */
export function specDefined(
  session: number,
  spec: number,
  demand: ResourceLike,
  options: SpecOptions = {},
): SpecDefined {
  const { retries = 0 } = options;
  return {
    type: "specDefined",
    session,
    spec,
    request: toRequest(demand),
    priority: options.priority ?? 0,
    retries: typeof retries === "object" ? retries : { max: retries, backoffMs: 0, on: [] },
    failInfeasible: options.failInfeasible ?? false,
  };
}

/** The core with a memory of everything that happened to it, and the invariants checked after every step. */
export class CoreDriver {
  readonly core: Core<string, string, string>;
  nowMs = 0;
  /** Every event so far, with its time: what it takes to make the same happen again. */
  readonly events: { readonly atMs: number; readonly event: TestEvent }[] = [];
  readonly #next = new Map<number, number>();

  /** @param checkEvery check the invariants after every so many events: the check looks at every task. Default: 1 */
  constructor(
    options: Partial<SchedulingOptions> = {},
    private readonly checkEvery = 1,
  ) {
    this.core = new Core(options);
  }

  /** Steps one event and checks the invariants. */
  step(event: TestEvent): TestEffect[] {
    this.events.push({ atMs: this.nowMs, event });
    const effects = this.core.step(event, this.nowMs);
    const complete = event.type === "planDue" && !effects.some(({ type }) => type === "planAgain");
    if (this.events.length % this.checkEvery === 0) check(this.core.view.internals, complete);
    return effects;
  }

  /** One slice of a plan. */
  planSlice(): TestEffect[] {
    return this.step({ type: "planDue" });
  }

  /** Plans until the plan is complete, as the shell does over some turns. */
  settle(): TestEffect[] {
    const all: TestEffect[] = [];
    for (;;) {
      const effects = this.planSlice();
      all.push(...effects.filter(({ type }) => type !== "planAgain" && type !== "planAt"));
      if (!effects.some(({ type }) => type === "planAgain")) return all;
    }
  }

  session(session: number, options: { prioritized?: boolean; priority?: number; name?: string } = {}): void {
    this.step({
      type: "sessionOpened",
      session,
      name: options.name ?? `client${session}`,
      prioritized: options.prioritized ?? false,
      priority: options.priority ?? 0,
    });
  }

  spec(session: number, spec: number, demand: ResourceLike, options: SpecOptions = {}): void {
    this.step(specDefined(session, spec, demand, options));
  }

  /** Submits tasks; gives their numbers. */
  submit(session: number, spec: number, count: number): number[] {
    const first = this.#next.get(session) ?? 1;
    this.#next.set(session, first + count);
    this.step({ type: "submitted", session, spec, first, count, source: `from ${first}` });
    return Array.from({ length: count }, (_, i) => first + i);
  }

  worker(worker: number, pool: Pool): void {
    this.step({ type: "workerJoined", worker, name: `w${worker}`, pool });
  }

  finish(
    worker: number,
    session: number,
    tasks: number[],
    options: { attempts?: number[]; runUs?: number } = {},
  ): TestEffect[] {
    return this.step({
      type: "finished",
      worker,
      session,
      tasks,
      attempts: options.attempts ?? [],
      runUs: tasks.map(() => options.runUs ?? 1_000_000_000),
      result: "result",
    });
  }

  fail(
    worker: number,
    session: number,
    task: number,
    attempt = 1,
    cause: "function" | "final" | "cancelled" = "function",
    labels: readonly string[] = [],
  ): TestEffect[] {
    return this.step({ type: "failed", worker, session, task, attempt, cause, labels, failure: "failure" });
  }
}

/** "worker: tasks" of the granted assignments, and "worker+: tasks" of those sent ahead. */
export function placements(effects: readonly TestEffect[]): string[] {
  return effects.flatMap((effect) =>
    effect.type === "assign"
      ? [`w${effect.worker}${effect.granted ? "" : "+"}: ${effect.tasks.join(",")}`]
      : [],
  );
}
