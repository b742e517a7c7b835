/** A head and executors around the agent's core, each with messages under way in both directions. */

import { FailureKind } from "../../../proto/grain.js";
import { SCALE } from "../../../proto/resource/amount.js";
import { amountOf, type Demand, emptyDemand } from "../../../proto/resource/demand.js";
import type { Pool } from "../../../proto/resource/pool.js";
import type { AgentEffect } from "../../../worker/agent/core/effect.js";
import type { AgentEvent, Report } from "../../../worker/agent/core/event.js";
import { type AgentState, newState } from "../../../worker/agent/core/state.js";
import { step } from "../../../worker/agent/core/step.js";

export const SESSION = 1;
const NO_BYTES = new Uint8Array(0);

/** A demand of so many cores and slots. */
export function demandOf(cores: number, capacity = 0): Demand {
  const amounts = [
    { kind: "capacity", amount: capacity * SCALE },
    { kind: "cores", amount: cores * SCALE },
  ].filter(({ amount }) => amount > 0);
  return { ...emptyDemand(), amounts };
}

export function poolOf(cores: number, capacity = 0): Pool {
  return {
    cores: Array.from({ length: cores }, (_, id) => id),
    gpus: [],
    memoryBytes: 0,
    others: capacity > 0 ? [{ kind: "capacity", amount: capacity * SCALE }] : [],
    tokens: [],
    numa: [],
  };
}

/** How the head sees a task. */
interface HeadTask {
  readonly spec: number;
  state: "ahead" | "granted" | "ended";
  end: string;
}

/** A process, as far as the core can tell. */
interface FakeExecutor {
  readonly id: number;
  readonly inbox: AgentEffect[];
  queue: number[];
  /** Of the queue: runs, or counts as started. */
  current: number | undefined;
  readonly beside: Set<number>;
  outbox: Report[];
  /** Lets go of what is sent to be run behind other tasks. */
  closed: boolean;
  signalled: boolean;
}

/** Everything around one core. */
export class World {
  readonly state: AgentState;
  readonly specs: readonly Demand[];
  readonly tasks: HeadTask[] = [];
  readonly executors = new Map<number, FakeExecutor>();
  readonly timers = new Set<number>();
  readonly toAgent: AgentEvent[] = [];
  readonly toHead: AgentEffect[][] = [];
  readonly unprepared: number[] = [];
  readonly free: Map<string, number>;
  readonly total: Map<string, number>;
  /** How long each run is said to have taken. */
  runUs = 10;
  left = false;

  constructor(pool: Pool, specs: readonly Demand[], timeoutMs: readonly number[] = []) {
    this.state = newState(pool);
    this.specs = specs;
    this.total = new Map(this.state.ledger.free());
    this.free = new Map(this.total);
    specs.forEach((demand, spec) => {
      const timeout = timeoutMs[spec] ?? 0;
      this.take({
        type: "specDefined",
        session: SESSION,
        spec,
        name: `f${spec}`,
        demands: [demand],
        timeoutMs: timeout,
        ready: true,
      });
    });
  }

  /** Gives the core an event and spreads its effects. */
  take(event: AgentEvent): AgentEffect[] {
    const effects = step(this.state, event);
    const batch: AgentEffect[] = [];
    for (const effect of effects) this.#perform(effect, batch);
    if (batch.length > 0) this.toHead.push(batch);
    return effects;
  }

  // --- the head

  /** Sends a task, granted if there is room and it is wanted so. Returns its number. */
  assign(spec: number, wantGranted: boolean, ready = true, hardMs = 0): number {
    const granted = wantGranted && this.#fits(spec);
    if (granted) this.#move(spec, -1);
    const task = this.tasks.push({ spec, state: granted ? "granted" : "ahead", end: "" });
    const value = ready ? NO_BYTES : { hash: `sha256-${"0".repeat(64)}`, byteLength: 1 };
    const about = { session: SESSION, tasks: [task], attempts: [], hardMs, gangs: new Map() };
    this.toAgent.push({ type: "assigned", ...about, spec, alternative: 0, granted, values: [value] });
    return task;
  }

