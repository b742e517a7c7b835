/**
 * `$` for functions that run in this process. The code that starts programs is
 * loaded, and its launcher started, only when the first program is.
 */

import type { Program, ProgramArgument, ProgramOptions, ProgramResult, RunProgram } from "../proto/task.js";

/** What of a local task its programs depend on. */
export interface ProgramOwner {
  readonly signal: AbortSignal;
  /** Takes what a program echoes. */
  print(text: Uint8Array, stderr: boolean): void;
}

type Embedded = typeof import("./embedded.js");

let embedded: Promise<Embedded> | undefined;

function loadEmbedded(): Promise<Embedded> {
  embedded ??= import("./embedded.js");
  return embedded;
}

/** A `$` whose code is loaded when it is first used. */
export function lazyPrograms(owner: ProgramOwner): RunProgram {
  let programs: Promise<RunProgram> | undefined;
  const load = async (): Promise<RunProgram> => {
    const { localPrograms } = await loadEmbedded();
    return localPrograms({
      env: process.env,
      signal: owner.signal,
      print: (text, stderr) => owner.print(text, stderr),
    });
  };
  return lazy(() => {
    programs ??= load();
    return programs;
  });
}

/** Ends the launcher, if local functions have started programs. */
export async function endLocalPrograms(): Promise<void> {
  if (embedded === undefined) return;
  const { disposePrograms } = await embedded;
  await disposePrograms();
}

function lazy(load: () => Promise<RunProgram>): RunProgram {
  function run(template: TemplateStringsArray, ...values: readonly ProgramArgument[]): Program;
  function run(options: ProgramOptions): RunProgram;
  function run(
    first: TemplateStringsArray | ProgramOptions,
    ...values: readonly ProgramArgument[]
  ): Program | RunProgram {
    if (Array.isArray(first)) {
      const template = first as readonly string[] as TemplateStringsArray;
      const caller = { stack: "" };
      Error.captureStackTrace(caller, run);
      const starting = load().then(($) => ({ program: $(template, ...values) }));
      return lazyProgram(starting, (error) => calledBy(error, caller.stack));
    }
    const options = first as ProgramOptions;
    return lazy(async () => (await load())(options));
  }
  return run;
}

/** In a box, because a promise of a promise is that promise. */
interface Started {
  readonly program: Program;
}

/** An error with the stack of the call that it is about: what started the program later says nothing to a user. */
function calledBy(error: unknown, stack: string): unknown {
  if (error instanceof Error)
    error.stack = `${error.name}: ${error.message}\n${stack.replace(/^Error.*\n/, "")}`;
  return error;
}

function lazyProgram(starting: Promise<Started>, explain: (error: unknown) => unknown): Program {
  const rethrow = (error: unknown): never => {
    throw explain(error);
  };
  const result: Promise<ProgramResult> = starting.then(({ program }) => program).catch(rethrow);
  const pid = starting.then(({ program }) => program.pid).catch(rethrow);
  // A program read line by line is awaited nowhere else: its error comes out of the loop.
  result.catch(() => {});
  pid.catch(() => {});
  return Object.assign(result, {
    pid,
    kill(signal?: NodeJS.Signals): void {
      starting.then(
        ({ program }) => program.kill(signal),
        () => {},
      );
    },
    async *[Symbol.asyncIterator](): AsyncGenerator<string> {
      try {
        const { program } = await starting;
        yield* program;
      } catch (error) {
        rethrow(error);
      }
    },
  });
}
