/**
 * The worker daemon: joins a head, joins it again when the connection is lost,
 * leaves when it or its head is told to end, or when it runs out of walltime.
 */

import { randomBytes } from "node:crypto";
import type { Access } from "../proto/access/place.js";
import { formatDuration } from "../proto/duration.js";
import { ConnectionError } from "../proto/errors.js";
import { Refused_Code } from "../proto/grain.js";
import { connectWorker } from "../proto/link/grpc/connect.js";
import { formatPool, type Pool } from "../proto/resource/pool.js";
import { type Agent, type AgentEnd, startAgent } from "./agent/agent.js";
import { GRACE_MS } from "./agent/core/state.js";
import { SETUP_MS, TEARDOWN_MS } from "./agent/equipment.js";
import type { Part } from "./executor/message.js";
import type { BatchJob } from "./job.js";
import { Provision, pause } from "./keeper/provision.js";
import { resourcesOf } from "./keeper/resources.js";
import type { Log } from "./log.js";
import { CgroupTree } from "./memory/cgroup.js";
import { endOrphans } from "./process/orphans.js";
import { type EndTimes, endTimes, startTimer } from "./walltime.js";

/** What a daemon is started with. */
export interface DaemonOptions {
  readonly address: string;
  readonly name: string;
  readonly pool: Pool;
  /** Files of modules that are here. */
  readonly imports: readonly string[];
  /** Default: what the environment says. */
  readonly access?: Access | undefined;
  readonly log: Log;
  /** Told to leave, it lets tasks run for so long. Default: until they end. */
  readonly drainMs?: number | undefined;
  /** Between SIGTERM and SIGKILL for the processes of a task. Default: 5,000. */
  readonly graceMs?: number | undefined;
  /** The batch job that it is in. Default: none. */
  readonly job?: BatchJob | undefined;
  /** Modules that are set up around its life; absolute paths. Default: none. */
  readonly context?: string | undefined;
  readonly service?: string | undefined;
  /** How long setting them up may take. Default: 600,000. */
  readonly setupMs?: number | undefined;
  /** How long tearing them down may take. Default: 10,000. */
  readonly teardownMs?: number | undefined;
}

/** After a refusal that may pass, or a connection that broke, it is tried again after this. */
const REJOIN_MS = 1_000;
/** Executors that are kept ready. */
const PREWARM = 2;

/**
 * Batch systems tell a job to end by several signals, and its script hands on what it gets: those that
 * come within this time are one.
 */
const SAME_SIGNAL_MS = 2_000;

const EXIT_OK = 0;

