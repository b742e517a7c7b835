import { describe, expect, it } from "vitest";
import { hasUserFrames, showError } from "../../../client/cli/show-error.js";
import { ProgramError, TaskError } from "../../../proto/errors.js";

/** An error with these frames. */
function withFrames<E extends Error>(error: E, ...frames: string[]): E {
  error.stack = `${error.name}: ${error.message}\n${frames.map((frame) => `    at ${frame}`).join("\n")}`;
  return error;
}

const OURS = [
  `Scope.spawn (${import.meta.url.replace(/test\/client\/cli.*/, "client/scope.ts")}:5:1)`,
  `run (${process.cwd()}/dist/chunk/chunk-AB12.js:5:1)`,
  "async load (/app/node_modules/tsx/dist/loader.mjs:1:1)",
  "node:internal/process/task_queues:95:5",
  "process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
  "new Promise (<anonymous>)",
];

describe("an error that nobody caught", () => {
  it("is its name and message, then the user's own frames", () => {
    const error = withFrames(new TypeError("no such atom"), "parse (/app/xyz.ts:3:1)", ...OURS);
    expect(showError(error)).toBe("TypeError: no such atom\n    at parse (/app/xyz.ts:3:1)\n");
  });

  it("is followed by what led to it, each with frames that were not shown yet", () => {
    const solve = "solve (/app/main.ts:9:3)";
    const cause = withFrames(new RangeError("too small"), "check (/app/main.ts:2:1)", solve, ...OURS);
    const error = withFrames(new TaskError("solve (task 1.1) failed", { cause, attempt: 1 }), solve, ...OURS);
    expect(showError(error)).toBe(
      [
        "TaskError: solve (task 1.1) failed",
        "    at solve (/app/main.ts:9:3)",
        "Caused by: RangeError: too small",
        "    at check (/app/main.ts:2:1)",
        "",
      ].join("\n"),
    );
  });

  it("lists the errors it is made of", () => {
    const errors = [withFrames(new Error("a"), "a (/a.ts:1:1)"), "b"];
    expect(showError(withFrames(new AggregateError(errors, "two"), ...OURS))).toBe(
      "AggregateError: two\nError 1 of 2: Error: a\n    at a (/a.ts:1:1)\nError 2 of 2: Thrown: 'b'\n",
    );
  });

  it("has its own fields shown, unless it is one of ours, whose message says it all", () => {
    const system = withFrames(Object.assign(new Error("ENOENT: no file"), { code: "ENOENT" }));
    expect(showError(system)).toBe("Error: ENOENT: no file\n  { code: 'ENOENT' }\n");
    const ours = withFrames(new ProgramError("The program false failed.", { stdout: "x".repeat(1000) }));
    expect(showError(ours)).toBe("ProgramError: The program false failed.\n");
  });

  it("of ours has no frames when all are of other packages", () => {
    const frames = ["Object.onReceiveStatus (/app/node_modules/@grpc/grpc-js/build/src/client.js:193:36)"];
    expect(showError(withFrames(new TaskError("refused"), ...frames, ...OURS))).toBe("TaskError: refused\n");
    expect(showError(withFrames(new Error("refused"), ...frames, ...OURS))).toContain("onReceiveStatus");
  });

  it("may quote a stack in its message", () => {
    const message = "died\nLast lines of its stderr:\n    at native (node:internal/x:1:1)";
    const error = withFrames(new TaskError(message), "main (/app/main.ts:1:1)", ...OURS);
    expect(showError(error)).toBe(`TaskError: ${message}\n    at main (/app/main.ts:1:1)\n`);
  });

  it("may be anything, and its own cause", () => {
    expect(showError({ a: 1 })).toBe("Thrown: { a: 1 }\n");
    expect(showError(undefined)).toBe("Thrown: undefined\n");
    const error = withFrames(new Error("round"));
    error.cause = error;
    expect(showError(error).split("\n").length).toBeLessThan(20);
  });

  it("tells whether it leads into the user's code", () => {
    expect(hasUserFrames(withFrames(new Error("x"), ...OURS))).toBe(false);
    expect(hasUserFrames(withFrames(new Error("x"), ...OURS, "f (/app/a.ts:1:1)"))).toBe(true);
  });
});
