/** What a running task can learn and use: the shape of `currentTask()`. */

import type { WorkerTypes } from "./worker-types.js";

/** How a program is started by `$`. */
export interface ProgramOptions {
  /** Working directory. Default: the task's own. */
  readonly cwd?: string;
  /** Variables on top of the task's environment; `undefined` removes one. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Written to the program's standard input, which is closed after. Default: empty. */
  readonly input?: string | Uint8Array;
  /** Ends the program after so many milliseconds. Default: no limit of its own. */
  readonly timeoutMs?: number;
  /** Whether a non-zero exit rejects. Default: true. */
  readonly reject?: boolean;
  /** Whether one trailing newline is cut off `stdout` and `stderr`. Default: true. */
  readonly stripFinalNewline?: boolean;
  /** Whether its output also goes to the task's own output as it comes. Default: false. */
  readonly echo?: boolean;
  /** Ends the program when it fires, beside the task's own signal. */
  readonly signal?: AbortSignal;
}

/** What a program left. */
export interface ProgramResult {
  readonly command: string;
  readonly stdout: string;
  readonly stderr: string;
  /** 0 to 255; undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  /** e.g. "SIGKILL"; undefined when it exited. */
  readonly signal: string | undefined;
  readonly durationMs: number;
}

/** A running program: awaitable, and readable line by line as it prints. */
export interface Program extends Promise<ProgramResult>, AsyncIterable<string> {
  /** Resolves to the process id once started. */
  readonly pid: Promise<number>;
  /** Sends a signal to its process group. Default: "SIGTERM". */
  kill(signal?: NodeJS.Signals): void;
}

/** A value inside a `$` template: one argument; an array: one argument each. */
export type ProgramArgument = string | number | readonly (string | number)[];

/**
 * Runs programs without a shell: words are separated by blanks of the template,
 * an interpolated value is one argument whatever it contains, an array one argument an item.
 * `$({ cwd })` gives a `$` with options.
 */
export interface RunProgram {
  (template: TemplateStringsArray, ...values: readonly ProgramArgument[]): Program;
  (options: ProgramOptions): RunProgram;
}

/** What a task was granted. */
export interface GrantedResources {
  /** Ids of the granted cores; of a fraction, the one core it is a part of. */
  readonly cores: number[];
  /** In bytes; 0 when none was asked for. */
  readonly memory: number;
  /** Ids of the granted devices. */
  readonly gpus: number[];
  /** Labels that were asked for. */
  readonly tokens: string[];
  /** Slots; 0 when none was asked for. */
  readonly capacity: number;
  /** Limits in seconds, when a walltime was asked for. */
  readonly wtime:
    | { readonly hard: number; readonly soft: number; readonly group: string | undefined }
    | undefined;
  /** User-defined kinds, by name. */
  readonly others: Readonly<Record<string, number>>;
}

/** A worker that a task has something of. */
export interface TaskNode {
  /** Its name. */
  readonly worker: string;
  /** Of the machine that it runs on. */
  readonly host: string;
  /** How many cores of it the task has. */
  readonly cores: number;
}

/** What a running task can learn and use. */
export interface CurrentTask {
  /** "session.task", as everywhere. */
  readonly id: string;
  /** The function's name. */
  readonly name: string;
  /** 1 for the first execution. */
  readonly attempt: number;
  /** The worker's name; "local" in the client's own process. */
  readonly worker: string;
  readonly resources: GrantedResources;
  /** Of a task that asked for `nodes(n)` the workers that it has for itself, the one it runs on first; else this one. */
  readonly nodes: readonly TaskNode[];
  /**
   * Of a task that asked for `nodes(n)`: a file for `mpirun --hostfile`, with a line such as
   * `host slots=16` for each machine. It exists while the task runs.
   */
  readonly hostfile: string | undefined;
  /** Fires when the task is to end: cancelled, timed out, or its siblings failed. */
  readonly signal: AbortSignal;
  /**
   * What the worker's context module (`grain-worker --context`) has set up; undefined where there is none.
   * Its type is what the program says in `WorkerTypes`.
   */
  readonly context: WorkerTypes extends { context: infer Context } ? Context : unknown;
  /**
   * The client of the worker's own server (`grain-worker --service`); undefined where there is none.
   * Its type is what the program says in `WorkerTypes`.
   */
  readonly service: WorkerTypes extends { service: infer Service } ? Service : unknown;
  /** Runs programs with the task's environment, cancellation and core binding. */
  readonly $: RunProgram;
  /** Prints a line that arrives at the client as the task's output. */
  log(...values: unknown[]): void;
}
