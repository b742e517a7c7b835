/** What a worker's failure means to the scheduler. */

import { type Failure, FailureKind, type Finished } from "../../proto/grain.js";
import { OUT_OF_MEMORY } from "../../proto/retries.js";
import type { FailureCause } from "../core/event.js";
import { ownFailure } from "./carry-out.js";

/** What a function's `retries.on` may name the failure by. */
export function labelsOf({ kind, errorName, exitCode, signal }: Failure): string[] {
  if (kind === FailureKind.OUT_OF_MEMORY) return [OUT_OF_MEMORY];
  if (kind === FailureKind.DIED) return signal === "" ? ["exit", `exit ${exitCode}`] : ["signal", signal];
  return errorName === undefined ? [] : [errorName];
}

/** A task has ended, and there is no room for its large result. */
export function notKept({ session, tasks, attempts, runUs }: Finished, index: number, why: string): Failure {
  return {
    ...ownFailure(tasks[index]!, FailureKind.VALUE_FAILED),
    session,
    attempt: attempts[index] ?? 1,
    message: `the head has no room for its result, neither in memory nor on disk (${why})`,
    runMs: runUs[index]! / 1000,
  };
}

/** What the core decides by: only a function that threw or a process that ended is worth another try. */
export function causeOf(kind: FailureKind): FailureCause {
  switch (kind) {
    case FailureKind.THREW:
    case FailureKind.DIED:
    case FailureKind.OUT_OF_MEMORY:
      return "function";
    case FailureKind.CANCELLED:
      return "cancelled";
    default:
      return "final";
  }
}
