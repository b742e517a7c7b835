/**
 * Between the core and the executor processes: puts effects into messages and
 * messages into events, and looks after what is said but no affair of the core:
 * output, standard error, large values.
 */

import { hostname } from "node:os";
import { messageOf } from "../../proto/errors.js";
import { FailureKind, type Spec } from "../../proto/grain.js";
import { INLINE_LIMIT_BYTES } from "../../proto/values/encoded.js";
import { bytesOf } from "../executor/frames.js";
import type { FailureReason, FromExecutor, Gang, Granted, ValueFile } from "../executor/message.js";
import type { ExecutorGroup } from "../memory/cgroup.js";
import { type ExecutorExit, ExecutorPool, type PoolHandler } from "../pool.js";
import type { RunTasks } from "./core/effect.js";
import type { Report } from "./core/event.js";
import { isBytes, type Task } from "./core/task.js";
import { type Correspondent, newCorrespondent } from "./correspondent.js";
import { Equipment } from "./equipment.js";
import type { ExecutorEffect, ExecutorsOptions } from "./executors-options.js";
import { grantedOf, ownsWorkers } from "./granted.js";
import { Hostfiles } from "./hostfiles.js";
import { TaskMemory } from "./memory.js";
import { Tail } from "./outputs.js";
import type { Remains } from "./reports.js";
import { SpecTable } from "./specs.js";
import type { ModuleFile } from "./supply.js";

const NOTHING = new Uint8Array(0);

const FAILURE_KINDS: Readonly<Record<FailureReason, FailureKind>> = {
  threw: FailureKind.THREW,
  loadFailed: FailureKind.LOAD_FAILED,
  valueFailed: FailureKind.VALUE_FAILED,
};

/** The executors of one agent. */
export class Executors {
  readonly #options: ExecutorsOptions;
  readonly #pool: ExecutorPool;
  readonly #specs = new SpecTable();
  readonly #hostfiles = new Hostfiles();
  readonly #memory: TaskMemory;
  readonly #equipment: Equipment;
  readonly #correspondents = new Map<number, Correspondent>();
  /** What tasks wrote to standard error, of those that did. */
  readonly #tails = new Map<number, Tail>();
  /** What the process that is being reported as dead wrote to standard error. */
  #lastWords = "";

