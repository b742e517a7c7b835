/** Stacks of thrown errors as the user's code left them: without the frames of the executor that called it. */

import { join, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { packageRoot } from "../../proto/module/own-files.js";

/** How our own files are named in stacks: as URL and as path, where they are run and as source maps have it. */
const OWN_PLACES = ["dist", "worker/executor"]
  .map((place) => join(packageRoot(), place) + sep)
  .flatMap((place) => [place, pathToFileURL(place).href]);
const FRAME = /^ +at /;

/**
 * Cuts our frames off the end of an error's stack, and of what led to it. Frames in
 * the middle stay: the user's code may have been called by a library's callback.
 *
 * @param error whatever was thrown; changed in place where that can be done
 */
export function trimStacks(error: unknown): void {
  trim(error, new Set());
}

function trim(error: unknown, seen: Set<unknown>): void {
  if (seen.has(error)) return;
  seen.add(error);
  // What users throw may refuse anything: then it is sent as it is.
  attempt(() => {
    if (!(error instanceof Error)) return;
    attempt(() => {
      if (typeof error.stack === "string") error.stack = trimStack(error.stack);
    });
    attempt(() => trim(error.cause, seen));
    if (error instanceof AggregateError) for (const each of error.errors) trim(each, seen);
  });
}

function attempt(change: () => void): void {
  try {
    change();
  } catch {
    // Left alone.
  }
}

/** Cuts frames of the executor, and of Node.js between them and the user's, off the end of a stack. */
export function trimStack(stack: string): string {
  const lines = stack.split("\n");
  let end = lines.length;
  while (end > 0 && isOurs(lines[end - 1]!)) end -= 1;
  // Of an error that is not the user's at all, everything is of interest.
  return end > 0 && FRAME.test(lines[end - 1]!) ? lines.slice(0, end).join("\n") : stack;
}

function isOurs(line: string): boolean {
  if (!FRAME.test(line)) return false;
  return /\(?node:/.test(line) || OWN_PLACES.some((place) => line.includes(place));
}
