/**
 * The worker's agent: joins a head, runs what it is sent, reports how it ended.
 *
 * This is the shell around the core (core/step.ts): it owns the link, the executor
 * processes and the timers, and carries the core's effects out in order. It never
 * runs user code.
 */

import { ConnectionError, messageOf } from "../../proto/errors.js";
import { type Assign, FailureKind, type HeadToWorker, type SessionSpec } from "../../proto/grain.js";
import { hello } from "../../proto/version.js";
import type { FinishedLarge } from "../executor/message.js";
import { Pressure, PressureWatch } from "../memory/pressure.js";
import { defaultCacheDir } from "../modules.js";
import { startTimer } from "../walltime.js";
import { assignedOf } from "./assigned.js";
import { wrongMessage } from "./check.js";
import type { AgentEffect } from "./core/effect.js";
import type { AgentEvent, Report } from "./core/event.js";
import { GRACE_MS, keyOf, newState, runningCount, waitingCount } from "./core/state.js";
import { step } from "./core/step.js";
import type { Value } from "./core/task.js";
import { Executors } from "./executors.js";
import { HeadLink, type HeadLinkHost } from "./head-link.js";
import { Heart } from "./heart.js";
import { heldBy } from "./held.js";
import { Hold } from "./hold.js";
import type { AgentOptions, LogLevel } from "./options.js";
import { Outputs } from "./outputs.js";
import { Reports } from "./reports.js";
import { Staging } from "./staging.js";
import type { Agent, AgentEnd, AgentStatus } from "./status.js";
import { type Lack, Supply } from "./supply.js";

export type { Agent, AgentEnd, AgentOptions, AgentStatus, LogLevel };

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

