/** Turns what the head says of a failed task into the documented errors. Pure. */

import {
  type GrainError,
  InfeasibleError,
  messageOf,
  SerializationError,
  TaskCancelledError,
  type TaskDetails,
  TaskError,
  type TaskErrorDetails,
  TaskTimeoutError,
  WorkerLostError,
} from "../../proto/errors.js";
import { type Failure, FailureKind } from "../../proto/grain.js";
import { reviveError } from "../../proto/values/error.js";

/** Lines of standard error that are repeated in a message, and how much of them. */
const TAIL_LINES = 10;
const TAIL_CHARS = 2_000;

/** Whose failure it is. */
export interface FailedCall {
  readonly functionName: string;
  /** "session.task". */
  readonly taskId: string;
  /** "file:line:column" of the call of `delayed`. */
  readonly place: string;
}

/**
 * The error of a failed task.
 *
 * @param failure what the head sent; its message is a clause that does not name the task
 * @param call whose it is
 * @returns an error whose message names function, task and worker, with the original as `cause`. Its
 *   stack is the task's: frames of this package, where the failure came home, would tell nobody anything
 */
export function toError(failure: Failure, call: FailedCall): GrainError {
  const cause = reviveCause(failure.error);
  const error = describe(failure, call, cause);
  Object.defineProperty(error, "stack", {
    value: `${error.name}: ${error.message}\n${framesOf(failure, call, cause)}`,
    writable: true,
    configurable: true,
  });
  return error;
}

function describe(failure: Failure, { functionName, taskId }: FailedCall, cause: unknown): GrainError {
  const worker = failure.worker === "" ? undefined : failure.worker;
  const attempt = failure.attempt === 0 ? undefined : failure.attempt;
  const task: TaskDetails = { functionName, taskId, worker, attempt, cause };
  const who = `${functionName} (task ${taskId})`;
  const where = `${worker === undefined ? "" : ` on worker ${worker}`}${attemptOf(failure)}`;
  const why = withDetail(failure.message || (cause === undefined ? "" : messageOf(cause)));
  const tail = tailText(failure);
  switch (failure.kind) {
    case FailureKind.THREW: {
      const thrown = withDetail(cause === undefined ? failure.message : messageOf(cause));
      return new TaskError(`${who} failed${where}${thrown}`, {
        ...task,
        stderrTail: failure.stderrTail || undefined,
        ...memoryOf(failure),
      });
    }
    case FailureKind.DIED:
      return new TaskError(`${who} failed${where}: ${exitText(failure)}${tail}`, {
        ...task,
        ...exitOf(failure),
        ...memoryOf(failure),
      });
    case FailureKind.TIMED_OUT:
      return new TaskTimeoutError(
        `${who} ${failure.message || "ran out of time"}${where} and was ended. Allow it more time, or give it less work.`,
        task,
      );
    case FailureKind.CANCELLED:
      return new TaskCancelledError(
        // "by somebody": the head says so when it was not this program.
        `${who} was cancelled${where}${failure.message.startsWith("by ") ? ` ${failure.message}` : why}`,
        task,
      );
    case FailureKind.LOAD_FAILED:
      return new TaskError(`${who} could not be started${where}${why}`, task);
    case FailureKind.WORKER_LOST:
      return new WorkerLostError(
        `${who} was given up${why || ": too many workers were lost under it"}`,
        task,
      );
    case FailureKind.INFEASIBLE:
      return new InfeasibleError(
        `${who} can never run${why}. Ask for less, or add a worker that has so much.`,
        task,
      );
    case FailureKind.VALUE_FAILED:
      return new SerializationError(`The result of ${who} cannot be sent${why}`, {
        cause,
        path: pathOf(cause),
      });
    case FailureKind.OUT_OF_MEMORY:
      return new TaskError(`${who} ran out of memory${where}${why}${tail}`, {
        ...task,
        ...exitOf(failure),
        ...memoryOf(failure),
        outOfMemory: true,
      });
    case FailureKind.NOT_TAKEN:
      return new TaskError(
        `${who} was not taken by the head${why}. Submit it again when that is over.`,
        task,
      );
    case FailureKind.HEAD_LOST:
      return new TaskError(`${who} was lost by the head${why}. Submit it again.`, task);
    case FailureKind.FAILURE_UNSPECIFIED:
      return new TaskError(`${who} failed${where}${why}`, task);
    default:
      return failure.kind satisfies never;
  }
}

/** Where in the user's code it happened: on the worker; where nothing was thrown there, the function that failed. */
function framesOf(failure: Failure, { functionName, taskId, place }: FailedCall, cause: unknown): string {
  const where = failure.worker === "" ? "" : `worker ${failure.worker}, `;
  const stack = cause instanceof Error ? (cause.stack ?? "") : "";
  const start = stack.search(/^ +at /m);
  const frames = start === -1 ? `    at ${functionName} (${place})` : stack.slice(start);
  return `    at ${where}task ${taskId}\n${frames}`;
}

function withDetail(text: string): string {
  return text === "" ? "" : `: ${text}`;
}

function attemptOf(failure: Failure): string {
  return failure.attempt > 1 ? ` (attempt ${failure.attempt})` : "";
}

function exitOf(failure: Failure): { exitCode?: number; signal?: string; stderrTail?: string } {
  return {
    ...(failure.signal === "" ? { exitCode: failure.exitCode } : { signal: failure.signal }),
    ...(failure.stderrTail === "" ? {} : { stderrTail: failure.stderrTail }),
  };
}

function memoryOf({ memoryBytes, peakBytes, askedBytes }: Failure): TaskErrorDetails {
  return { memoryBytes, peakBytes, askedBytes };
}

function exitText(failure: Failure): string {
  if (failure.message !== "") return failure.message;
  return failure.signal === ""
    ? `its process exited with code ${failure.exitCode}`
    : `its process was ended by ${failure.signal}`;
}

function tailText(failure: Failure): string {
  const lines = failure.stderrTail.trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
  if (lines === "") return "";
  const shown = lines.length > TAIL_CHARS ? `…${lines.slice(-TAIL_CHARS)}` : lines;
  return `\nLast lines of its stderr:\n${shown}`;
}

function reviveCause(error: Uint8Array): unknown {
  if (error.byteLength === 0) return undefined;
  try {
    return reviveError(error);
  } catch (problem) {
    return new SerializationError(`The error record cannot be read: ${messageOf(problem)}`);
  }
}

function pathOf(cause: unknown): string | undefined {
  return cause instanceof Error && "path" in cause && typeof cause.path === "string" ? cause.path : undefined;
}
