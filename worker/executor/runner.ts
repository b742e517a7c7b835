/**
 * Runs tasks: decodes arguments, calls functions, encodes results.
 *
 * Tasks of the serial queue run one after another without waiting for an
 * event-loop turn each, but the pipe is looked at at least every few
 * milliseconds. Between two of them the next one counts as started: what the
 * agent hears of the end of one tells it that the next is running.
 */

import { messageOf } from "../../proto/errors.js";
import { AT_ONCE_BYTES, readValue, readValueSync } from "../../proto/share/value-file.js";
import { encodeError } from "../../proto/values/error.js";
import {
  decodeArgs,
  type Encoded,
  encodeValue,
  INLINE_LIMIT_BYTES,
  joinParts,
} from "../../proto/values/value.js";
import { Affinity } from "../programs/affinity.js";
import { running, type Surroundings, TaskContext } from "./context.js";
import type { DefinePlan, FailureReason, Granted, Run, ValueFile } from "./message.js";
import type { Pipe } from "./pipe.js";
import type { AnyFunction, Registry } from "./registry.js";
import { ResultFiles } from "./result-files.js";
import { trimStacks } from "./user-stack.js";

/** The pipe is looked at, and results are sent, at least this often. */
const TURN_MS = 2;
/** While so many tasks wait here behind the one that runs, the agent need not hear of each end at once. */
const ENOUGH_TASKS = 2;

const NOTHING = new Uint8Array(0);

/** One task that was given to this executor. */
interface Item {
  readonly ref: number;
  readonly task: number;
  readonly attempt: number;
  readonly plan: Plan;
  readonly granted: Granted;
  readonly args: Uint8Array | ValueFile;
  readonly serial: boolean;
}

interface Plan {
  readonly definition: DefinePlan;
  /** Once found. */
  fn: AnyFunction | undefined;
}

/** What the run loop does. */
type Loop =
  | { readonly type: "idle" }
  /** A task of the queue runs. */
  | { readonly type: "busy" }
  /** Between two tasks: the first of the queue counts as started. */
  | { readonly type: "turning" };

const IDLE: Loop = { type: "idle" };
const BUSY: Loop = { type: "busy" };
const TURNING: Loop = { type: "turning" };

/** The tasks of one executor. */
export class Runner {
  readonly #pipe: Pipe;
  readonly #registry: Registry;
  readonly #around: Surroundings;
  readonly #results: ResultFiles;
  readonly #plans = new Map<number, Plan>();
  readonly #affinity = new Affinity();
  readonly #contexts = new Map<number, TaskContext>();
  /** Aborted before they were called. */
  readonly #aborted = new Map<number, boolean>();
  #queue: Item[] = [];
  /** What comes to be run behind others is let go of: their end is not the end of what they own. */
  #closed = false;
  #loop: Loop = IDLE;
  #turnedAt = 0;
  /** How often the event loop has come round under a task of the queue, as far as it was asked. */
  #turns = 0;
  #turnDue = false;

  constructor(pipe: Pipe, registry: Registry, around: Surroundings) {
    this.#pipe = pipe;
    this.#registry = registry;
    this.#around = around;
    this.#results = new ResultFiles(around.setup);
  }

