/** Turns what the head says of a failed task into the documented errors. Pure. */

import {
  type GrainError,
  InfeasibleError,
  messageOf,
  SerializationError,
  TaskCancelledError,
  type TaskDetails,
  TaskError,
  TaskTimeoutError,
  WorkerLostError,
} from "../../proto/errors.js";
import { type Failure, FailureKind } from "../../proto/grain.js";
import { reviveError } from "../../proto/values/error.js";

/** Lines of standard error that are repeated in a message. */
const TAIL_LINES = 10;

/**
 * The error of a failed task.
 *
 * @param failure what the head sent
 * @param functionName the task's function
 * @param taskId "session.task"
 * @returns an error whose message names function, task and worker, with the original as `cause`
 */
export function toError(failure: Failure, functionName: string, taskId: string): GrainError {
  const worker = failure.worker === "" ? undefined : failure.worker;
  const cause = reviveCause(failure.error);
  const task: TaskDetails = { functionName, taskId, worker, attempt: failure.attempt, cause };
  const who = `${functionName} (task ${taskId})`;
  const where = worker === undefined ? "" : ` on worker ${worker}`;
  const said = withDetail(failure.message || (cause === undefined ? "" : messageOf(cause)));
  switch (failure.kind) {
    case FailureKind.THREW:
      return new TaskError(
        `${who} failed${where}${attemptOf(failure)}${withDetail(cause === undefined ? failure.message : messageOf(cause))}`,
        { ...task, stderrTail: failure.stderrTail || undefined },
      );
    case FailureKind.DIED:
      return new TaskError(
        `${who} died${where}${attemptOf(failure)}: ${exitText(failure)}${tailText(failure)}`,
        {
          ...task,
          ...exitOf(failure),
        },
      );
    case FailureKind.TIMED_OUT:
      return new TaskTimeoutError(`${who} ran out of time${where}${said}`, task);
    case FailureKind.CANCELLED:
      return new TaskCancelledError(`${who} was cancelled${where}${said}`, task);
    case FailureKind.LOAD_FAILED:
      return new TaskError(`The module of ${who} could not be loaded${where}${said}`, task);
    case FailureKind.WORKER_LOST:
      return new WorkerLostError(
        `${who} was given up${said || ": too many workers were lost under it"}`,
        task,
      );
    case FailureKind.INFEASIBLE:
      return new InfeasibleError(`${who} fits no worker${said}`, task);
    case FailureKind.VALUE_FAILED:
      return new SerializationError(`The result of ${who} cannot be sent${said}`, {
        cause,
        path: pathOf(cause),
      });
    case FailureKind.OUT_OF_MEMORY:
      return new TaskError(`${who} ran out of memory${where}${said}${tailText(failure)}`, {
        ...task,
        ...exitOf(failure),
      });
    case FailureKind.FAILURE_UNSPECIFIED:
      return new TaskError(`${who} failed${where}${said}`, task);
    default:
      return failure.kind satisfies never;
  }
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

function exitText(failure: Failure): string {
  if (failure.message !== "") return failure.message;
  return failure.signal === ""
    ? `its process exited with code ${failure.exitCode}`
    : `its process was ended by ${failure.signal}`;
}

function tailText(failure: Failure): string {
  const lines = failure.stderrTail.trimEnd().split("\n").slice(-TAIL_LINES);
  return lines.length === 1 && lines[0] === "" ? "" : `\nLast lines of its stderr:\n${lines.join("\n")}`;
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