class RunningAgent implements Agent {
  readonly joined: Promise<void>;
  readonly ended: Promise<AgentEnd>;
  readonly #options: AgentOptions;
  readonly #state;
  readonly #supply: Supply;
  readonly #staging: Staging;
  readonly #reports: Reports;
  readonly #executors: Executors;
  readonly #heart: Heart;
  readonly #head: HeadLink;
  readonly #timers = new Map<number, NodeJS.Timeout>();
  readonly #pressure: PressureWatch;
  readonly #hold = new Hold(
    (event) => this.#take(event),
    (executor) => this.#state.executors.get(executor)?.standing.type === "closing",
  );
  #sweeper: NodeJS.Timeout | undefined;
  #stopDeadline: (() => void) | undefined;
  #accept: () => void = () => {};
  #refuse: (error: Error) => void = () => {};
  #resolveEnded: (end: AgentEnd) => void = () => {};
  #left = false;
  /** It has asked the head to let it in. */
  #isIntroduced = false;
  #failure: Error | undefined;
  #end: AgentEnd | undefined;

  constructor(options: AgentOptions) {
    const { connection, name, pool, imports, job } = options;
    this.#options = options;
    const { graceMs = GRACE_MS } = options;
    this.#state = newState(pool, graceMs, options.reactionMs);
    this.#supply = new Supply(connection.blobs, options.cacheDir ?? defaultCacheDir(), imports);
    this.#head = new HeadLink(connection, options.id, this.#host());
    this.#staging = new Staging(connection.blobs);
    this.#reports = new Reports(this.#head, name);
    this.joined = new Promise((resolve, reject) => {
      this.#accept = resolve;
      this.#refuse = reject;
    });
    this.joined.catch(() => {}); // Also told by `ended`.
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#executors = new Executors({
      setup: { worker: name, hasGpus: pool.gpus.length > 0 },
      staging: this.#staging,
      outputs: new Outputs(this.#head, name),
      log: (level, text) => this.#log(level, text),
      happened: (event) => (job === undefined ? this.#take(event) : this.#hold.take(event)),
      upload: (result) => void this.#upload(result),
      memoryLooked: () => this.#pressure.look(),
      graceMs,
      cgroups: options.cgroups,
      state: this.#state,
      early: options.early,
      equipment: options.equipment ?? {},
      equipmentFailed: (error) => this.#unequipped(error),
    });
    const memory = new Pressure();
    const pressure = new PressureWatch(options.isMemoryShort ?? (() => memory.look()), {
      changed: (pressed) => this.#pressureChanged(pressed),
      lasts: () => this.#take({ type: "pressureFelt", pressed: true }),
    });
    this.#pressure = pressure;
    this.#heart = new Heart((loopLagMs) => {
      pressure.look();
      this.#sendHeartbeat(loopLagMs, this.#state.pressed);
    });
    this.#start();
  }

  leave(reason: string, drainMs = this.#options.drainMs): void {
    if (this.#end !== undefined) return;
    if (!this.#isIntroduced) return this.#finish({ type: "left" });
    const { isCutOff, owes } = this.#head;
    if (isCutOff && !owes && this.#state.byKey.size === 0) return this.#finish({ type: "left" });
    this.#head.send({ body: { $case: "leaving", leaving: { reason } } });
    if (drainMs !== undefined)
      this.#stopDeadline ??= startTimer(drainMs, () => this.#evict("its time is up."));
    this.#take({ type: "leaveRequested" }); // Last: it may be over now, and nothing would clear the timer.
  }

  vacate(reason: string): void {
    this.leave(reason);
    if (this.#end === undefined) this.#evict(reason);
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
    const { idleMs = DEFAULT_IDLE_MS } = this.#options;
    const { firstEquipped } = this.#executors;
    const prewarm = Math.max(this.#options.prewarm ?? 0, firstEquipped === undefined ? 0 : 1);
    if (firstEquipped === undefined) this.#introduce();
    else void firstEquipped.then(() => this.#introduce());
    this.#sweeper = setInterval(() => this.#take({ type: "swept", keep: prewarm }), idleMs);
    this.#sweeper.unref();
    if (prewarm > 0) this.#take({ type: "prewarmRequested", count: prewarm });
  }

  #introduce(): void {
    if (this.#end !== undefined) return;
    this.#isIntroduced = true;
    this.#head.start();
  }

  #evict(why: string): void {
    const running = runningCount(this.#state);
    if (running > 0)
      this.#log("warn", `What still runs (${running}) is ended and goes back to the head: ${why}`);
    this.#take({ type: "evictRequested" });
  }

  #unequipped(error: Error): void {
    this.#failure ??= error;
    if (!this.#isIntroduced) return this.#finish({ type: "failed", error });
    this.vacate(error.message);
  }

  #sendHeartbeat(loopLagMs: number, pressed: boolean): void {
    const heartbeat = { running: runningCount(this.#state), loopLagMs, pressed };
    this.#head.sendNow({ body: { $case: "heartbeat", heartbeat } });
  }

  #pressureChanged(pressed: boolean): void {
    this.#log(
      pressed ? "warn" : "info",
      pressed
        ? "Memory is short on this machine: no more tasks are started beside those that run."
        : "There is enough memory again.",
    );
    // Before the tasks that go back, or they would come again.
    this.#sendHeartbeat(0, pressed);
    this.#take({ type: "pressureFelt", pressed });
  }

  #receive(batch: HeadToWorker[]): void {
    for (const message of batch) {
      if (this.#end !== undefined) return;
      const wrong = wrongMessage(message, this.#state);
      if (wrong !== undefined)
        return this.#finish({ type: "lost", message: `a message of the head breaks the protocol: ${wrong}` });
      this.#handle(message);
    }
    this.#executors.flush();
  }

  #handle({ body }: HeadToWorker): void {
    switch (body?.$case) {
      case "accepted":
      case "refused":
      case "received":
        return; // Of the way to the head.
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
    // A worker that was cut off may be told again what it knows.
    if (spec === undefined || this.#state.specs.has(keyOf(session, spec.spec))) return;
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
    this.#reports.pace(assign.reportMs);
    this.#take(assignedOf(assign));
  }

  /** Gives an event to the core and carries out what it wants done. */
  #take(event: AgentEvent): void {
    if (this.#end !== undefined) return;
    for (const effect of step(this.#state, event)) this.#perform(effect);
    if (this.#reports.hasAny) this.#reports.settle(waitingCount(this.#state));
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
        return this.#reports.failed(effect, this.#executors.taskFailed(effect.task));
      case "returned":
        this.#executors.taskEnded(effect.task);
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
        this.#left = true;
        // What the head has not been told must reach it first.
        if (!this.#head.isCutOff) this.#finish({ type: "left" });
        return;
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
      const [here] = await Promise.all([
        this.#supply.argumentsOf(value),
        this.#executors.moduleReady(spec.session, spec.spec),
      ]);
      this.#take({ type: "prepared", ref, value: here });
    } catch (error) {
      const { kind, message } = error as Lack;
      this.#take({ type: "prepareFailed", ref, kind, message });
    }
  }

  /** Sends a large result to the head before its task is reported. */
  async #upload(result: FinishedLarge): Promise<void> {
    const { ref, runUs, byteLength } = result;
    let report: Extract<Report, { type: "finished" | "failed" }>;
    try {
      const value = await this.#staging.deliver(result);
      report = { type: "finished", ref, value, runUs };
    } catch (error) {
      const message = `its ${byteLength} bytes could not be uploaded to the head: ${messageOf(error)}`;
      const about = { ref, kind: FailureKind.VALUE_FAILED, message };
      report = { type: "failed", ...about, error: new Uint8Array(0), runUs };
    }
    this.#take({ type: "uploaded", report });
  }

  #host(): HeadLinkHost {
    const { name, imports, pool, job } = this.#options;
    return {
      join: () => ({ hello: hello(), name, pool, imports: [...imports], job }),
      accepted: ({ heartbeatMs }) => {
        this.#heart.start(heartbeatMs);
        this.#accept();
      },
      refused: ({ code, message }) => this.#finish({ type: "refused", code, message }),
      messages: (batch) => this.#receive(batch),
      cutOff: (why) => {
        this.#heart.stop();
        this.#log("warn", `The connection to the head was lost (${why}); trying again. Tasks here go on.`);
      },
      settle: () => this.#reports.flush(),
      held: () => heldBy(this.#state),
      back: () => {
        this.#log("info", "The connection to the head is back.");
        this.#sendHeartbeat(0, this.#state.pressed);
        if (this.#left) this.#finish({ type: "left" });
      },
      lost: (message) => this.#finish({ type: "lost", message }),
    };
  }

  #finish(how: AgentEnd): void {
    if (this.#end !== undefined) return;
    const error = this.#failure;
    const end: AgentEnd = how.type === "left" && error !== undefined ? { type: "failed", error } : how;
    this.#end = end;
    this.#heart.stop();
    this.#hold.close();
    this.#reports.close();
    clearInterval(this.#sweeper);
    this.#stopDeadline?.();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    const { connection } = this.#options;
    const why =
      end.type === "refused" ? end.message : `The worker did not join the head at ${connection.address}.`;
    this.#refuse(new ConnectionError(why));
    const closers = [this.#executors.close(), this.#head.close()];
    void Promise.allSettled(closers).then(() => this.#resolveEnded(end));
  }

  #log(level: LogLevel, text: string): void {
    this.#options.onLog?.(level, text);
  }
}