  /** The only task that runs; undefined when there are none or several. */
  get only(): TaskContext | undefined {
    if (this.#contexts.size !== 1) return undefined;
    for (const context of this.#contexts.values()) return context;
    return undefined;
  }

  define(definition: DefinePlan): void {
    this.#plans.set(definition.plan, { definition, fn: undefined });
  }

  forget(plans: readonly number[]): void {
    for (const plan of plans) this.#plans.delete(plan);
  }

  /** Takes tasks. */
  add(run: Run): void {
    const plan = this.#plans.get(run.plan);
    if (plan === undefined) throw new Error(`Plan ${run.plan} was never sent.`);
    const { mode, granted } = run;
    if (mode === "next") this.#closed = false;
    if (mode === "ahead" && this.#closed) return;
    const serial = mode !== "beside";
    let offset = 0;
    let file = 0;
    for (let i = 0; i < run.refs.length; i++) {
      const ref = run.refs[i]!;
      const size = run.sizes[i]!;
      const args = size < 0 ? run.files[file++]! : run.args.subarray(offset, offset + size);
      offset += Math.max(size, 0);
      const item = { ref, task: run.tasks[i]!, attempt: run.attempts[i]!, plan, granted, args, serial };
      if (serial) this.#queue.push(item);
      else this.#start(item);
    }
    if (!serial) this.#pipe.flushSoon(false);
    if (this.#loop.type !== "idle" || this.#queue.length === 0) return;
    this.#turnedAt = performance.now();
    this.#next();
  }

  /** Fires a task's signal. */
  abort(ref: number, timedOut: boolean): void {
    const context = this.#contexts.get(ref);
    if (context !== undefined) context.abort(timedOut);
    else if (this.#queue.some((item) => item.ref === ref)) this.#aborted.set(ref, timedOut);
  }

  /** Lets go of tasks that have not started. */
  drop(refs: readonly number[]): void {
    const wanted = new Set(refs);
    const committed = this.#loop.type === "turning" ? this.#queue[0] : undefined;
    const dropped: number[] = [];
    this.#queue = this.#queue.filter((item) => {
      if (item === committed || !wanted.has(item.ref)) return true;
      dropped.push(item.ref);
      return false;
    });
    if (dropped.length > 0) this.#pipe.send({ type: "dropped", refs: dropped });
  }

  /** Runs the next task of the queue. */
  #next(): void {
    while (this.#queue.length > 0) {
      if (performance.now() - this.#turnedAt >= TURN_MS) {
        this.#loop = TURNING;
        this.#pipe.flush();
        setImmediate(() => {
          this.#turnedAt = performance.now();
          this.#next();
        });
        return;
      }
      this.#loop = BUSY;
      if (this.#start(this.#queue.shift()!)) {
        this.#pipe.flushSoon(this.#queue.length >= ENOUGH_TASKS);
        return;
      }
    }
    this.#loop = IDLE;
    this.#pipe.flush();
  }

  /** Starts a task. Returns whether it goes on after this. */
  #start(item: Item): boolean {
    const { plan, ref } = item;
    const context = new TaskContext(
      ref,
      item.task,
      item.attempt,
      plan.definition,
      item.granted,
      this.#around,
    );
    this.#contexts.set(ref, context);
    this.#bind(item, context);
    const timedOut = this.#aborted.get(ref);
    if (timedOut !== undefined) {
      this.#aborted.delete(ref);
      context.abort(timedOut);
    }
    if (plan.fn !== undefined) return this.#call(item, context, plan.fn);
    void this.#load(item, context);
    return true;
  }

  /** A task that has the process to itself binds it; whoever comes next finds it bound as it should be. */
  #bind({ plan, granted, serial }: Item, context: TaskContext): void {
    const problem = this.#affinity.bind(plan.definition.pin && serial ? granted.cores : []);
    if (problem === undefined) return;
    const note = `grain: the process could not be bound to cores ${granted.cores.join(",")}: ${problem}\n`;
    context.print(Buffer.from(note), true);
  }

  async #load(item: Item, context: TaskContext): Promise<void> {
    const { definition } = item.plan;
    const lookup = await this.#registry.find(definition.module, definition.function);
    if (lookup.type === "found") {
      item.plan.fn = lookup.fn;
      this.#pipe.send({ type: "loaded", ref: item.ref });
      this.#pipe.flush();
      if (!this.#call(item, context, lookup.fn)) this.#continue(item);
      return;
    }
    const { moduleName } = definition;
    if (lookup.type === "threw") trimStacks(lookup.error);
    const [message, error] =
      lookup.type === "threw"
        ? [`${moduleName} threw while it was loaded: ${messageOf(lookup.error)}`, encodeError(lookup.error)]
        : [
            `${moduleName} does not create a delayed function named "${definition.function}" when it is loaded; move its delayed(…) to the top level of the module, before run or connect`,
            NOTHING,
          ];
    this.#fail(context, "loadFailed", message, error, 0);
    this.#continue(item);
  }

