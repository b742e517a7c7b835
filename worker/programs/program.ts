/**
 * One running program, as its task sees it: a promise of its result, its lines,
 * and a way to end it. How it is started is launcher.ts.
 */

import { statSync } from "node:fs";
import { constants } from "node:os";
import { resolve } from "node:path";
import { StringDecoder } from "node:string_decoder";
import { ProgramError } from "../../proto/errors.js";
import type { Program, ProgramOptions, ProgramResult } from "../../proto/task.js";
import { type Ending, onAbort } from "./abort.js";
import type { Command } from "./command.js";
import type { Changes } from "./environment.js";
import { findProgram, searchPath } from "./find.js";
import { killGroup } from "./group.js";
import type { Job } from "./lane.js";
import type { Launcher } from "./launcher.js";
import { ProcessId } from "./process-id.js";
import { showCommand } from "./template.js";

/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 5_000;
/** What of its standard error a message quotes. */
const TAIL_LINES = 10;
const TAIL_CHARS = 2_000;

/** What a program is started with. */
export interface Start {
  readonly words: readonly string[];
  readonly options: ProgramOptions;
  /** How its environment differs from the launcher's. */
  readonly env: Changes;
  readonly cores: readonly number[] | undefined;
  /** Fires when its task ends. */
  readonly signal: AbortSignal | Ending;
  readonly print: (text: Uint8Array, stderr: boolean) => void;
  readonly launcher: Launcher;
  /** Whose `stack` tells where it was called. */
  readonly caller: { readonly stack: string };
  /** Called when it has ended. */
  readonly forget: (program: RunningProgram) => void;
}

type State =
  | { readonly type: "waiting"; signal: NodeJS.Signals | undefined }
  | { readonly type: "running"; readonly group: number }
  | { readonly type: "ended" };

/** By number, the first where there are two: SIGABRT, not SIGIOT. */
const signalNames = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name] as const),
);

function tail(text: string): string {
  const lines = text.trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
  return lines.length > TAIL_CHARS ? `…${lines.slice(-TAIL_CHARS)}` : lines;
}

/** The promise that a task holds. */
class ProgramPromise extends Promise<ProgramResult> implements Program {
  readonly #running: RunningProgram;

  constructor(running: RunningProgram, settle: ConstructorParameters<typeof Promise<ProgramResult>>[0]) {
    super(settle);
    this.#running = running;
  }

  get pid(): Promise<number> {
    return this.#running.processId.promise;
  }

  kill(signal?: NodeJS.Signals): void {
    this.#running.kill(signal);
  }

  [Symbol.asyncIterator](): AsyncIterator<string> {
    return this.#running.lines();
  }
}
// For `await` and `then` it is a plain one: they make others of it by its constructor, and no detour when that is Promise.
Object.defineProperty(ProgramPromise.prototype, "constructor", { value: Promise });

/** A program that was started, or waits for a lane. */
export class RunningProgram implements Job {
  readonly command: Omit<Command, "inputFile">;
  readonly processId = new ProcessId();
  readonly #start: Start;
  readonly #shown: string;
  readonly #startedAt = performance.now();
  readonly #stdout: Uint8Array[] = [];
  readonly #stderr: Uint8Array[] = [];
  /** Undone when it has ended: timers, listeners. */
  readonly #undo: (() => void)[] = [];
  #state: State = { type: "waiting", signal: undefined };
  #isLaunched = false;
  /** Why we ended it, for the message. */
  #reason: { readonly text: string; readonly cause?: unknown } | undefined;
  #wake: (() => void)[] = [];
  #settle!: { resolve: (result: ProgramResult) => void; reject: (error: ProgramError) => void };
  readonly result: Program;

