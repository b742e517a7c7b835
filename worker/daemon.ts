/**
 * The worker daemon: joins a head, joins it again when the connection is lost,
 * leaves when it or its head is told to end, or when it runs out of walltime.
 */

import { formatDuration } from "../proto/duration.js";
import { ConnectionError } from "../proto/errors.js";
import { Refused_Code } from "../proto/grain.js";
import { connectWorker } from "../proto/link/grpc/connect.js";
import { formatPool, type Pool } from "../proto/resource/pool.js";
import { type Agent, type AgentEnd, startAgent } from "./agent/agent.js";
import type { Log } from "./log.js";

/** What a daemon is started with. */
export interface DaemonOptions {
  readonly address: string;
  readonly name: string;
  readonly pool: Pool;
  /** Files of modules that are here. */
  readonly imports: readonly string[];
  readonly log: Log;
}

/** A worker with a walltime leaves so long before its end. */
const LEAVE_EARLY_MS = 180_000;
/** After a refusal that may pass, or a connection that broke, it is tried again after this. */
const REJOIN_MS = 1_000;
/** Executors that are kept ready. */
const PREWARM = 2;

const EXIT_OK = 0;

/** A worker daemon. */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #stopping = new AbortController();
  readonly #startedAt = performance.now();
  #agent: Agent | undefined;

  constructor(options: DaemonOptions) {
    this.#options = options;
  }

  /**
   * Runs until the worker has left.
   *
   * @returns the exit code
   * @throws ConnectionError when the head refuses this worker for good
   */
  async run(): Promise<number> {
    const { log, name, pool, address } = this.#options;
    log.write("info", `Worker ${name} offers ${formatPool(pool)} to the head at ${address}.`);
    const walltime = this.#watchWalltime();
    try {
      while (!this.#stopping.signal.aborted) {
        const end = await this.#serve();
        if (end === undefined || !this.#comesBack(end)) break;
        await this.#pause();
      }
      log.write("info", `Worker ${name} has left.`);
      return EXIT_OK;
    } finally {
      clearTimeout(walltime);
    }
  }

  /** Leaves: the first time when the running tasks have ended, the second time at once. */
  stop(reason: string): void {
    const again = this.#stopping.signal.aborted;
    this.#stopping.abort();
    if (again) {
      this.#options.log.write("warn", `${reason}: ending now, with what is running.`);
      void this.#agent?.close();
      return;
    }
    const running = this.#agent?.status().running ?? 0;
    const wait = running > 0 ? ` when ${running === 1 ? "1 task has" : `${running} tasks have`} ended` : "";
    this.#options.log.write("info", `${reason}: leaving${wait}.`);
    this.#agent?.leave(reason);
  }

  /** One life with one head; undefined when it was stopped before it joined. */
  async #serve(): Promise<AgentEnd | undefined> {
    const { address, name, pool, imports, log } = this.#options;
    const { signal } = this.#stopping;
    let connection: Awaited<ReturnType<typeof connectWorker>>;
    try {
      const onRetry = (message: string) => log.write("info", message);
      connection = await connectWorker(address, { signal, onRetry, giveUpMs: Number.POSITIVE_INFINITY });
    } catch (error) {
      if (signal.aborted) return undefined;
      throw error;
    }
    const agent = startAgent({
      connection,
      name,
      pool: this.#poolNow(pool),
      imports,
      prewarm: Math.min(pool.cores.length, PREWARM),
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

  #poolNow(pool: Pool): Pool {
    if (pool.remainingMs === undefined) return pool;
    const remainingMs = Math.max(0, pool.remainingMs - (performance.now() - this.#startedAt));
    return { ...pool, remainingMs };
  }

  #watchWalltime(): NodeJS.Timeout | undefined {
    const { remainingMs } = this.#options.pool;
    if (remainingMs === undefined) return undefined;
    const ms = Math.max(remainingMs - LEAVE_EARLY_MS, remainingMs / 2);
    const reason = `The walltime of ${formatDuration(remainingMs)} is about to end`;
    return setTimeout(() => this.stop(reason), Math.min(ms, 0x7fff_ffff));
  }
}
