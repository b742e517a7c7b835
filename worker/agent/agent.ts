/**
 * The worker's agent: joins a head, runs what it is sent, reports how it ended.
 *
 * This is the shell around the core (core/step.ts): it owns the link, the executor
 * processes and the timers, and carries the core's effects out in order. It never
 * runs user code.
 */

import { ConnectionError, messageOf } from "../../proto/errors.js";
import {
  type Assign,
  FailureKind,
  type HeadToWorker,
  type Refused_Code,
  type SessionSpec,
  type WorkerMessage,
} from "../../proto/grain.js";
import { refOf } from "../../proto/hash.js";
import type { Connection, LinkEnd } from "../../proto/link/link.js";
import type { Pool } from "../../proto/resource/pool.js";
import type { TaskNode } from "../../proto/task.js";
import { hello } from "../../proto/version.js";
import { defaultCacheDir } from "../modules.js";
import type { EarlyExecutor } from "../pool.js";
import type { AgentEffect } from "./core/effect.js";
import type { AgentEvent, Report } from "./core/event.js";
import { newState, runningCount, waitingCount } from "./core/state.js";
import { step } from "./core/step.js";
import type { Value } from "./core/task.js";
import { Executors } from "./executors.js";
import { Heart } from "./heart.js";
import { Outputs } from "./outputs.js";
import { Reports } from "./reports.js";
import { type Lack, Supply } from "./supply.js";

/** How loud a line of the agent's log is. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** How an agent is started. */
export interface AgentOptions {
  /** To the head. The agent closes it when it ends. */
  readonly connection: Connection<WorkerMessage, HeadToWorker>;
  /** Unique among the head's workers. */
  readonly name: string;
  /** What it offers, and never gives out twice. */
  readonly pool: Pool;
  /** Files of modules whose functions can be run without being shipped. */
  readonly imports: readonly string[];
  /** Where shipped modules are kept. Default: of this user, see `defaultCacheDir`. */
  readonly cacheDir?: string;
  /** How many executors are started before there is a task, and stay when idle. Default: 0. */
  readonly prewarm?: number;
  /** An executor that was started already. The agent ends it. */
  readonly early?: EarlyExecutor;
  /** Idle executors beyond those are ended after about this long. Default: 60,000. */
  readonly idleMs?: number;
  /** Takes what the agent has to say. Default: nobody. */
  readonly onLog?: (level: LogLevel, text: string) => void;
}

/** How an agent ended. */
export type AgentEnd =
  /** It left: everything it had was finished or given back. */
  | { readonly type: "left" }
  /** The head did not accept it. */
  | { readonly type: "refused"; readonly code: Refused_Code; readonly message: string }
  /** The connection ended. */
  | { readonly type: "lost"; readonly message: string }
  /** The head wanted it ended at once, with what was running. */
  | { readonly type: "dismissed"; readonly reason: string }
  /** `close` was called. */
  | { readonly type: "closed" };

/** What an agent is doing. */
export interface AgentStatus {
  /** Tasks that own resources. */
  readonly running: number;
  /** Tasks sent ahead. */
  readonly waiting: number;
  /** Process ids of the executors. */
  readonly executors: readonly number[];
  /** What is not in use: ten-thousandths by kind, memory in bytes. */
  readonly free: ReadonlyMap<string, number>;
}

/** A running agent. */
export interface Agent {
  /** Resolves when the head has accepted it; rejects with ConnectionError when it has not. */
  readonly joined: Promise<void>;
  /** Resolves when it has ended and no process of it is left. */
  readonly ended: Promise<AgentEnd>;
  /** Wants no new work, gives back what has not started, ends when the rest has ended. */
  leave(reason: string): void;
  /** Kills everything at once; resolves when it has ended. */
  close(): Promise<void>;
  status(): AgentStatus;
}

/**
 * Starts an agent.
 *
 * @example
 * const agent = startAgent({ connection, name: "w1", pool: detectPool(), imports: [] });
 * await agent.joined;
 */
export function startAgent(options: AgentOptions): Agent {
  return new RunningAgent(options);
}

const DEFAULT_IDLE_MS = 60_000;
const NO_GANGS: ReadonlyMap<number, readonly TaskNode[]> = new Map();