  constructor(start: Start) {
    this.#start = start;
    this.#shown = showCommand(start.words);
    const { cwd } = start.options;
    this.command = {
      words: start.words,
      cwd: cwd === undefined ? process.cwd() : resolve(cwd),
      env: start.env,
    };
    this.result = new ProgramPromise(this, (resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#launch();
  }

  get input(): string | Uint8Array | undefined {
    return this.#start.options.input;
  }

  get cores(): readonly number[] | undefined {
    return this.#start.cores;
  }

  #launch(): void {
    const { signal, options, launcher } = this.#start;
    this.#endOn(signal, "its task is to end");
    if (options.signal !== undefined) this.#endOn(options.signal, "its signal fired");
    if (this.#state.type === "ended") return;
    if (options.timeoutMs !== undefined) {
      const text = `it ran longer than ${options.timeoutMs} ms (timeoutMs)`;
      const timer = setTimeout(() => this.terminate({ text }), options.timeoutMs);
      this.#undo.push(() => clearTimeout(timer));
    }
    this.#isLaunched = true;
    launcher.run(this);
  }

  #endOn(signal: AbortSignal | Ending, text: string): void {
    const end = () => this.terminate({ text, cause: signal.reason });
    if (signal.aborted) {
      end();
      return;
    }
    this.#undo.push(onAbort(signal, end));
  }

  get hasEnded(): boolean {
    return this.#state.type === "ended";
  }

  /** SIGTERM now, SIGKILL if that does not end it. One that has not been started never is. */
  terminate(reason: { readonly text: string; readonly cause?: unknown }): void {
    if (this.#state.type === "ended") return;
    this.#reason ??= reason;
    if (!this.#isLaunched || this.#start.launcher.withdraw(this)) {
      this.#close();
      this.#fail(`The program ${this.#shown} was not started, because ${reason.text}.`, {});
      return;
    }
    this.kill("SIGTERM");
    const timer = setTimeout(() => this.kill("SIGKILL"), GRACE_MS);
    this.#undo.push(() => clearTimeout(timer));
  }

  /** Sends a signal to its process group; one that is about to start gets it then. */
  kill(signal: NodeJS.Signals = "SIGTERM"): void {
    if (this.#state.type === "waiting") this.#state.signal = signal;
    else if (this.#state.type === "running") killGroup(this.#state.group, signal);
  }

  /** Its lines of standard output, from the first, as they come. Ends as the result does. */
  async *lines(): AsyncGenerator<string, void, void> {
    // Whoever reads lines hears of a failure here.
    this.result.catch(() => undefined);
    const decoder = new StringDecoder("utf8");
    let rest = "";
    for (let at = 0; ; ) {
      for (; at < this.#stdout.length; at++) {
        const lines = (rest + decoder.write(this.#stdout[at] as Buffer)).split("\n");
        rest = lines.pop() ?? "";
        yield* lines;
      }
      if (this.#state.type === "ended" && at === this.#stdout.length) break;
      if (at === this.#stdout.length) await new Promise<void>((wake) => this.#wake.push(wake));
    }
    rest += decoder.end();
    if (rest !== "") yield rest;
    await this.result;
  }

  started(group: number): void {
    const early = this.#state.type === "waiting" ? this.#state.signal : undefined;
    this.#state = { type: "running", group };
    if (early !== undefined) killGroup(group, early);
  }

  output(bytes: Uint8Array, stderr: boolean): void {
    (stderr ? this.#stderr : this.#stdout).push(bytes);
    if (this.#start.options.echo === true) this.#start.print(bytes, stderr);
    if (!stderr) this.#wakeReaders();
  }

  #wakeReaders(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const reader of wake) reader();
  }

  #close(): void {
    this.#state = { type: "ended" };
    for (const undo of this.#undo) undo();
    this.#wakeReaders();
    this.#start.forget(this);
  }

  ended(status: number, left: boolean, group: number): void {
    const early = this.#state.type === "waiting" ? this.#state.signal : undefined;
    this.#close();
    if (left && early !== undefined) killGroup(group, early);
    if (left) this.#endGroupWithTask(group);
    const signal = status > 128 ? signalNames.get(status - 128) : undefined;
    const exitCode = signal === undefined ? status : undefined;
    let output: { stdout: string; stderr: string };
    try {
      output = { stdout: this.#text(this.#stdout), stderr: this.#text(this.#stderr) };
    } catch (cause) {
      const message = `The program ${this.#shown} printed more than fits into a string. Let it write to a file.`;
      this.#fail(message, { exitCode, signal, cause });
      return;
    }
    const durationMs = performance.now() - this.#startedAt;
    if (status === 0 || (this.#start.options.reject === false && !this.#unstartable(status))) {
      this.#settle.resolve({ command: this.#shown, ...output, exitCode, signal, durationMs });
      return;
    }
    this.#fail(this.#explain(status, exitCode, signal, output.stderr), { exitCode, signal, ...output });
  }

  #text(chunks: readonly Uint8Array[]): string {
    const text = Buffer.concat(chunks).toString();
    return this.#start.options.stripFinalNewline === false ? text : text.replace(/\r?\n$/, "");
  }

  /** Processes it left behind end with the task, when the task is ended. Their lane runs nothing else. */
  #endGroupWithTask(group: number): void {
    const { signal } = this.#start;
    if (signal.aborted || this.#reason !== undefined) killGroup(group, "SIGKILL");
    else onAbort(signal, () => killGroup(group, "SIGKILL"));
  }

  /** Why a shell could not start it; undefined when it was started. */
  #unstartable(status: number): string | undefined {
    if (status !== 126 && status !== 127) return undefined;
    const program = this.#start.words[0] ?? "";
    const { env, launcher } = this.#start;
    const path = env.has("PATH") ? env.get("PATH") : launcher.env.get("PATH");
    if (!isDirectory(this.command.cwd)) return `there is no directory ${this.command.cwd} to start it in`;
    if (findProgram(program, { cwd: this.command.cwd, path }) !== undefined) return undefined;
    if (program.includes("/")) return `${resolve(this.command.cwd, program)} is not there, or not executable`;
    const places = searchPath(path).length;
    return `no program "${program}" is in ${places === 1 ? "the directory" : `any of the ${places} directories`} of PATH`;
  }

  #explain(status: number, exitCode: number | undefined, signal: string | undefined, stderr: string): string {
    const unstartable = this.#unstartable(status);
    if (unstartable !== undefined)
      return `The program ${this.#shown} was not started: ${unstartable}. Install it on the worker, or correct the name.`;
    const how = signal === undefined ? `ended with exit code ${exitCode}` : `was ended by ${signal}`;
    const why = this.#reason === undefined ? "" : `, because ${this.#reason.text}`;
    const said = tail(stderr);
    return `The program ${this.#shown} ${how}${why}.${said === "" ? " It wrote nothing to standard error." : ` The end of its standard error:\n${said}`}`;
  }

  lost(message: string): void {
    if (this.#state.type === "ended") return;
    this.#close();
    this.#fail(`The program ${this.#shown} was lost: ${message}.`, {});
  }

  #fail(message: string, details: ConstructorParameters<typeof ProgramError>[1]): void {
    const cause = this.#reason?.cause;
    const error = new ProgramError(message, {
      command: this.#shown,
      ...(cause === undefined ? {} : { cause }),
      ...details,
    });
    error.stack = `${error.name}: ${message}\n${this.#start.caller.stack.replace(/^Error.*\n/, "")}`;
    this.processId.look();
    this.processId.fail(error);
    this.#settle.reject(error);
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
