/**
 * Executor processes: starts them, talks to them in batches, signals them and all
 * that they have started, and notices their end. Who runs what is not its affair.
 */

import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { builtFile } from "../proto/module/own-files.js";
import { encodeFrame, FrameReader } from "./executor/frames.js";
import type { FromExecutor, ToExecutor } from "./executor/message.js";
import type { CgroupTree, ExecutorGroup } from "./memory/cgroup.js";
import { type Ending, endFamily, killFamily } from "./process/ending.js";
import { Families } from "./process/family.js";
import { signalGroup } from "./process/group.js";
import { newMark, withMark } from "./process/marker.js";
import { acquireWatchdog } from "./process/watchdog.js";
import { findProgram } from "./programs/find.js";

/** How an executor process ended. */
export interface ExecutorExit {
  /** 0 when a signal ended it. */
  readonly exitCode: number;
  /** Empty when it exited. */
  readonly signal: string;
  /** Why it could not be started; empty when it was. */
  readonly failure: string;
}

/** What the pool's owner wants to hear. `id` is what the owner called the executor. */
export interface PoolHandler {
  messages(id: number, messages: FromExecutor[]): void;
  /** What was written to its standard streams past the task's own output. */
  raw(id: number, text: Buffer, stderr: boolean): void;
  /** Called once, after everything it said. All that it had started has ended. */
  exited(id: number, exit: ExecutorExit, group: ExecutorGroup | undefined): void;
}

interface Process {
  readonly id: number;
  readonly child: ChildProcess;
  readonly pipe: Socket;
  readonly ending: Ending;
  readonly group: ExecutorGroup | undefined;
  outgoing: ToExecutor[];
}

/** Who holds the other end of a stream although the processes have ended is not waited for longer. */
const STREAM_END_MS = 2_000;

const PIPE_FD = 3;

/** An executor process without an owner. */
export interface EarlyExecutor {
  readonly child: ChildProcess;
  /** What its processes carry in their environment. */
  readonly mark: string;
}

/** How a pool treats its executors. */
export interface PoolOptions {
  /** What is left when an executor has ended gets so long to end as well. */
  readonly graceMs: number;
  /** Where the kernel can limit each executor. */
  readonly cgroups?: CgroupTree | undefined;
  /** The first executor, if it was started already. */
  readonly early?: EarlyExecutor | undefined;
}

/**
 * Starts an executor before there is a pool to own it, so that both come up side by side.
 * Whoever calls it hands it to a pool, or ends it by `endExecutorEarly`.
 *
 * @example
 * const pool = new ExecutorPool(handler, { graceMs: 5_000, early: startExecutorEarly() });
 */
export function startExecutorEarly(): EarlyExecutor {
  const early = spawnExecutor();
  // Nobody listens yet; the pool asks whether it was started.
  early.child.on("error", () => {});
  return early;
}

/** Ends an executor that no pool has taken. */
export function endExecutorEarly({ child: { pid } }: EarlyExecutor): void {
  if (pid !== undefined) signalGroup(pid, "SIGKILL");
}

/** The executor processes of one agent. */
export class ExecutorPool {
  readonly #handler: PoolHandler;
  readonly #processes = new Map<number, Process>();
  /** With messages to be sent. */
  #talking: Process[] = [];
  readonly #ends = new Set<Promise<void>>();
  readonly #graceMs: number;
  /** The processes of each executor. */
  readonly families = new Families();
  #releaseWatchdog: (() => void) | undefined;
  readonly #cgroups: CgroupTree | undefined;
  #early: EarlyExecutor | undefined;

  constructor(handler: PoolHandler, { graceMs, cgroups, early }: PoolOptions) {
    this.#handler = handler;
    this.#graceMs = graceMs;
    this.#cgroups = cgroups;
    this.#early = early;
  }

  /** The control group of an executor, if it has one. */
  groupOf(id: number): ExecutorGroup | undefined {
    return this.#processes.get(id)?.group;
  }

