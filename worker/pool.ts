/**
 * Executor processes: starts them, talks to them in batches, signals their
 * process groups, and notices their end. Who runs what is not its affair.
 */

import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { encodeFrame, FrameReader } from "./executor/frames.js";
import type { FromExecutor, ToExecutor } from "./executor/message.js";
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
  /** Called once, after everything it said. Its process group has ended. */
  exited(id: number, exit: ExecutorExit): void;
}

interface Process {
  readonly id: number;
  readonly child: ChildProcess;
  readonly pipe: Socket;
  outgoing: ToExecutor[];
}

/** A group that outlives its first process gets this long to clear up. */
const GROUP_END_MS = 2_000;
const GROUP_POLL_MS = 10;

const PIPE_FD = 3;

/** An executor process without an owner. */
export type EarlyExecutor = ChildProcess;

/**
 * Starts an executor before there is a pool to own it, so that both come up side by side.
 * Whoever calls it hands it to a pool, or ends it by `endExecutorEarly`.
 *
 * @example
 * const pool = new ExecutorPool(handler, startExecutorEarly());
 */
export function startExecutorEarly(): EarlyExecutor {
  const child = spawnExecutor();
  // Nobody listens yet; the pool asks whether it was started.
  child.on("error", () => {});
  return child;
}

/** Ends an executor that no pool has taken. */
export function endExecutorEarly({ pid }: EarlyExecutor): void {
  if (pid !== undefined) signalGroup(pid, "SIGKILL");
}

/** The executor processes of one agent. */
export class ExecutorPool {
  readonly #handler: PoolHandler;
  readonly #processes = new Map<number, Process>();
  /** With messages to be sent. */
  readonly #talking = new Set<Process>();
  readonly #ends = new Set<Promise<void>>();
  #early: EarlyExecutor | undefined;

  /** @param early the first executor, if it was started already */
  constructor(handler: PoolHandler, early?: EarlyExecutor) {
    this.#handler = handler;
    this.#early = early;
  }

  /** The process ids of the executors that have not ended. */
  get pids(): number[] {
    return [...this.#processes.values()].flatMap(({ child }) => child.pid ?? []);
  }

  /** Starts a process. It can be sent messages at once. */
  start(id: number): void {
    const child = this.#takeEarly() ?? spawnExecutor();
    const pipe = child.stdio[PIPE_FD] as Socket;
    const process: Process = { id, child, pipe, outgoing: [] };
    this.#processes.set(id, process);
    const ended = this.#watch(process);
    this.#ends.add(ended);
    void ended.then(() => this.#ends.delete(ended));
  }

  /** Queues a message for an executor; `flush` sends it. */
  send(id: number, message: ToExecutor): void {
    const process = this.#processes.get(id);
    if (process === undefined) return;
    process.outgoing.push(message);
    this.#talking.add(process);
  }

  /** Sends what is queued. */
  flush(): void {
    for (const process of this.#talking) {
      const batch = process.outgoing;
      process.outgoing = [];
      if (process.pipe.writable) process.pipe.write(encodeFrame(batch));
    }
    this.#talking.clear();
  }

  /** Signals an executor's process group. */
  kill(id: number, signal: NodeJS.Signals): void {
    const pid = this.#processes.get(id)?.child.pid;
    if (pid !== undefined) signalGroup(pid, signal);
  }

  /** Kills all executors; resolves when they have ended. */
  async close(): Promise<void> {
    const early = this.#takeEarly();
    if (early !== undefined) {
      const ended = new Promise<void>((resolve) => early.once("exit", () => resolve()));
      this.#ends.add(ended);
      endExecutorEarly(early);
    }
    for (const id of this.#processes.keys()) this.kill(id, "SIGKILL");
    await Promise.all(this.#ends);
  }

  /** The process that was started early, if it still waits for work. */
  #takeEarly(): ChildProcess | undefined {
    const early = this.#early;
    this.#early = undefined;
    const lives = early?.pid !== undefined && early.exitCode === null && early.signalCode === null;
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
    if (child.pid !== undefined) await endGroup(child.pid);
    await Promise.all([closed(pipe), closed(child.stdout), closed(child.stderr)]);
    this.#processes.delete(id);
    this.#talking.delete(process);
    this.#handler.exited(id, exit);
  }
}

/** Resolves when a stream has handed on what it had; whoever else holds its other end is not waited for. */
function closed(stream: NodeJS.ReadableStream | null): Promise<void> {
  return new Promise((resolve) => {
    if (stream === null || !stream.readable) return resolve();
    const end = () => {
      clearTimeout(patience);
      resolve();
    };
    const patience = setTimeout(() => {
      (stream as Socket).destroy();
      end();
    }, GROUP_END_MS);
    stream.once("end", end).once("close", end).once("error", end);
  });
}

/** What a task's process has left behind in its group is ended: politely, for it may have programs of its own to end. */
async function endGroup(pid: number): Promise<void> {
  if (!signalGroup(pid, "SIGTERM")) return;
  const until = performance.now() + GROUP_END_MS;
  while (performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, GROUP_POLL_MS));
    if (!signalGroup(pid, 0)) return;
  }
  signalGroup(pid, "SIGKILL");
}

/** Whether the group existed. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}

function spawnExecutor(): ChildProcess {
  const [command, args] = executorCommand();
  return spawn(command, args, { stdio: ["ignore", "pipe", "pipe", "pipe"], detached: true });
}

let found: [string, string[]] | undefined;

/** How an executor is started: so that it dies with its parent, where the system can do that. */
function executorCommand(): [string, string[]] {
  found ??= findCommand();
  return found;
}

function findCommand(): [string, string[]] {
  const command = [process.execPath, executorMain()];
  const setpriv = process.platform === "linux" ? findProgram("setpriv", undefined) : undefined;
  if (setpriv !== undefined) command.unshift(setpriv, "--pdeathsig", "KILL", "--");
  return [command[0]!, command.slice(1)];
}

/** The compiled entry. When this module runs from source, the one under `dist`. */
function executorMain(): string {
  const here = import.meta.url;
  const relative = here.endsWith(".ts") ? "../dist/worker/executor/main.js" : "executor/main.js";
  return fileURLToPath(new URL(relative, here));
}