/** A worker daemon. */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #stopping = new AbortController();
  readonly #startedAt = performance.now();
  readonly #id = randomBytes(16);
  readonly #cgroups = CgroupTree.open();
  readonly #provision: Provision;
  #agent: Agent | undefined;
  #signalledMs = Number.NEGATIVE_INFINITY;

  constructor(options: DaemonOptions) {
    this.#options = options;
    const { name, pool, context, service, log, graceMs = GRACE_MS } = options;
    const { setupMs = SETUP_MS, teardownMs = TEARDOWN_MS } = options;
    this.#provision = new Provision({
      worker: name,
      resources: resourcesOf(pool),
      context,
      service,
      setupMs,
      teardownMs,
      graceMs,
      log: (level, text) => log.write(level, text),
    });
  }

  /**
   * Runs until the worker has left.
   *
   * @returns the exit code
   * @throws ConnectionError when the head refuses this worker for good; AuthError when it does not let it in;
   * Error when its context or service cannot be set up
   */
  async run(): Promise<number> {
    const { log, name, pool, address } = this.#options;
    log.write("info", `Worker ${name} offers ${formatPool(pool)} to the head at ${address}.`);
    if (this.#cgroups !== undefined) log.write("debug", "The memory of tasks is limited by control groups.");
    const orphans = endOrphans().length;
    if (orphans > 0) log.write("warn", `Ended ${orphans} processes that a worker which died had left.`);
    const forgetWalltime = this.#watchWalltime();
    try {
      await this.#live();
    } finally {
      await this.#provision.close(this.#teardownMs);
      forgetWalltime();
    }
    log.write("info", `Worker ${name} has left.`);
    return EXIT_OK;
  }

  async #live(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const parts = await this.#provision.setUp(signal);
      if (parts === undefined) return;
      const end = await this.#serve(parts);
      const isOver = end === undefined || end.type === "left";
      if (isOver && this.#provision.broken.aborted) continue;
      if (end === undefined || !this.#comesBack(end)) return;
      await pause(REJOIN_MS, signal);
    }
  }

  /**
   * Leaves, see `stop`. In a batch job what runs is not waited for, unless a deadline was given for that, or
   * the job says how long it is left: it is killed soon, and its tasks are to run again elsewhere, not to be
   * lost with it.
   */
  signalled(signal: NodeJS.Signals): void {
    const { job, drainMs } = this.#options;
    if (job === undefined) return this.stop(signal);
    const nowMs = performance.now();
    const isAnother = nowMs - this.#signalledMs > SAME_SIGNAL_MS;
    this.#signalledMs = nowMs;
    const { noticeMs } = job;
    const waitMs = Math.min(drainMs ?? noticeMs ?? 0, noticeMs ?? Number.POSITIVE_INFINITY);
    if (isAnother) this.stop(`${signal} to the job ${job.id}`, waitMs);
  }

  /** Leaves: the first time when the running tasks have ended, the second time at once. */
  stop(reason: string, drainMs = this.#options.drainMs): void {
    const again = this.#stopping.signal.aborted;
    this.#stopping.abort();
    if (again) return this.#end(reason);
    const running = this.#agent?.status().running ?? 0;
    const most = drainMs === undefined ? "" : `, or after ${formatDuration(drainMs)}`;
    const wait =
      running > 0 && drainMs !== 0
        ? ` when ${running === 1 ? "1 task has" : `${running} tasks have`} ended${most}`
        : "";
    this.#options.log.write("info", `${reason}: leaving${wait}.`);
    this.#agent?.leave(reason, drainMs);
  }

  #end(reason: string): void {
    this.#options.log.write("warn", `${reason}: ending now, with what is running.`);
    void this.#agent?.close();
  }

  /** One life with one head; undefined when it was stopped before it joined. */
  async #serve(parts: readonly Part[]): Promise<AgentEnd | undefined> {
    const { address, name, pool, imports, access, log, drainMs, graceMs, job } = this.#options;
    const { broken } = this.#provision;
    const signal = AbortSignal.any([this.#stopping.signal, broken]);
    let connection: Awaited<ReturnType<typeof connectWorker>>;
    try {
      const onRetry = (message: string) => log.write("info", message);
      connection = await connectWorker(address, {
        signal,
        onRetry,
        giveUpMs: Number.POSITIVE_INFINITY,
        access,
      });
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
    const agent = startAgent({
      connection,
      id: this.#id,
      name,
      pool: this.#poolNow(pool),
      imports,
      job: job && `${job.system}:${job.id}`,
      cgroups: this.#cgroups,
      equipment: { parts, setupMs: this.#options.setupMs, teardownMs: this.#options.teardownMs },
      prewarm: Math.min(pool.cores.length, PREWARM),
      ...(drainMs === undefined ? {} : { drainMs }),
      ...(graceMs === undefined ? {} : { graceMs }),
      onLog: (level, text) => log.write(level, text),
    });
    this.#agent = agent;
    if (signal.aborted) void agent.close();
    const vacate = () => this.#vacate(agent, String(broken.reason));
    broken.addEventListener("abort", vacate, { once: true });
    agent.joined.then(
      () => log.write("info", `Joined the head at ${connection.address}.`),
      () => {}, // Told by its end.
    );
    const end = await agent.ended;
    broken.removeEventListener("abort", vacate);
    this.#agent = undefined;
    return end;
  }

  /** Nothing can run here as it should any more. */
  #vacate(agent: Agent, reason: string): void {
    this.#options.log.write("error", reason);
    agent.vacate(reason);
  }

  /**
   * Says how a life with a head ended, and what comes next.
   *
   * @returns whether to join again
   * @throws ConnectionError when the head refuses this worker for good
   */
  #comesBack(end: AgentEnd): boolean {
    const { log } = this.#options;
    switch (end.type) {
      case "left":
      case "closed":
        return false;
      case "failed":
        throw end.error;
      case "dismissed":
        log.write("info", `The head said goodbye (${end.reason}); tasks here were ended. Leaving as well.`);
        return false;
      case "lost": {
        const next = this.#stopping.signal.aborted ? "Leaving." : "Joining again.";
        log.write(
          "warn",
          `The connection to the head was lost (${end.message}); its tasks here were ended. ${next}`,
        );
        return true;
      }
      case "refused":
        if (end.code !== Refused_Code.DRAINING) throw new ConnectionError(end.message);
        log.write("warn", `${end.message} Trying again.`);
        return true;
      default:
        return end satisfies never;
    }
  }

  /** What is left is what tasks can count on. */
  #poolNow(pool: Pool): Pool {
    if (pool.remainingMs === undefined) return pool;
    const left = this.#times(pool.remainingMs).killMs - (performance.now() - this.#startedAt);
    return { ...pool, remainingMs: Math.max(0, left) };
  }

  #times(remainingMs: number): EndTimes {
    return endTimes(remainingMs, this.#provision.isWanted ? this.#wantedMs : 0);
  }

  get #wantedMs(): number {
    return this.#options.teardownMs ?? TEARDOWN_MS;
  }

  /** How long tearing down may take; with a walltime, what is set aside for it. */
  get #teardownMs(): number {
    const { remainingMs } = this.#options.pool;
    return remainingMs === undefined ? this.#wantedMs : this.#times(remainingMs).teardownMs;
  }

  /** Leaves in time, and ends what still runs then; returns what stops watching. */
  #watchWalltime(): () => void {
    const { remainingMs } = this.#options.pool;
    if (remainingMs === undefined) return () => {};
    const { leaveMs, killMs } = this.#times(remainingMs);
    const walltime = `The walltime of ${formatDuration(remainingMs)}`;
    const stops = [
      startTimer(leaveMs, () => {
        if (!this.#stopping.signal.aborted) this.stop(`${walltime} is about to end`);
      }),
      startTimer(killMs, () => this.#end(`${walltime} has ended`)),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }
}