  /** The process ids of the executors that have not ended. */
  get pids(): number[] {
    return [...this.#processes.values()].flatMap(({ child }) => child.pid ?? []);
  }

  /** Starts a process. It can be sent messages at once. */
  start(id: number): void {
    const { child, mark } = this.#takeEarly() ?? spawnExecutor();
    const pipe = child.stdio[PIPE_FD] as Socket;
    const { pid = 0 } = child;
    const ending = { pid, graceMs: this.#graceMs, wasTold: false, isForced: false };
    const group = pid === 0 ? undefined : this.#cgroups?.add(pid);
    const executor: Process = { id, child, pipe, ending, group, outgoing: [] };
    this.#processes.set(id, executor);
    if (pid !== 0) this.families.add(id, pid, mark);
    this.#releaseWatchdog ??= acquireWatchdog();
    const ended = this.#watch(executor);
    this.#ends.add(ended);
    void ended.then(() => this.#ends.delete(ended));
  }

  /** Queues a message for an executor; `flush` sends it. */
  send(id: number, message: ToExecutor): void {
    const process = this.#processes.get(id);
    if (process === undefined) return;
    if (process.outgoing.length === 0) this.#talking.push(process);
    process.outgoing.push(message);
  }

  /** Sends what is queued. */
  flush(): void {
    if (this.#talking.length === 0) return;
    const talking = this.#talking;
    this.#talking = [];
    for (const process of talking) {
      const batch = process.outgoing;
      process.outgoing = [];
      if (process.pipe.writable) process.pipe.write(encodeFrame(batch));
    }
  }

  /** Signals an executor's process group; SIGKILL also what has left the group. */
  kill(id: number, signal: "SIGTERM" | "SIGKILL"): void {
    const { ending } = this.#processes.get(id) ?? {};
    if (ending === undefined || ending.pid === 0) return;
    // While parents live, their children are known for certain.
    this.families.look();
    if (signal === "SIGKILL") {
      ending.isForced = true;
      killFamily(this.families, id, ending.pid, false);
    } else {
      ending.wasTold = true;
      signalGroup(ending.pid, signal);
    }
  }

  /** Resolves when all executors have ended, or after a while. */
  async settled(ms: number): Promise<void> {
    let patience: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      patience = setTimeout(resolve, ms);
    });
    await Promise.race([Promise.all(this.#ends), late]);
    clearTimeout(patience);
  }

  /** Kills all executors; resolves when they and all that they had started have ended. */
  async close(): Promise<void> {
    const early = this.#takeEarly();
    if (early !== undefined) {
      const ended = new Promise<void>((resolve) => early.child.once("exit", () => resolve()));
      this.#ends.add(ended);
      endExecutorEarly(early);
    }
    for (const id of this.#processes.keys()) this.kill(id, "SIGKILL");
    await Promise.all(this.#ends);
    this.#releaseWatchdog?.();
    this.#releaseWatchdog = undefined;
  }

  /** The process that was started early, if it still waits for work. */
  #takeEarly(): EarlyExecutor | undefined {
    const early = this.#early;
    this.#early = undefined;
    const child = early?.child;
    const lives = child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
    return lives ? early : undefined;
  }

  /** Resolves when the process has ended and everything that it said has been handed on. */
  async #watch(process: Process): Promise<void> {
    const { id, child, pipe } = process;
    const reader = new FrameReader<FromExecutor>();
    pipe.on("data", (chunk: Buffer) => {
      try {
        this.#handler.messages(id, reader.push(chunk));
      } catch {
        // Somebody else wrote to the pipe: nothing that follows can be understood.
        this.kill(id, "SIGKILL");
      }
    });
    pipe.on("error", () => {});
    child.stdout?.on("data", (text: Buffer) => this.#handler.raw(id, text, false));
    child.stderr?.on("data", (text: Buffer) => this.#handler.raw(id, text, true));
    const exit = await new Promise<ExecutorExit>((resolve) => {
      child.once("error", (error) =>
        resolve({ exitCode: 127, signal: "", failure: `its process could not be started: ${error.message}` }),
      );
      child.once("exit", (code, signal) =>
        resolve({ exitCode: code ?? 0, signal: signal ?? "", failure: "" }),
      );
    });
    if (child.pid !== undefined) await endFamily(this.families, id, process.ending);
    this.families.delete(id);
    await Promise.all([closed(pipe), closed(child.stdout), closed(child.stderr)]);
    this.#processes.delete(id);
    this.#handler.exited(id, exit, process.group);
    process.group?.remove();
  }
}

/** Resolves when a stream has handed on what it had; whoever else holds its other end is not waited for. */
export function closed(stream: NodeJS.ReadableStream | null): Promise<void> {
  return new Promise((resolve) => {
    if (stream === null || !stream.readable) return resolve();
    const end = () => {
      clearTimeout(patience);
      resolve();
    };
    const patience = setTimeout(() => {
      (stream as Socket).destroy();
      end();
    }, STREAM_END_MS);
    stream.once("end", end).once("close", end).once("error", end);
  });
}

function spawnExecutor(): EarlyExecutor {
  const [command, args] = executorCommand();
  const mark = newMark();
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    detached: true,
    env: withMark(process.env, mark),
  });
  return { child, mark };
}

let found: [string, string[]] | undefined;

/** How an executor is started: so that it dies with its parent, where the system can do that. */
function executorCommand(): [string, string[]] {
  found ??= findCommand();
  return found;
}

function findCommand(): [string, string[]] {
  const command = [process.execPath, builtFile("worker/executor/main.js")];
  const setpriv = process.platform === "linux" ? findProgram("setpriv", undefined) : undefined;
  if (setpriv !== undefined) command.unshift(setpriv, "--pdeathsig", "KILL", "--");
  return [command[0]!, command.slice(1)];
}
