/**
 * `$`: runs programs for tasks. One launcher per process, started with the first program.
 *
 * @example
 * const $ = createPrograms({ env: process.env, signal, print: (text) => process.stdout.write(text) });
 * const { stdout } = await $`uname -a`;
 */

import type { ProgramArgument, ProgramOptions, RunProgram } from "../../proto/task.js";
import type { Ending } from "./abort.js";
import { type Changes, taskChanges, withLayer } from "./environment.js";
import { Launcher } from "./launcher.js";
import { RunningProgram } from "./program.js";
import { words } from "./template.js";

/** What programs of one task have in common. */
export interface ProgramsOptions {
  /** Variables on top of this process's environment as it is at the first program; `undefined` removes one. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Fires when the task is to end: its programs get SIGTERM and, 5 s later, SIGKILL. */
  readonly signal: AbortSignal | Ending;
  /** Ids of the cores that programs are bound to, where `taskset` exists. Default: not bound. */
  readonly cores?: readonly number[] | undefined;
  /** Takes what programs with `echo` print. */
  readonly print: (text: Uint8Array, stderr: boolean) => void;
}

let launcher: Launcher | undefined;
const running = new Set<RunningProgram>();
const forget = (program: RunningProgram): void => void running.delete(program);

function merge(before: ProgramOptions, options: ProgramOptions): ProgramOptions {
  if (before.env === undefined || options.env === undefined) return { ...before, ...options };
  return { ...before, ...options, env: { ...before.env, ...options.env } };
}

/**
 * Makes a `$`.
 *
 * @example
 * const $ = createPrograms({ env: { OMP_NUM_THREADS: "4" }, signal, cores: [0, 1], print });
 */
export function createPrograms(task: ProgramsOptions): RunProgram {
  let known: { readonly base: ReadonlyMap<string, string>; readonly changes: Changes } | undefined;
  const withOptions = (options: ProgramOptions): RunProgram => {
    function $(template: TemplateStringsArray, ...values: readonly ProgramArgument[]): unknown;
    function $(options: ProgramOptions): unknown;
    function $(first: TemplateStringsArray | ProgramOptions, ...values: readonly ProgramArgument[]): unknown {
      if (!Array.isArray(first)) return withOptions(merge(options, first as ProgramOptions));
      const command = words(first as unknown as TemplateStringsArray, ...values);
      if (launcher === undefined || !launcher.usable) launcher = new Launcher();
      const base = launcher.env;
      if (known?.base !== base) known = { base, changes: taskChanges(base, task.env) };
      const env = withLayer(known.changes, base, options.env);
      const { signal, cores, print } = task;
      const caller = { stack: "" };
      Error.captureStackTrace(caller, $);
      const program = new RunningProgram({
        words: command,
        options,
        env,
        cores,
        signal,
        print,
        launcher,
        caller,
        forget,
      });
      if (!program.hasEnded) running.add(program);
      return program.result;
    }
    return $ as RunProgram;
  };
  return withOptions({});
}

/**
 * Ends all programs and the launcher: afterwards nothing of them is left, neither process nor file.
 * The next program starts a new launcher.
 *
 * @example
 * await disposePrograms();
 */
export async function disposePrograms(): Promise<void> {
  for (const program of running) program.terminate({ text: "this process is ending" });
  await Promise.allSettled([...running].map(({ result }) => result));
  const closing = launcher;
  launcher = undefined;
  await closing?.close();
}