  /** Grants a task that was sent ahead, if there is room. */
  promote(task: number): boolean {
    const entry = this.tasks[task - 1]!;
    if (entry.state !== "ahead" || !this.#fits(entry.spec)) return false;
    this.#move(entry.spec, -1);
    entry.state = "granted";
    this.toAgent.push({ type: "promoted", session: SESSION, tasks: [task] });
    return true;
  }

  order(type: "retracted" | "cancelRequested", task: number): void {
    this.toAgent.push({ type, session: SESSION, tasks: [task] });
  }

  /** Lets the next message of the head arrive. */
  deliverToAgent(): boolean {
    const event = this.toAgent.shift();
    if (event === undefined) return false;
    this.take(event);
    return true;
  }

  /** Lets the next batch of the agent arrive, and checks what the head's accounts say of it. */
  deliverToHead(): boolean {
    const batch = this.toHead.shift();
    if (batch === undefined) return false;
    for (const effect of batch) this.#hear(effect);
    return true;
  }

  // --- executors

  /** Lets an executor take what it was sent. */
  hearAgent(executor: FakeExecutor): boolean {
    const message = executor.inbox.shift();
    if (message === undefined) return false;
    switch (message.type) {
      case "run":
        if (message.mode === "next") executor.closed = false;
        for (const { ref } of message.tasks) {
          if (message.mode === "beside") executor.beside.add(ref);
          else if (message.mode === "next" || !executor.closed) executor.queue.push(ref);
        }
        this.#advance(executor);
        break;
      case "drop":
        for (const ref of message.refs) {
          const at = executor.queue.indexOf(ref);
          if (at < 0) continue;
          executor.queue.splice(at, 1);
          executor.outbox.push({ type: "dropped", ref });
        }
        break;
      default:
        break;
    }
    return true;
  }

  /** Ends a task that an executor runs. */
  endTask(executor: FakeExecutor, how: "finished" | "failed" | "uploading"): number | undefined {
    const [beside] = executor.beside;
    const ref = executor.current ?? beside;
    if (ref === undefined) return undefined;
    if (ref === executor.current) executor.current = undefined;
    executor.beside.delete(ref);
    executor.outbox.push(this.#reportOf(ref, how));
    if (how === "uploading") {
      executor.queue = [];
      executor.closed = true;
    }
    this.#advance(executor);
    return ref;
  }

  readonly uploads: number[] = [];

  /** Lets what an executor has said arrive. */
  flush(executor: FakeExecutor): boolean {
    const reports = executor.outbox;
    if (reports.length === 0) return false;
    executor.outbox = [];
    this.take({ type: "reported", executor: executor.id, reports });
    for (const { type, ref } of reports) if (type === "uploading") this.uploads.push(ref);
    return true;
  }

  /** Ends an executor; `told`: with its last words. */
  die(executor: FakeExecutor, told: boolean): void {
    if (told) this.flush(executor);
    this.executors.delete(executor.id);
    const culprit = told ? executor.current : undefined;
    const exit = told ? { exitCode: 3, signal: "" } : { exitCode: 0, signal: "SIGKILL" };
    const died = { type: "executorDied", executor: executor.id, reason: "", outOfMemory: false } as const;
    this.take({ ...died, ...exit, culprit });
  }

  fireTimer(timer: number): void {
    this.timers.delete(timer);
    this.take({ type: "timerFired", timer });
  }

  /** Lets everything go on without mishaps until all tasks have ended. */
  settle(): void {
    for (let round = 0; round < 100_000; round++) {
      if (this.deliverToAgent() || this.deliverToHead()) continue;
      const unprepared = this.unprepared.shift();
      if (unprepared !== undefined) {
        this.take({ type: "prepared", ref: unprepared, value: NO_BYTES });
        continue;
      }
      const upload = this.uploads.shift();
      if (upload !== undefined) {
        const report = { type: "finished", ref: upload, value: NO_BYTES, runUs: 10 } as const;
        this.take({ type: "uploaded", report });
        continue;
      }
      if (this.#goOn()) continue;
      if (this.tasks.some((task, i) => task.state === "ahead" && this.promote(i + 1))) continue;
      return;
    }
    throw new Error("It does not come to rest.");
  }

  /** Lets one executor do one thing. */
  #goOn(): boolean {
    for (const executor of [...this.executors.values()]) {
      if (this.hearAgent(executor) || this.flush(executor)) return true;
      if (executor.signalled) {
        this.die(executor, false);
        return true;
      }
      if (this.endTask(executor, "finished") !== undefined) return true;
    }
    return false;
  }

  #reportOf(ref: number, how: "finished" | "failed" | "uploading"): Report {
    const { runUs } = this;
    if (how === "finished") return { type: how, ref, value: NO_BYTES, runUs };
    if (how === "uploading") return { type: how, ref };
    return { type: how, ref, kind: FailureKind.THREW, message: "threw", error: NO_BYTES, runUs };
  }

  #advance(executor: FakeExecutor): void {
    executor.current ??= executor.queue.shift();
  }

  #perform(effect: AgentEffect, batch: AgentEffect[]): void {
    switch (effect.type) {
      case "startExecutor": {
        const id = effect.executor;
        const empty = { inbox: [], queue: [], current: undefined, beside: new Set<number>(), outbox: [] };
        this.executors.set(id, { id, ...empty, closed: false, signalled: false });
        return;
      }
      case "run":
      case "abort":
      case "drop":
        this.executors.get(effect.executor)!.inbox.push(effect);
        return;
      case "kill":
      case "retire": {
        const executor = this.executors.get(effect.executor);
        if (executor !== undefined) executor.signalled = true;
        return;
      }
      case "setTimer":
        this.timers.add(effect.timer);
        return;
      case "clearTimer":
        this.timers.delete(effect.timer);
        return;
      case "prepare":
        this.unprepared.push(effect.task.ref);
        return;
      case "left":
        this.left = true;
        return;
      case "forgetPlans":
        return;
      default:
        batch.push(effect);
    }
  }

  #hear(effect: AgentEffect): void {
    if (!("task" in effect)) return;
    const number = effect.task.task;
    const task = this.tasks[number - 1]!;
    if (task.state === "ended") throw new Error(`Task ${number} was told of after its end: ${effect.type}.`);
    if (effect.type === "started") {
      if (task.state === "granted") return;
      if (!this.#fits(task.spec)) throw new Error(`Task ${number} started without room for it.`);
      this.#move(task.spec, -1);
      task.state = "granted";
      return;
    }
    if (task.state === "granted") this.#move(task.spec, 1);
    task.state = "ended";
    task.end = effect.type === "failed" ? FailureKind[effect.kind] : effect.type;
  }

  #fits(spec: number): boolean {
    const demand = this.specs[spec]!;
    return [...this.free].every(([kind, amount]) => amountOf(demand, kind) <= amount);
  }

  #move(spec: number, sign: 1 | -1): void {
    for (const { kind, amount } of this.specs[spec]!.amounts) {
      this.free.set(kind, this.free.get(kind)! + sign * amount);
    }
  }
}
