/**
 * An error that a program did not catch, as `grain run` shows it: what went wrong, where in the user's
 * code, and what led to it. Frames of this package and of Node.js are left out.
 */

import { join, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { GrainError } from "../../proto/errors.js";
import { packageRoot } from "../../proto/module/own-files.js";

const FRAME = /^ {4}at /m;
/** What loads a program's files is as little its own as we are. */
const LOADERS = /[\\/]node_modules[\\/](?:tsx|esbuild)[\\/]/;
const PACKAGES = /[\\/]node_modules[\\/]/;
const PARTS = ["bin", "chunk", "client", "head", "proto", "provider", "worker"];

let own: string[] | undefined;

/** How paths of our own files begin, as they are run and as source maps name them. */
function ownPlaces(): string[] {
  if (own === undefined) {
    const root = packageRoot();
    own = ["", "dist"].flatMap((built) =>
      PARTS.map((part) => join(root, built, part) + sep).flatMap((place) => [
        place,
        pathToFileURL(place).href,
      ]),
    );
  }
  return own;
}

function isUsers(frame: string): boolean {
  if (/\(?node:|<anonymous>\)?$/.test(frame) || LOADERS.test(frame)) return false;
  return !ownPlaces().some((place) => frame.includes(place));
}

/** Cycles of causes end here. */
const MAX_DEPTH = 10;

/**
 * The text for standard error, with its last newline.
 *
 * @param error whatever was thrown
 * @param allFrames those of this package and of Node.js, too
 * @example
 * process.stderr.write(showError(error));
 */
export function showError(error: unknown, allFrames = false): string {
  return `${show(error, 0, [], allFrames ? framesOf : usersFrames).join("\n")}\n`;
}

/** An error with its whole stack, and those of what led to it. */
export function stackOf(error: unknown): string {
  const stacks: string[] = [];
  for (
    let at = error;
    at !== undefined && stacks.length < MAX_DEPTH;
    at = (at as { cause?: unknown }).cause
  ) {
    if (!(at instanceof Error)) return [...stacks, inspect(at)].join("\nCaused by: ");
    stacks.push(at.stack ?? String(at));
  }
  return stacks.join("\nCaused by: ");
}

/** Whether a stack leads into the user's code. */
export function hasUserFrames(error: Error): boolean {
  return usersFrames(error).length > 0;
}

/** @param shown frames of the error that this one led to: they are not repeated */
function show(
  error: unknown,
  depth: number,
  shown: readonly string[],
  pick: (error: Error) => string[],
): string[] {
  if (!(error instanceof Error)) return [`Thrown: ${inspect(error)}`];
  const frames = pick(error);
  const lines = [...headOf(error), ...frames.filter((frame) => !shown.includes(frame)), ...fieldsOf(error)];
  if (depth === MAX_DEPTH) return lines;
  if (error instanceof AggregateError)
    for (const [index, each] of error.errors.entries())
      lines.push(
        ...labelled(`Error ${index + 1} of ${error.errors.length}`, show(each, depth + 1, frames, pick)),
      );
  if (error.cause !== undefined)
    lines.push(...labelled("Caused by", show(error.cause, depth + 1, frames, pick)));
  return lines;
}

function labelled(label: string, [first = "", ...rest]: string[]): string[] {
  return [`${label}: ${first}`, ...rest];
}

function headOf(error: Error): string[] {
  const head = error.message === "" ? error.name : `${error.name}: ${error.message}`;
  // A syntax error has its place in front of that.
  const before = (error.stack ?? "").split(head, 1)[0] ?? "";
  return before !== "" && before !== error.stack && !FRAME.test(before)
    ? `${before}${head}`.split("\n")
    : head.split("\n");
}

function framesOf(error: Error): string[] {
  const stack = error.stack ?? "";
  // The message may quote a stack, as of a process that died.
  const at = stack.indexOf(error.message);
  return (at < 0 ? stack : stack.slice(at + error.message.length))
    .split("\n")
    .filter((line) => FRAME.test(line));
}

/** Frames of the user's own code, and of packages that it led into. */
function usersFrames(error: Error): string[] {
  const frames = framesOf(error).filter(isUsers);
  // An error of ours that only other packages led to, such as the transport, says nothing of the program.
  const isOnlyPackages = error instanceof GrainError && frames.every((line) => PACKAGES.test(line));
  return isOnlyPackages ? [] : frames;
}

/** Fields that are shown otherwise. */
const SHOWN_FIELDS = new Set(["name", "message", "stack", "cause", "errors"]);

/** Ours say in their messages what their fields do. */
function fieldsOf(error: Error): string[] {
  if (error instanceof GrainError) return [];
  const fields = Object.entries(error).filter(([name]) => !SHOWN_FIELDS.has(name));
  return fields.length === 0 ? [] : [`  ${inspect(Object.fromEntries(fields))}`];
}
