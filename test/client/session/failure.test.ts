import { inspect } from "node:util";
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

const ENERGY = { functionName: "energy", taskId: "3.12", place: "/home/me/main.ts:5:16" };

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
      "energy (task 3.12) failed on worker w1: its process exited with code 3\nLast lines of its stderr:\na\nb",
      { exitCode: 3, stderrTail: "a\nb\n" },
    ],
    [
      { kind: FailureKind.DIED, signal: "SIGSEGV" },
      TaskError,
      "energy (task 3.12) failed on worker w1: its process was ended by SIGSEGV",
      { signal: "SIGSEGV" },
    ],
    [
      { kind: FailureKind.TIMED_OUT, message: "ran longer than its timeout of 5 s" },
      TaskTimeoutError,
      "energy (task 3.12) ran longer than its timeout of 5 s on worker w1 and was ended. Allow it more time, or give it less work.",
      {},
    ],
    [{ kind: FailureKind.CANCELLED, worker: "" }, TaskCancelledError, "energy (task 3.12) was cancelled", {}],
    [
      { kind: FailureKind.TIMED_OUT },
      TaskTimeoutError,
      "energy (task 3.12) ran out of time on worker w1 and was ended. Allow it more time, or give it less work.",
      {},
    ],
    [
      { kind: FailureKind.LOAD_FAILED, error: thrown },
      TaskError,
      "energy (task 3.12) could not be started on worker w1: boom",
      {},
    ],
    [
      { kind: FailureKind.LOAD_FAILED, message: "its module could not be fetched: gone" },
      TaskError,
      "energy (task 3.12) could not be started on worker w1: its module could not be fetched: gone",
      {},
    ],
    [
      { kind: FailureKind.WORKER_LOST, message: "5 workers were lost: w1, w2" },
      WorkerLostError,
      "energy (task 3.12) was given up: 5 workers were lost: w1, w2",
      {},
    ],
    [
      { kind: FailureKind.INFEASIBLE, worker: "", attempt: 0, message: "no worker has 64 cores" },
      InfeasibleError,
      "energy (task 3.12) can never run: no worker has 64 cores. Ask for less, or add a worker that has so much.",
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
      {
        kind: FailureKind.OUT_OF_MEMORY,
        message: "used 5G of the 4G it asked for",
        signal: "SIGKILL",
        memoryBytes: 5e9,
        peakBytes: 6e9,
        askedBytes: 4e9,
      },
      TaskError,
      "energy (task 3.12) ran out of memory on worker w1: used 5G of the 4G it asked for",
      { signal: "SIGKILL", outOfMemory: true, memoryBytes: 5e9, peakBytes: 6e9, askedBytes: 4e9 },
    ],
    [
      { kind: FailureKind.DIED, exitCode: 2, stderrTail: `${"x".repeat(5_000)}the end\n`, memoryBytes: 1e6 },
      TaskError,
      `energy (task 3.12) failed on worker w1: its process exited with code 2\nLast lines of its stderr:\n…${"x".repeat(1_993)}the end`,
      { exitCode: 2, memoryBytes: 1e6 },
    ],
    [
      { kind: FailureKind.FAILURE_UNSPECIFIED, message: "?" },
      TaskError,
      "energy (task 3.12) failed on worker w1: ?",
      {},
    ],
  ] as const)("%j", (failure, type, message, fields) => {
    const error = toError(failureOf({ worker: "w1", ...failure }), ENERGY);
    expect(error).toBeInstanceOf(type);
    expect(error).toBeInstanceOf(GrainError);
    expect(error.message).toBe(message);
    expect(error).toMatchObject(fields);
  });

  it("keeps what was thrown as the cause", () => {
    const error = toError(failureOf({ worker: "w1", kind: FailureKind.THREW, error: thrown }), ENERGY);
    expect(error.cause).toBeInstanceOf(RangeError);
    expect(error.cause).toMatchObject({ message: "boom", code: 7 });
  });

  it("has no attempt where nothing was attempted", () => {
    const error = toError(failureOf({ kind: FailureKind.INFEASIBLE, attempt: 0 }), ENERGY);
    expect(error).not.toHaveProperty("attempt");
  });

  it("shows where in the user's code it happened, and nothing of this package", () => {
    const cause = new RangeError("boom");
    cause.stack =
      "RangeError: boom\n    at inner (/home/me/main.ts:7:9)\n    at energy (/home/me/main.ts:12:3)";
    const error = toError(
      failureOf({ kind: FailureKind.THREW, worker: "w1", error: encodeError(cause) }),
      ENERGY,
    );
    expect(error.stack).toBe(
      "TaskError: energy (task 3.12) failed on worker w1: boom\n" +
        "    at worker w1, task 3.12\n    at inner (/home/me/main.ts:7:9)\n    at energy (/home/me/main.ts:12:3)",
    );
    const printed = inspect(error);
    expect(printed).toContain("[cause]: RangeError: boom");
    expect(printed).not.toContain("failure.ts");
  });

  it.each([
    [{ kind: FailureKind.DIED, worker: "w1", signal: "SIGKILL" }, "    at worker w1, task 3.12\n"],
    [{ kind: FailureKind.THREW, worker: "w1", error: encodeError("text") }, "    at worker w1, task 3.12\n"],
    [{ kind: FailureKind.INFEASIBLE }, "    at task 3.12\n"],
  ])("shows the function where no error says more: %j", (failure, where) => {
    const error = toError(failureOf(failure), ENERGY);
    const message = `${error.name}: ${error.message}\n`;
    expect(error.stack).toBe(`${message}${where}    at energy (/home/me/main.ts:5:16)`);
  });

  it("survives an error record that cannot be read", () => {
    const error = toError(failureOf({ kind: FailureKind.THREW, error: Buffer.from([9, 9, 9]) }), ENERGY);
    expect(error.cause).toBeInstanceOf(SerializationError);
  });
});
