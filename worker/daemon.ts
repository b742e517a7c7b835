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
import type { BatchJob } from "./job.js";
import type { Log } from "./log.js";
import { CgroupTree } from "./memory/cgroup.js";
import { endOrphans } from "./process/orphans.js";
import { endTimes, startTimer } from "./walltime.js";

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
  #agent: Agent | undefined;
  #signalledMs = Number.NEGATIVE_INFINITY;

  constructor(options: DaemonOptions) {
    this.#options = options;
  }

  /**
   * Runs until the worker has left.
   *
   * @returns the exit code
   * @throws ConnectionError when the head refuses this worker for good; AuthError when it does not let it in
   */
  async run(): Promise<number> {
    const { log, name, pool, address } = this.#options;
    log.write("info", `Worker ${name} offers ${formatPool(pool)} to the head at ${address}.`);
    if (this.#cgroups !== undefined) log.write("debug", "The memory of tasks is limited by control groups.");
    const orphans = endOrphans().length;
    if (orphans > 0) log.write("warn", `Ended ${orphans} processes that a worker which died had left.`);
    const forgetWalltime = this.#watchWalltime();
    try {
      while (!this.#stopping.signal.aborted) {
        const end = await this.#serve();
        if (end === undefined || !this.#comesBack(end)) break;
        await this.#pause();
      }
      log.write("info", `Worker ${name} has left.`);
      return EXIT_OK;
    } finally {
      forgetWalltime();
    }
  }

  /**
   * Leaves, see `stop`. In a batch job what runs is not waited for, unless a deadline was given for that:
   * the job is killed soon, and its tasks are to run again elsewhere, not to be lost with it.
   */
  signalled(signal: NodeJS.Signals): void {
    const { job, drainMs } = this.#options;
    if (job === undefined) return this.stop(signal);
    const nowMs = performance.now();
    const isAnother = nowMs - this.#signalledMs > SAME_SIGNAL_MS;
    this.#signalledMs = nowMs;
    if (isAnother) this.stop(`${signal} to the job ${job.id}`, drainMs ?? 0);
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
  async #serve(): Promise<AgentEnd | undefined> {
    const { address, name, pool, imports, access, log, drainMs, graceMs, job } = this.#options;
    const { signal } = this.#stopping;
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
      prewarm: Math.min(pool.cores.length, PREWARM),
      ...(drainMs === undefined ? {} : { drainMs }),
      ...(graceMs === undefined ? {} : { graceMs }),
      onLog: (level, text) => log.write(level, text),
    });
    this.#agent = agent;
    if (signal.aborted) void agent.close();
    agent.joined.then(
      () => log.write("info", `Joined the head at ${connection.address}.`),
      () => {}, // Told by its end.
    );
    const end = await agent.ended;
    this.#agent = undefined;
    return end;
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

  /** Resolves after a while, or when the daemon is stopped. */
  #pause(): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, REJOIN_MS);
      signal.addEventListener("abort", end, { once: true });
      if (signal.aborted) end();
    });
  }

  /** What is left is what tasks can count on. */
  #poolNow(pool: Pool): Pool {
    if (pool.remainingMs === undefined) return pool;
    const left = endTimes(pool.remainingMs).killMs - (performance.now() - this.#startedAt);
    return { ...pool, remainingMs: Math.max(0, left) };
  }

  /** Leaves in time, and ends what still runs then; returns what stops watching. */
  #watchWalltime(): () => void {
    const { remainingMs } = this.#options.pool;
    if (remainingMs === undefined) return () => {};
    const { leaveMs, killMs } = endTimes(remainingMs);
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
