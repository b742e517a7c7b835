/**
 * Where a function was called: file, line, and whether its module was being loaded then.
 *
 * Workers load a module and look for its functions by name, so only those made while it
 * loads can be found there.
 */

import { findSourceMap } from "node:module";
import { fileURLToPath } from "node:url";

/** Where a call was made. */
export interface Place {
  /** Absolute path; undefined for code that is in no file (`node -e`, a REPL). */
  readonly file: string | undefined;
  /** "file:line:column", in the source where a source map is known. */
  readonly text: string;
  /** Whether some frame below is the top level of the same file. */
  readonly topLevel: boolean;
  /** The position in the module's top level that led to the call; undefined if not topLevel. */
  readonly origin: string | undefined;
}

/** Enough for any module that loads; deeper stacks cost time. */
const STACK_LIMIT = 200;

/** Not every engine has all that V8 has. */
type Frame = Omit<NodeJS.CallSite, Later> & {
  readonly [K in Later]?: () => ReturnType<NodeJS.CallSite[K]> | null;
};
type Later = "getEnclosingLineNumber" | "getEnclosingColumnNumber" | "isAsync";

/**
 * Finds out who called a function.
 *
 * @param callee the function; its own frame and those above are skipped
 * @param isInRun whether the call is made inside `run`: the module below `run` is not being loaded then
 */
export function placeOfCall(callee: (...args: never[]) => unknown, isInRun: boolean): Place {
  const frames = framesBelow(callee);
  const caller = frames[0];
  const name = caller?.getFileName() ?? undefined;
  const top = frames.find((frame) => frame.getFileName() === name && isTopLevel(frame));
  const isKnown = caller?.getEnclosingLineNumber !== undefined;
  const loading = isInRun ? frames.slice(0, indexOfRun(frames)) : frames;
  return {
    file: name === undefined ? undefined : toPath(name),
    text: caller === undefined ? "an unknown place" : textOf(caller),
    topLevel: isKnown ? top !== undefined && loading.includes(top) : !isInRun,
    origin: top === undefined ? undefined : positionOf(top),
  };
}

function framesBelow(callee: (...args: never[]) => unknown): Frame[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const holder: { stack?: unknown } = {};
  try {
    Error.stackTraceLimit = STACK_LIMIT;
    Error.prepareStackTrace = (_error, sites) => sites;
    Error.captureStackTrace(holder, callee);
    // Reading it is what makes the frames.
    return (Array.isArray(holder.stack) ? (holder.stack as Frame[]) : []).filter(
      (frame) => frame.isAsync?.() !== true,
    );
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/**
 * The top level of a module is a function that starts at line 1, column 1. A test runner
 * wraps modules into a function that starts before column 1, which V8 gives as no column.
 */
function isTopLevel(frame: Frame): boolean {
  if (frame.getEnclosingLineNumber?.() !== 1) return false;
  const column = frame.getEnclosingColumnNumber?.() ?? 0;
  return column <= 1;
}

/** Where `run` called its main function: what is below has been loaded as far as it goes. */
function indexOfRun(frames: readonly Frame[]): number {
  const index = frames.findIndex(
    (frame) =>
      /^node:.*async_(?:hooks|local_storage)/.test(frame.getFileName() ?? "") &&
      frame.getFunctionName()?.endsWith("run") === true,
  );
  return index < 0 ? frames.length : index;
}

function positionOf(frame: Frame): string {
  return `${frame.getLineNumber() ?? 0}:${frame.getColumnNumber() ?? 0}`;
}

function textOf(frame: Frame): string {
  const name = frame.getFileName();
  if (name === null || name === undefined) return "an unknown place";
  const line = frame.getLineNumber() ?? 1;
  const column = frame.getColumnNumber() ?? 1;
  const entry = findSourceMap(name)?.findEntry(line - 1, column - 1);
  const isMapped = entry !== undefined && "originalLine" in entry;
  return isMapped
    ? `${toPath(name) ?? name}:${entry.originalLine + 1}:${entry.originalColumn + 1}`
    : `${toPath(name) ?? name}:${line}:${column}`;
}

/**
 * Makes an absolute path of a module's name.
 *
 * @param name a path or file URL, perhaps with the `?query` that loaders add
 * @returns undefined when it is no file's
 */
export function toPath(name: string): string | undefined {
  if (name.startsWith("file:")) return fileURLToPath(name.replace(/[?#].*$/s, ""));
  const plain = name.replace(/\?.*$/s, "");
  return /^(?:\/|[A-Za-z]:[\\/])/.test(plain) ? plain : undefined;
}
