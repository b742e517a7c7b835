/** What a worker's failure means to the scheduler. */

import { type Failure, FailureKind } from "../../proto/grain.js";
import { OUT_OF_MEMORY } from "../../proto/retries.js";
import type { FailureCause } from "../core/event.js";

/** What a function's `retries.on` may name the failure by. */
export function labelsOf({ kind, errorName, exitCode, signal }: Failure): string[] {
  if (kind === FailureKind.OUT_OF_MEMORY) return [OUT_OF_MEMORY];
  if (kind === FailureKind.DIED) return signal === "" ? ["exit", `exit ${exitCode}`] : ["signal", signal];
  return errorName === undefined ? [] : [errorName];
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
