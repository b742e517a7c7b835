/** What tasks use of memory, and what it means when a process ends for want of it. Measuring is memory/watch.ts. */

import { constants } from "node:os";
import { formatMemoryShort } from "../../proto/resource/amount.js";
import { amountOf } from "../../proto/resource/demand.js";
import type { RunMode } from "../executor/message.js";
import type { ExecutorGroup } from "../memory/cgroup.js";
import { OomKills } from "../memory/oom-kills.js";
import { type Measured, MemoryWatch, type RunningTask } from "../memory/watch.js";
import type { ExecutorExit } from "../pool.js";
import type { Families } from "../process/family.js";
import type { AgentState } from "./core/state.js";
import type { Task } from "./core/task.js";

/** What it needs of its agent. */
export interface TaskMemoryOptions {
  readonly families: Families;
  /** The control group of an executor, where the kernel limits it. */
  groupOf(executor: number): ExecutorGroup | undefined;
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
  readonly #groupOf: TaskMemoryOptions["groupOf"];
  readonly #watch: MemoryWatch;
  readonly #oomKills = new OomKills();

  constructor({ families, groupOf, state, exceeded, looked }: TaskMemoryOptions) {
    this.#state = state;
    this.#groupOf = groupOf;
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
    const baseBytes = this.#watch.ready(executor);
    const group = this.#groupOf(executor);
    // Until now nobody knew what it has for itself.
    for (const { askedBytes } of this.#runningIn(executor)) group?.limit(askedBytes, baseBytes);
  }

  /** Tasks were given to an executor. */
  given(executor: number, [first]: readonly Task[], mode: RunMode, isFresh: boolean): void {
    // What runs behind others is found by looking.
    if (mode === "ahead" || first === undefined) return;
    const asked = mode === "next" ? askedBytes(first) : 0;
    const baseBytes = this.#watch.started(executor, first.ref, asked, isFresh);
    if (!isFresh) this.#groupOf(executor)?.limit(asked, baseBytes);
  }

  /** What was measured of a task. */
  measured(task: Task): Measured | undefined {
    return this.#watch.measured(task.ref);
  }

  /**
   * Why an executor that has ended had no more memory; undefined when that was not the reason.
   *
   * @param group its control group, where it had one
   * @param texts what it and its tasks wrote to standard error
   */
  lackAt(
    executor: number,
    { exitCode, signal }: ExecutorExit,
    group: ExecutorGroup | undefined,
    texts: readonly string[],
  ): string | undefined {
    if (group?.wasKilled()) {
      for (const { ref, askedBytes } of this.#runningIn(executor)) {
        if (askedBytes === 0) continue;
        this.#watch.note(executor, ref, Math.max(askedBytes, group.peakBytes() ?? 0));
        return `reached the ${formatMemoryShort(askedBytes)} of memory that it asked for and was ended by the system; let it use less, or ask for more with memory(…)`;
      }
    }
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

  *#running(): Generator<RunningTask> {
    for (const id of this.#state.executors.keys()) yield* this.#runningIn(id);
  }

  /** Tasks that share a process cannot be told apart, and have asked for no memory. */
  *#runningIn(executor: number): Generator<RunningTask> {
    const { use, running } = this.#state.executors.get(executor) ?? {};
    if (use?.type !== "exclusive" || running === undefined) return;
    const isLimited = this.#groupOf(executor) !== undefined;
    for (const task of running) yield { executor, ref: task.ref, askedBytes: askedBytes(task), isLimited };
  }
}

/** The memory that a task may use; 0: no limit. */
function askedBytes({ plan }: Task): number {
  return amountOf(plan.class.demand, "memory");
}
