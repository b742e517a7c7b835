/** What tasks use of memory, and what it means when a process ends for want of it. Measuring is memory/watch.ts. */

import { constants } from "node:os";
import { amountOf } from "../../proto/resource/demand.js";
import type { RunMode } from "../executor/message.js";
import { OomKills } from "../memory/oom-kills.js";
import { type Measured, MemoryWatch, type RunningTask } from "../memory/watch.js";
import type { ExecutorExit } from "../pool.js";
import type { Families } from "../process/family.js";
import type { AgentState } from "./core/state.js";
import type { Task } from "./core/task.js";

/** What it needs of its agent. */
export interface TaskMemoryOptions {
  readonly families: Families;
  readonly state: Pick<AgentState, "byRef" | "executors">;
  exceeded(ref: number, usedBytes: number): void;
  /** Now and then while something runs. */
  looked(): void;
}

const HEAP_LIMIT =
  "its process reached the limit of JavaScript heap memory; let it hold less at once, or raise the limit with NODE_OPTIONS=--max-old-space-size=<MiB> on the worker";
const KERNEL_LIMIT =
  "the system ended its process because the machine, or the worker's control group, had no memory left; let it use less, or ask for what it needs with memory(…), so that fewer tasks share the machine";

/** The memory of one agent's tasks. */
export class TaskMemory {
  readonly #state: TaskMemoryOptions["state"];
  readonly #watch: MemoryWatch;
  readonly #oomKills = new OomKills();

  constructor({ families, state, exceeded, looked }: TaskMemoryOptions) {
    this.#state = state;
    this.#watch = new MemoryWatch({
      families,
      running: () => this.#running(),
      isBusy: () => state.byRef.size > 0,
      exceeded,
      looked: () => {
        // Kills of before are of no task that ends later.
        this.#oomKills.happened();
        looked();
      },
    });
  }

  /** An executor has loaded itself. */
  ready(executor: number): void {
    this.#watch.ready(executor);
  }

  /** Tasks were given to an executor. */
  given(executor: number, [first]: readonly Task[], mode: RunMode, isFresh: boolean): void {
    // What runs behind others is found by looking.
    if (mode === "ahead" || first === undefined) return;
    this.#watch.started(executor, first.ref, mode === "next" ? askedBytes(first) : 0, isFresh);
  }

  /** What was measured of a task. */
  measured(task: Task): Measured | undefined {
    return this.#watch.measured(task.ref);
  }

  /**
   * Why a process that has ended had no more memory; undefined when that was not the reason.
   *
   * @param texts what it and its tasks wrote to standard error
   */
  lackAt({ exitCode, signal }: ExecutorExit, texts: readonly string[]): string | undefined {
    if (signal === "SIGKILL" && this.#oomKills.happened()) return KERNEL_LIMIT;
    const aborted = signal === "SIGABRT" || exitCode === 128 + constants.signals.SIGABRT;
    return aborted && texts.some((text) => text.includes("heap out of memory")) ? HEAP_LIMIT : undefined;
  }

  forget(executor: number): void {
    this.#watch.forget(executor);
  }

  stop(): void {
    this.#watch.stop();
  }

  /** Tasks that share a process cannot be told apart, and have asked for no memory. */
  *#running(): Generator<RunningTask> {
    for (const { id, use, running } of this.#state.executors.values()) {
      if (use.type !== "exclusive") continue;
      for (const task of running) yield { executor: id, ref: task.ref, askedBytes: askedBytes(task) };
    }
  }
}

/** The memory that a task may use; 0: no limit. */
function askedBytes({ plan }: Task): number {
  return amountOf(plan.class.demand, "memory");
}