  /** Calls a task's function. Returns whether it goes on after this. */
  #call(item: Item, context: TaskContext, fn: AnyFunction): boolean {
    const startedAt = performance.now();
    const { args } = item;
    context.called = true;
    if (args instanceof Uint8Array) return this.#callWith(args, item, context, fn, startedAt);
    if (args.problem === undefined && args.byteLength > AT_ONCE_BYTES) {
      void this.#callLater(args, item, context, fn, startedAt);
      return true;
    }
    let encoded: Encoded;
    try {
      if (args.problem !== undefined) throw new Error(args.problem);
      encoded = readValueSync(args.path, args);
    } catch (error) {
      this.#unreadable(context, error);
      return false;
    }
    return this.#callWith(encoded, item, context, fn, startedAt);
  }

  /** Reads arguments with the help of other threads first. */
  async #callLater(
    file: ValueFile,
    item: Item,
    context: TaskContext,
    fn: AnyFunction,
    startedAt: number,
  ): Promise<void> {
    let encoded: Encoded;
    try {
      encoded = await readValue(file.path, file);
    } catch (error) {
      this.#unreadable(context, error);
      this.#continue(item);
      return;
    }
    this.#turnedAt = performance.now();
    if (!this.#callWith(encoded, item, context, fn, startedAt)) this.#continue(item);
  }

  #unreadable(context: TaskContext, error: unknown): void {
    this.#fail(context, "loadFailed", `its arguments could not be read: ${messageOf(error)}`, NOTHING, 0);
  }

  /** Returns whether it goes on after this. */
  #callWith(
    encoded: Uint8Array | Encoded,
    item: Item,
    context: TaskContext,
    fn: AnyFunction,
    startedAt: number,
  ): boolean {
    let result: unknown;
    try {
      const args = decodeArgs(encoded);
      result = running.run(context, fn, ...args);
    } catch (error) {
      this.#threw(context, error, startedAt);
      return false;
    }
    if (!isThenable(result)) {
      this.#returned(context, result, startedAt);
      return false;
    }
    const { serial } = item;
    if (serial) this.#countTurn();
    const turns = this.#turns;
    const end = () => {
      // The loop came round while it waited: the next one need not wait for that again.
      if (this.#turns !== turns) this.#turnedAt = performance.now();
      this.#continue(item);
    };
    Promise.resolve(result).then(
      (value) => {
        this.#returned(context, value, startedAt);
        end();
      },
      (error: unknown) => {
        this.#threw(context, error, startedAt);
        end();
      },
    );
    return true;
  }

  #countTurn(): void {
    if (this.#turnDue) return;
    this.#turnDue = true;
    setImmediate(() => {
      this.#turnDue = false;
      this.#turns += 1;
    });
  }

  /** A task that went on for a while has ended. */
  #continue(item: Item): void {
    if (item.serial) this.#next();
    else this.#pipe.flushSoon(false);
  }

  #returned(context: TaskContext, value: unknown, startedAt: number): void {
    const runUs = microseconds(startedAt);
    try {
      const encoded = encodeValue(value, "result");
      if (encoded.byteLength > INLINE_LIMIT_BYTES) {
        this.#sendLarge(context, encoded.parts, runUs);
        return;
      }
      this.#pipe.finished(context.ref, joinParts(encoded), runUs);
      this.#end(context);
    } catch (error) {
      this.#fail(context, "valueFailed", messageOf(error), encodeError(error), runUs);
    }
  }

  /** Puts a result in a file, and lets go of the queue: the agent wants to bring the result to the head first. */
  #sendLarge(context: TaskContext, parts: readonly Uint8Array[], runUs: number): void {
    const written = this.#results.write(parts);
    this.#queue = [];
    this.#aborted.clear();
    this.#closed = true;
    this.#pipe.send({ type: "finishedLarge", ref: context.ref, runUs, ...written });
    this.#pipe.flush();
    this.#end(context);
  }

  #threw(context: TaskContext, error: unknown, startedAt: number): void {
    trimStacks(error);
    this.#fail(
      context,
      "threw",
      messageOf(error),
      encodeError(error),
      microseconds(startedAt),
      nameOf(error),
    );
  }

  #fail(
    context: TaskContext,
    reason: FailureReason,
    message: string,
    error: Uint8Array,
    runUs: number,
    errorName?: string,
  ): void {
    const about = { ref: context.ref, reason, message, errorName, runUs };
    this.#pipe.send({ type: "failed", ...about, error: Buffer.from(error) });
    this.#end(context);
  }

  #end(context: TaskContext): void {
    context.ended = true;
    this.#contexts.delete(context.ref);
  }
}

function nameOf(error: unknown): string | undefined {
  const name = error instanceof Error ? error.name : undefined;
  return typeof name === "string" ? name : undefined;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    value !== null &&
    (typeof value === "object" || typeof value === "function") &&
    typeof (value as { then?: unknown }).then === "function"
  );
}

function microseconds(startedAt: number): number {
  return Math.min(Math.round((performance.now() - startedAt) * 1000), 0xffff_ffff);
}