class RunningAgent implements Agent {
  readonly joined: Promise<void>;
  readonly ended: Promise<AgentEnd>;
  readonly #options: AgentOptions;
  readonly #state;
  readonly #supply: Supply;
  readonly #reports: Reports;
  readonly #executors: Executors;
  readonly #heart: Heart;
  readonly #timers = new Map<number, NodeJS.Timeout>();
  #sweeper: NodeJS.Timeout | undefined;
  #accept: () => void = () => {};
  #refuse: (error: Error) => void = () => {};
  #resolveEnded: (end: AgentEnd) => void = () => {};
  #end: AgentEnd | undefined;

  constructor(options: AgentOptions) {
    const { connection, name, pool, imports } = options;
    this.#options = options;
    this.#state = newState(pool);
    this.#supply = new Supply(connection.blobs, options.cacheDir ?? defaultCacheDir(), imports);
    this.#reports = new Reports(connection.link, name);
    this.joined = new Promise((resolve, reject) => {
      this.#accept = resolve;
      this.#refuse = reject;
    });
    this.joined.catch(() => {}); // Also told by `ended`.
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#executors = new Executors({
      setup: { type: "setup", worker: name, hasGpus: pool.gpus.length > 0 },
      outputs: new Outputs(connection.link, name),
      log: (level, text) => this.#log(level, text),
      happened: (event) => this.#take(event),
      upload: (ref, runUs, bytes) => void this.#upload(ref, runUs, bytes),
      state: this.#state,
      early: options.early,
    });
    this.#heart = new Heart((loopLagMs) => {
      const heartbeat = { running: runningCount(this.#state), loopLagMs };
      connection.link.send({ body: { $case: "heartbeat", heartbeat } });
    });
    this.#start();
  }

  leave(reason: string): void {
    if (this.#end !== undefined) return;
    this.#options.connection.link.send({ body: { $case: "leaving", leaving: { reason } } });
    this.#take({ type: "leaveRequested" });
  }

  async close(): Promise<void> {
    this.#finish({ type: "closed" });
    await this.ended;
  }

  status(): AgentStatus {
    return {
      running: runningCount(this.#state),
      waiting: waitingCount(this.#state),
      executors: this.#executors.pids,
      free: this.#state.ledger.free(),
    };
  }

  #start(): void {
    const { connection, name, imports, prewarm = 0, idleMs = DEFAULT_IDLE_MS } = this.#options;
    const { link } = connection;
    const { pool } = this.#state.ledger;
    link.send({ body: { $case: "join", join: { hello: hello(), name, pool, imports: [...imports] } } });
    link.receive({
      messages: (batch) => this.#receive(batch),
      ended: (end) => this.#linkEnded(end),
    });
    this.#sweeper = setInterval(() => this.#take({ type: "swept", keep: prewarm }), idleMs);
    this.#sweeper.unref();
    if (prewarm > 0) this.#take({ type: "prewarmRequested", count: prewarm });
  }

  #receive(batch: HeadToWorker[]): void {
    for (const message of batch) {
      if (this.#end !== undefined) return;
      try {
        this.#handle(message);
      } catch (error) {
        this.#finish({
          type: "lost",
          message: `the head sent what cannot be understood: ${messageOf(error)}`,
        });
      }
    }
    this.#executors.flush();
  }

  #handle({ body }: HeadToWorker): void {
    switch (body?.$case) {
      case "accepted":
        this.#heart.start(body.accepted.heartbeatMs);
        return this.#accept();
      case "refused":
        return this.#finish({ type: "refused", code: body.refused.code, message: body.refused.message });
      case "spec":
        return this.#defineSpec(body.spec);
      case "assign":
        return this.#assign(body.assign);
      case "promote":
        return this.#take({ type: "promoted", ...body.promote });
      case "retract":
        return this.#take({ type: "retracted", ...body.retract });
      case "cancel":
        return this.#take({ type: "cancelRequested", ...body.cancel });
      case "forget":
        this.#take({ type: "sessionForgotten", session: body.forget });
        return this.#executors.forget(body.forget);
      case "leave":
        if (body.leave.kill) return this.#finish({ type: "dismissed", reason: body.leave.reason });
        this.#log("info", `The head asks this worker to leave: ${body.leave.reason}`);
        return this.leave(body.leave.reason);
      case undefined:
        return;
      default:
        body satisfies never;
    }
  }

  #defineSpec({ session, spec, outputs }: SessionSpec): void {
    if (spec === undefined) return;
    const file = this.#supply.moduleOf(spec);
    this.#executors.defineSpec(session, spec, outputs, file);
    const { name, timeoutMs, request } = spec;
    const demands = request?.alternatives ?? [];
    const ready = file.type === "here";
    this.#take({ type: "specDefined", session, spec: spec.spec, name, demands, timeoutMs, ready });
    if (file.type !== "coming") return;
    file.path.then(
      () => this.#take({ type: "specReady", session, spec: spec.spec }),
      (error: unknown) =>
        this.#log("warn", `The module of ${name} could not be fetched: ${messageOf(error)}`),
    );
  }

  #assign(assign: Assign): void {
    const { session, spec, alternative, granted, tasks, attempts, sizes, args, blobs, hardMs } = assign;
    this.#reports.pace(assign.reportMs);
    const values: Value[] = new Array(tasks.length);
    let offset = 0;
    for (let i = 0; i < tasks.length; i++) {
      const size = sizes[i] ?? 0;
      values[i] = args.subarray(offset, offset + size);
      offset += size;
    }
    for (const { index, ref } of blobs) if (ref !== undefined) values[index] = ref;
    const gangs =
      assign.gangs.length === 0 ? NO_GANGS : new Map(assign.gangs.map(({ index, nodes }) => [index, nodes]));
    const about = { session, spec, alternative, granted, tasks, attempts, values, hardMs, gangs };
    this.#take({ type: "assigned", ...about });
  }

  /** Gives an event to the core and carries out what it wants done. */
  #take(event: AgentEvent): void {
    if (this.#end !== undefined) return;
    for (const effect of step(this.#state, event)) this.#perform(effect);
    this.#reports.settle(waitingCount(this.#state));
    this.#executors.flush();
  }

  #perform(effect: AgentEffect): void {
    switch (effect.type) {
      case "started":
        return this.#reports.started(effect.task);
      case "finished":
        this.#executors.taskEnded(effect.task);
        return this.#reports.finished(effect.task, effect.value, effect.runUs);
      case "failed":
        return this.#reports.failed(effect, this.#executors.taskEnded(effect.task));
      case "returned":
        return this.#reports.returned(effect.task);
      case "prepare":
        return void this.#prepare(effect.task.ref, effect.task.plan.spec, effect.task.value);
      case "setTimer":
        return this.#setTimer(effect.timer, effect.ms);
      case "clearTimer":
        clearTimeout(this.#timers.get(effect.timer));
        this.#timers.delete(effect.timer);
        return;
      case "left":
        this.#reports.flush();
        return this.#finish({ type: "left" });
      default:
        return this.#executors.perform(effect);
    }
  }

  #setTimer(timer: number, ms: number): void {
    const fire = () => {
      this.#timers.delete(timer);
      this.#take({ type: "timerFired", timer });
    };
    // Beyond what a timer can hold nobody waits for it.
    this.#timers.set(timer, setTimeout(fire, Math.min(ms, 0x7fff_ffff)));
  }

  async #prepare(ref: number, spec: { session: number; spec: number }, value: Value): Promise<void> {
    try {
      const [bytes] = await Promise.all([
        this.#supply.argumentsOf(value),
        this.#executors.moduleReady(spec.session, spec.spec),
      ]);
      this.#take({ type: "prepared", ref, value: bytes });
    } catch (error) {
      const { kind, message } = error as Lack;
      this.#take({ type: "prepareFailed", ref, kind, message });
    }
  }

  /** Sends a large result to the head before its task is reported. */
  async #upload(ref: number, runUs: number, bytes: Uint8Array): Promise<void> {
    let report: Extract<Report, { type: "finished" | "failed" }>;
    try {
      const value = refOf([bytes]);
      await this.#options.connection.blobs.put(value, [bytes]);
      report = { type: "finished", ref, value, runUs };
    } catch (error) {
      const message = `its ${bytes.byteLength} bytes could not be uploaded to the head: ${messageOf(error)}`;
      report = {
        type: "failed",
        ref,
        kind: FailureKind.VALUE_FAILED,
        message,
        error: new Uint8Array(0),
        runUs,
      };
    }
    this.#take({ type: "uploaded", report });
  }

  #linkEnded(end: LinkEnd): void {
    const message = end.type === "closed" ? "the head closed the connection" : end.message;
    this.#finish({ type: "lost", message });
  }

  #finish(end: AgentEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#heart.stop();
    this.#reports.close();
    clearInterval(this.#sweeper);
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    const { connection } = this.#options;
    const why =
      end.type === "refused" ? end.message : `The worker did not join the head at ${connection.address}.`;
    this.#refuse(new ConnectionError(why));
    const closers = [this.#executors.close(), connection.close()];
    void Promise.allSettled(closers).then(() => this.#resolveEnded(end));
  }

  #log(level: LogLevel, text: string): void {
    this.#options.onLog?.(level, text);
  }
}
