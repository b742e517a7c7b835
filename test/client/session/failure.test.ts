import { describe, expect, it } from "vitest";
import { toError } from "../../../client/session/failure.js";
import {
  GrainError,
  InfeasibleError,
  SerializationError,
  TaskCancelledError,
  TaskError,
  TaskTimeoutError,
  WorkerLostError,
} from "../../../proto/errors.js";
import { FailureKind } from "../../../proto/grain.js";
import { encodeError } from "../../../proto/values/error.js";
import { failureOf } from "../../kit/fake-head.js";

const thrown = encodeError(Object.assign(new RangeError("boom"), { code: 7 }));

describe("the error of a failed task", () => {
  it.each([
    [
      { kind: FailureKind.THREW, error: thrown },
      TaskError,
      "energy (task 3.12) failed on worker w1: boom",
      {},
    ],
    [
      { kind: FailureKind.THREW, error: thrown, attempt: 2 },
      TaskError,
      "energy (task 3.12) failed on worker w1 (attempt 2): boom",
      { attempt: 2 },
    ],
    [
      { kind: FailureKind.THREW, error: encodeError("text") },
      TaskError,
      "energy (task 3.12) failed on worker w1: text",
      { cause: "text" },
    ],
    [
      { kind: FailureKind.DIED, exitCode: 3, stderrTail: "a\nb\n" },
      TaskError,
      "energy (task 3.12) died on worker w1: its process exited with code 3\nLast lines of its stderr:\na\nb",
      { exitCode: 3, stderrTail: "a\nb\n" },
    ],
    [
      { kind: FailureKind.DIED, signal: "SIGSEGV" },
      TaskError,
      "energy (task 3.12) died on worker w1: its process was ended by SIGSEGV",
      { signal: "SIGSEGV" },
    ],
    [
      { kind: FailureKind.TIMED_OUT, message: "timeout of 5 s" },
      TaskTimeoutError,
      "energy (task 3.12) ran out of time on worker w1: timeout of 5 s",
      {},
    ],
    [{ kind: FailureKind.CANCELLED, worker: "" }, TaskCancelledError, "energy (task 3.12) was cancelled", {}],
    [
      { kind: FailureKind.LOAD_FAILED, error: thrown },
      TaskError,
      "The module of energy (task 3.12) could not be loaded on worker w1: boom",
      {},
    ],
    [
      { kind: FailureKind.WORKER_LOST, message: "5 workers were lost: w1, w2" },
      WorkerLostError,
      "energy (task 3.12) was given up: 5 workers were lost: w1, w2",
      {},
    ],
    [
      { kind: FailureKind.INFEASIBLE, worker: "", message: "64 cores; the largest worker has 8" },
      InfeasibleError,
      "energy (task 3.12) fits no worker: 64 cores; the largest worker has 8",
      {},
    ],
    [
      {
        kind: FailureKind.VALUE_FAILED,
        error: encodeError(new SerializationError("a function", { path: "result.f" })),
      },
      SerializationError,
      "The result of energy (task 3.12) cannot be sent: a function",
      { path: "result.f" },
    ],
    [
      { kind: FailureKind.OUT_OF_MEMORY, message: "peak 5G of 4G", signal: "SIGKILL" },
      TaskError,
      "energy (task 3.12) ran out of memory on worker w1: peak 5G of 4G",
      { signal: "SIGKILL" },
    ],
    [
      { kind: FailureKind.FAILURE_UNSPECIFIED, message: "?" },
      TaskError,
      "energy (task 3.12) failed on worker w1: ?",
      {},
    ],
  ] as const)("%j", (failure, type, message, fields) => {
    const error = toError(failureOf({ worker: "w1", ...failure }), "energy", "3.12");
    expect(error).toBeInstanceOf(type);
    expect(error).toBeInstanceOf(GrainError);
    expect(error.message).toBe(message);
    expect(error).toMatchObject(fields);
  });

  it("keeps what was thrown as the cause", () => {
    const error = toError(failureOf({ worker: "w1", kind: FailureKind.THREW, error: thrown }), "f", "1.1");
    expect(error.cause).toBeInstanceOf(RangeError);
    expect(error.cause).toMatchObject({ message: "boom", code: 7 });
  });

  it("survives an error record that cannot be read", () => {
    const error = toError(failureOf({ kind: FailureKind.THREW, error: Buffer.from([9, 9, 9]) }), "f", "1.1");
    expect(error.cause).toBeInstanceOf(SerializationError);
  });
});
