/**
 * Calls without resources: they run in this process, each started in the order of
 * the calls, all side by side. When they are cancelled is decided by their scope.
 */

import { hostname } from "node:os";
import { format } from "node:util";
import { type TaskCancelledError, TaskTimeoutError } from "../proto/errors.js";
import { isRepeated, retryDelayMs } from "../proto/retries.js";
import type { CurrentTask, GrantedResources, RunProgram, TaskNode } from "../proto/task.js";
import type { Call, SpawnedCall } from "./call.js";
import { Completion } from "./completion.js";
import { localTasks } from "./current-task.js";
import { lazyPrograms } from "./local-programs.js";

/** Whose call it is. */
export interface LocalOwner {
  /** Called once the function has settled, or was given up after its timeout. */
  ended(call: SpawnedCall): void;
  /** Prints what the function logs and its programs echo. */
  print(functionName: string, number: number, text: Uint8Array, stderr: boolean): void;
}

/** How one execution of the function went. */
type Outcome =
  | { readonly type: "returned"; readonly value: unknown }
  | { readonly type: "threw"; readonly error: unknown }
  | { readonly type: "timedOut" };

/** The longest time that a timer can be set to. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A call that runs in this process. */
export class LocalCall implements SpawnedCall {
  readonly number: number;
  readonly completion = new Completion();
  readonly #call: Call;
  readonly #owner: LocalOwner;
  #endPause: (() => void) | undefined;
  #cancelled: TaskCancelledError | undefined;
  #task: LocalTask | undefined;

  constructor(number: number, call: Call, owner: LocalOwner) {
    this.number = number;
    this.#call = call;
    this.#owner = owner;
  }

  /** Starts the function after the code that is running now. */
  start(): void {
    queueMicrotask(() => void this.#run());
  }

  /** Ends the call with this error and fires the function's signal; the owner still waits for the function. */
  cancel(error: TaskCancelledError): void {
    this.#cancelled = error;
    this.completion.reject(error);
    this.#task?.abort(error);
    this.#endPause?.();
  }

  async #run(): Promise<void> {
    const { retries } = this.#call.definition.options;
    for (let attempt = 1; this.#cancelled === undefined; attempt++) {
      const outcome = await this.#attempt(attempt);
      if (outcome.type === "returned") this.completion.fulfil(outcome.value);
      else if (outcome.type === "timedOut") this.completion.reject(this.#timeoutError(attempt));
      else if (!isRepeated(retries, [nameOf(outcome.error)], attempt - 1))
        this.completion.reject(outcome.error);
      else {
        await this.#pause(retryDelayMs(retries, attempt - 1));
        continue;
      }
      break;
    }
    this.#owner.ended(this);
  }

  /** Ends early when the call is cancelled. */
  #pause(ms: number): Promise<void> {
    if (ms === 0 || this.#cancelled !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #attempt(attempt: number): Promise<Outcome> {
    const { definition, args } = this.#call;
    const fn = definition.fn as (...args: readonly unknown[]) => unknown;
    const task = new LocalTask(definition.name, this.number, attempt, this.#owner);
    this.#task = task;
    const work = localTasks.run(task, async (): Promise<Outcome> => {
      try {
        return { type: "returned", value: await fn(...args) };
      } catch (error) {
        return { type: "threw", error };
      }
    });
    const { timeoutMs } = definition.options;
    return timeoutMs > 0 && timeoutMs <= MAX_TIMER_MS ? this.#within(timeoutMs, work, task, attempt) : work;
  }

  /** Whatever comes first; what the function does after its time is not waited for, since nothing can stop it. */
  #within(timeoutMs: number, work: Promise<Outcome>, task: LocalTask, attempt: number): Promise<Outcome> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve({ type: "timedOut" });
        task.abort(this.#timeoutError(attempt));
      }, timeoutMs);
      void work.then((outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      });
    });
  }

  #timeoutError(attempt: number): TaskTimeoutError {
    const { name, options } = this.#call.definition;
    const taskId = `local.${this.number}`;
    return new TaskTimeoutError(
      `${name} (task ${taskId}) ran longer than its timeout of ${options.timeoutMs / 1000} s`,
      {
        functionName: name,
        taskId,
        worker: "local",
        attempt,
      },
    );
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

/** What a local function learns of itself. Made for each execution, so most of it on demand. */
class LocalTask implements CurrentTask {
  readonly id: string;
  readonly name: string;
  readonly attempt: number;
  readonly worker = "local";
  readonly #number: number;
  readonly #owner: LocalOwner;
  #aborted: { readonly reason: unknown } | undefined;
  #controller: AbortController | undefined;
  #programs: RunProgram | undefined;

  constructor(name: string, number: number, attempt: number, owner: LocalOwner) {
    this.id = `local.${number}`;
    this.name = name;
    this.attempt = attempt;
    this.#number = number;
    this.#owner = owner;
  }

  get resources(): GrantedResources {
    return { cores: [], memory: 0, gpus: [], tokens: [], capacity: 0, wtime: undefined, others: {} };
  }

  get nodes(): readonly TaskNode[] {
    return [{ worker: this.worker, host: hostname(), cores: 0 }];
  }

  get hostfile(): undefined {
    return undefined;
  }

  get context(): undefined {
    return undefined;
  }

  get service(): undefined {
    return undefined;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  get $(): RunProgram {
    this.#programs ??= lazyPrograms(this);
    return this.#programs;
  }

  // A field, so that it can be taken out of the task like the rest.
  readonly log = (...values: unknown[]): void => {
    this.print(Buffer.from(`${format(...values)}\n`), false);
  };

  print(text: Uint8Array, stderr: boolean): void {
    this.#owner.print(this.name, this.#number, text, stderr);
  }

  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#controller?.abort(reason);
  }
}