  constructor(options: ExecutorsOptions) {
    this.#options = options;
    const { graceMs, cgroups, early } = options;
    const handler: PoolHandler = {
      messages: (id, messages) => this.#receive(id, messages),
      raw: (id, text, stderr) => this.#raw(id, text, stderr),
      exited: (id, exit, group) => this.#exited(id, exit, group),
    };
    this.#pool = new ExecutorPool(handler, { graceMs, cgroups, early });
    this.#equipment = new Equipment(options.equipment, {
      log: options.log,
      failed: (error) => options.equipmentFailed(error),
    });
    this.#memory = new TaskMemory({
      families: this.#pool.families,
      groupOf: (executor) => this.#pool.groupOf(executor),
      state: options.state,
      exceeded: (ref, usedBytes) => options.happened({ type: "memoryExceeded", ref, usedBytes }),
      looked: () => options.memoryLooked(),
    });
  }

  get pids(): number[] {
    return this.#pool.pids;
  }

  /** What must be set up in an executor before there can be tasks; undefined: nothing. */
  get firstEquipped(): Promise<void> | undefined {
    return this.#equipment.isPerExecutor ? this.#equipment.first : undefined;
  }

  /** Notes a spec and where its module is. */
  defineSpec(session: number, spec: Spec, outputs: boolean, file: ModuleFile): void {
    this.#specs.define(session, spec, outputs, file);
  }

  /** Resolves when the module of a spec is on this machine; rejects with a `Lack`. */
  moduleReady(session: number, spec: number): Promise<void> {
    return this.#specs.ready(session, spec);
  }

  /** Carries out an effect; messages are sent at the next `flush`. */
  perform(effect: ExecutorEffect): void {
    switch (effect.type) {
      case "startExecutor":
        this.#correspondents.set(effect.executor, newCorrespondent());
        this.#pool.start(effect.executor);
        return this.#introduce(effect.executor);
      case "run":
        return this.#run(effect);
      case "abort": {
        const timedOut = effect.verdict === "timedOut";
        return this.#pool.send(effect.executor, { type: "abort", ref: effect.ref, timedOut });
      }
      case "drop":
        return this.#pool.send(effect.executor, { type: "drop", refs: [...effect.refs] });
      case "kill":
        this.#equipment.dismissed(effect.executor);
        return this.#pool.kill(effect.executor, effect.signal);
      case "retire":
        return this.#retire(effect.executor);
      case "forgetPlans": {
        const plans = [...effect.plans];
        for (const [id, { plans: sent }] of this.#correspondents) {
          const known = plans.filter((plan) => sent.delete(plan));
          if (known.length > 0) this.#pool.send(id, { type: "forget", plans: known });
        }
        return;
      }
      default:
        effect satisfies never;
    }
  }

  /** Forgets a session's specs. */
  forget(session: number): void {
    this.#specs.forget(session);
  }

  /** Sends what `perform` has queued. */
  flush(): void {
    this.#pool.flush();
  }

  /**
   * A task is about to be reported as ended.
   *
   * @returns the end of what it wrote to standard error
   */
  taskEnded(task: Task): Tail | undefined {
    this.#options.outputs.end(task);
    this.#options.staging.forget(task.ref);
    if (ownsWorkers(task)) this.#hostfiles.remove(task.ref);
    const tail = this.#tails.get(task.ref);
    this.#tails.delete(task.ref);
    return tail;
  }

  /** A task is about to be reported as failed. */
  taskFailed(task: Task): Remains {
    const memory = this.#memory.measured(task);
    return { stderrTail: this.taskEnded(task)?.text ?? this.#lastWords, memory };
  }

  /** Kills all; resolves when they have ended. Those without a task first tear down what they have set up. */
  async close(): Promise<void> {
    this.#memory.stop();
    if (this.#equipment.isPerExecutor) {
      for (const [id, { running }] of this.#options.state.executors) {
        if (running.size === 0) this.#retire(id);
        else this.#pool.kill(id, "SIGKILL");
      }
      this.#pool.flush();
      await this.#pool.settled(this.#equipment.teardownMs);
    }
    await this.#pool.close();
    this.#hostfiles.clear();
    this.#options.staging.close();
  }

  #introduce(executor: number): void {
    const { setup, staging } = this.#options;
    const { directory, fallback } = staging;
    const equipment = this.#equipment.begun(executor);
    this.#pool.send(executor, { type: "setup", ...setup, ...equipment, executor, directory, fallback });
  }

  #retire(executor: number): void {
    this.#equipment.retired(executor, () => this.#pool.kill(executor, "SIGKILL"));
    this.#pool.send(executor, { type: "exit" });
  }

  #run(effect: RunTasks): void {
    const { executor, tasks, allocation, mode } = effect;
    const correspondent = this.#correspondents.get(executor);
    const plan = tasks[0]?.plan;
    if (correspondent === undefined || plan === undefined) return;
    let granted: Granted;
    try {
      granted = grantedOf(tasks[0]!, allocation, (cores) => this.#gangOf(tasks[0]!, cores));
    } catch (error) {
      // The core is still at the step that has started it.
      queueMicrotask(() => this.#failToStart(executor, tasks[0]!, error));
      return;
    }
    if (!correspondent.plans.has(plan.id)) {
      correspondent.plans.add(plan.id);
      this.#pool.send(executor, this.#specs.describe(plan));
    }
    const refs: number[] = [];
    const numbers: number[] = [];
    const attempts: number[] = [];
    const sizes: number[] = [];
    const parts: Uint8Array[] = [];
    const files: ValueFile[] = [];
    for (const task of tasks) {
      const { value } = task;
      refs.push(task.ref);
      numbers.push(task.task);
      attempts.push(task.attempt);
      if (!isBytes(value) || value.byteLength > INLINE_LIMIT_BYTES) {
        sizes.push(-1);
        files.push(this.#options.staging.fileOf(executor, task));
      } else {
        sizes.push(value.byteLength);
        if (value.byteLength > 0) parts.push(value);
      }
    }
    const args = bytesOf(parts);
    const type = "run";
    this.#memory.given(executor, tasks, mode, !correspondent.isReady);
    this.#pool.send(executor, {
      type,
      plan: plan.id,
      mode,
      refs,
      tasks: numbers,
      attempts,
      sizes,
      args,
      files,
      granted,
    });
  }

  #gangOf({ ref, nodes }: Task, cores: number): Gang {
    const own = { worker: this.#options.setup.worker, host: hostname(), cores };
    const all = nodes === undefined ? [own] : [...nodes];
    return { nodes: all, hostfile: this.#hostfiles.write(ref, all) };
  }

  #failToStart(executor: number, task: Task, error: unknown): void {
    const message = `its hostfile could not be written: ${messageOf(error)}`;
    const about = { ref: task.ref, kind: FailureKind.LOAD_FAILED, message };
    const failed = { ...about, error: new Uint8Array(0), runUs: 0 };
    this.#options.happened({ type: "reported", executor, reports: [{ type: "failed", ...failed }] });
  }

  #receive(id: number, messages: FromExecutor[]): void {
    const correspondent = this.#correspondents.get(id);
    if (correspondent === undefined) return;
    const reports: Report[] = [];
    for (const message of messages) this.#hear(id, correspondent, message, reports);
    if (reports.length > 0) this.#options.happened({ type: "reported", executor: id, reports });
  }

  #hear(id: number, correspondent: Correspondent, message: FromExecutor, reports: Report[]): void {
    switch (message.type) {
      case "ready":
        // What it sets up is not the first task's memory.
        return this.#equipment.isPerExecutor ? undefined : this.#ready(id, correspondent);
      case "equipped":
        this.#equipment.equipped(id);
        return this.#ready(id, correspondent);
      case "unequipped":
        return this.#equipment.unequipped(id, message.message, message.stack);
      case "loaded":
        reports.push(message);
        return;
      case "finished": {
        const { refs, sizes, runUs, values } = message;
        let offset = 0;
        for (let i = 0; i < refs.length; i++) {
          const end = offset + sizes[i]!;
          const value = end === offset ? NOTHING : values.subarray(offset, end);
          offset = end;
          reports.push({ type: "finished", ref: refs[i]!, value, runUs: runUs[i]! });
        }
        return;
      }
      case "finishedLarge":
        reports.push({ type: "uploading", ref: message.ref });
        return this.#options.upload(message);
      case "failed": {
        const { ref, reason, message: text, error, errorName, runUs } = message;
        const about = { ref, kind: FAILURE_KINDS[reason], message: text, error, errorName, runUs };
        reports.push({ type: "failed", ...about });
        return;
      }
      case "dropped":
        for (const ref of message.refs) reports.push({ type: "dropped", ref });
        return;
      case "printed":
        return this.#printed(id, message.ref, message.text, message.stderr);
      case "dying":
        correspondent.dying = message;
        return;
      default:
        message satisfies never;
    }
  }

  #ready(id: number, correspondent: Correspondent): void {
    correspondent.isReady = true;
    this.#memory.ready(id);
  }

  /** Output that an executor attributed to a task; 0: to none. */
  #printed(id: number, ref: number, text: Uint8Array, stderr: boolean): void {
    const task = this.#options.state.byRef.get(ref);
    if (task === undefined) this.#log(id, text);
    else this.#print(id, task, text, stderr);
  }

  /** Output past the executor's own capture. */
  #raw(id: number, text: Buffer, stderr: boolean): void {
    const running = this.#options.state.executors.get(id)?.running;
    const correspondent = this.#correspondents.get(id);
    if (running?.size === 1) {
      for (const task of running) this.#print(id, task, text, stderr);
      return;
    }
    if (stderr) correspondent?.tail.add(text);
    const last = correspondent?.lastTask;
    // What a task wrote last may arrive after the word that it ended.
    if (running?.size === 0 && last !== undefined) this.#forward(id, last, text, stderr);
    else this.#log(id, text);
  }

  #print(id: number, task: Task, text: Uint8Array, stderr: boolean): void {
    const correspondent = this.#correspondents.get(id);
    if (correspondent !== undefined) correspondent.lastTask = task;
    if (stderr) {
      let tail = this.#tails.get(task.ref);
      if (tail === undefined) {
        tail = new Tail();
        this.#tails.set(task.ref, tail);
      }
      tail.add(text);
    }
    this.#forward(id, task, text, stderr);
  }

  #forward(id: number, task: Task, text: Uint8Array, stderr: boolean): void {
    if (this.#specs.wantsOutput(task)) this.#options.outputs.print(task, text, stderr);
    else this.#log(id, text);
  }

  #log(id: number, text: Uint8Array): void {
    this.#options.log("debug", `executor ${id}: ${Buffer.from(text).toString("utf8").trimEnd()}`);
  }

  #exited(id: number, exit: ExecutorExit, group: ExecutorGroup | undefined): void {
    const correspondent = this.#correspondents.get(id);
    this.#correspondents.delete(id);
    this.#options.staging.executorEnded(id);
    const { exitCode, signal, failure } = exit;
    this.#lastWords = correspondent?.tail.text ?? "";
    const running = this.#options.state.executors.get(id)?.running ?? [];
    const tails = [...running].map((task) => this.#tails.get(task.ref)?.text ?? "");
    const lack = this.#memory.lackAt(id, exit, group, [this.#lastWords, ...tails]);
    const dying = correspondent?.dying;
    const end =
      signal === "" ? `its process ended with exit code ${exitCode}` : `${signal} ended its process`;
    this.#equipment.exited(id, lack ?? (dying?.reason || failure || end));
    this.#options.happened({
      type: "executorDied",
      executor: id,
      exitCode,
      signal,
      culprit: dying === undefined || dying.ref === 0 ? undefined : dying.ref,
      reason: lack ?? (dying?.reason || failure),
      outOfMemory: lack !== undefined,
    });
    this.#lastWords = "";
    this.#memory.forget(id);
  }
}
