/**
 * The tasks that run in this executor, as they see themselves: `currentTask()`.
 * Everything is made when asked for, because most tasks ask for nothing.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { hostname } from "node:os";
import { format } from "node:util";
import { TaskCancelledError, TaskTimeoutError } from "../../proto/errors.js";
import { SCALE } from "../../proto/resource/amount.js";
import type { Walltime } from "../../proto/resource/demand.js";
import type { CurrentTask, GrantedResources, RunProgram, TaskNode } from "../../proto/task.js";
import { Ending } from "../programs/abort.js";
import type { createPrograms as CreatePrograms } from "../programs/index.js";
import type { DefinePlan, Granted, Setup } from "./message.js";
import type { Parts } from "./parts.js";

/** What a running task needs of its executor. */
export interface Surroundings {
  readonly setup: Setup;
  /** What the worker has set up. */
  readonly parts: Parts;
  /** Makes `$`. */
  readonly createPrograms: typeof CreatePrograms;
  /** Takes what a task prints. */
  print(task: TaskContext, text: Uint8Array, stderr: boolean): void;
}

/** The task that the current asynchronous context belongs to. */
export const running = new AsyncLocalStorage<TaskContext>();

/** One running task. */
export class TaskContext implements CurrentTask {
  readonly ref: number;
  readonly attempt: number;
  /** Whether its function has been called: its module is loaded. */
  called = false;
  /** Whether its end has been reported. */
  ended = false;
  readonly #plan: DefinePlan;
  readonly #task: number;
  readonly #granted: Granted;
  readonly #around: Surroundings;
  #controller: AbortController | undefined;
  /** The same for programs. */
  #ending: Ending | undefined;
  #abortedBy: Error | undefined;
  #resources: GrantedResources | undefined;
  #programs: RunProgram | undefined;

  constructor(
    ref: number,
    task: number,
    attempt: number,
    plan: DefinePlan,
    granted: Granted,
    around: Surroundings,
  ) {
    this.ref = ref;
    this.attempt = attempt;
    this.#task = task;
    this.#plan = plan;
    this.#granted = granted;
    this.#around = around;
  }

  get id(): string {
    return `${this.#plan.session}.${this.#task}`;
  }

  get name(): string {
    return this.#plan.name;
  }

  get worker(): string {
    return this.#around.setup.worker;
  }

  get resources(): GrantedResources {
    this.#resources ??= grantedResources(this.#granted, this.#plan);
    return this.#resources;
  }

  get nodes(): readonly TaskNode[] {
    const { cores, gang } = this.#granted;
    return gang?.nodes ?? [{ worker: this.worker, host: hostname(), cores: cores.length }];
  }

  get hostfile(): string | undefined {
    return this.#granted.gang?.hostfile;
  }

  get context(): unknown {
    return this.#around.parts.valueOf("context");
  }

  get service(): unknown {
    return this.#around.parts.valueOf("service");
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortedBy !== undefined) this.#controller.abort(this.#abortedBy);
    }
    return this.#controller.signal;
  }

  get $(): RunProgram {
    if (this.#programs === undefined) {
      const { cores } = this.resources;
      this.#ending = new Ending();
      if (this.#abortedBy !== undefined) this.#ending.abort(this.#abortedBy);
      this.#programs = this.#around.createPrograms({
        env: this.#environment(),
        signal: this.#ending,
        cores: this.#plan.pin && cores.length > 0 ? cores : undefined,
        print: (text, stderr) => this.print(text, stderr),
      });
    }
    return this.#programs;
  }

  log(...values: unknown[]): void {
    this.print(Buffer.from(`${format(...values)}\n`), false);
  }

  /** Takes what the task, or a program of it, prints. */
  print(text: Uint8Array, stderr: boolean): void {
    this.#around.print(this, text, stderr);
  }

  /** Fires the signal. */
  abort(timedOut: boolean): void {
    if (this.#abortedBy !== undefined) return;
    const details = { functionName: this.name, taskId: this.id, worker: this.worker, attempt: this.attempt };
    this.#abortedBy = timedOut
      ? new TaskTimeoutError(`${this.name} (task ${this.id}) ran out of time.`, details)
      : new TaskCancelledError(`${this.name} (task ${this.id}) was cancelled.`, details);
    this.#controller?.abort(this.#abortedBy);
    this.#ending?.abort(this.#abortedBy);
  }

  /** What programs find in their environment beside what this process has. */
  #environment(): Record<string, string> {
    const { cores, gpus } = this.resources;
    const env: Record<string, string> = {
      GRAIN_TASK_ID: this.id,
      GRAIN_WORKER: this.worker,
      GRAIN_CORES: cores.join(","),
      OMP_NUM_THREADS: String(Math.max(cores.length, 1)),
    };
    if (this.#around.setup.hasGpus) env.CUDA_VISIBLE_DEVICES = gpus.join(",");
    const { gang } = this.#granted;
    if (gang !== undefined) {
      env.GRAIN_HOSTFILE = gang.hostfile;
      env.GRAIN_NODES = [...new Set(gang.nodes.map(({ host }) => host))].join(",");
    }
    return env;
  }
}

function grantedResources(granted: Granted, { walltime }: DefinePlan): GrantedResources {
  const others: Record<string, number> = {};
  let capacity = 0;
  for (const [kind, units] of granted.others) {
    if (kind === "capacity") capacity = units / SCALE;
    else others[kind] = units / SCALE;
  }
  return {
    cores: granted.cores,
    memory: granted.memoryBytes,
    gpus: granted.gpus,
    tokens: granted.tokens,
    capacity,
    wtime: walltime === undefined ? undefined : limitsOf(walltime, granted.hardMs || walltime.hardMs),
    others,
  };
}

function limitsOf({ softMs, group }: Walltime, hardMs: number): GrantedResources["wtime"] {
  return { hard: hardMs / 1000, soft: Math.min(softMs, hardMs) / 1000, group: group || undefined };
}
