import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import {
  AuthError,
  ConfigError,
  ConnectionError,
  GrainError,
  InfeasibleError,
  messageOf,
  ProgramError,
  ResourceError,
  SerializationError,
  TaskCancelledError,
  TaskError,
  TaskTimeoutError,
  WorkerLostError,
} from "../../proto/errors.js";

const cause = new Error("disk full");
const task = { functionName: "energy", taskId: "1.12", worker: "w1", attempt: 2 };

describe.each([
  ["GrainError", GrainError, {}],
  ["TaskError", TaskError, { ...task, exitCode: 3, signal: "SIGKILL", stderrTail: "oops" }],
  ["TaskTimeoutError", TaskTimeoutError, task],
  ["TaskCancelledError", TaskCancelledError, task],
  ["WorkerLostError", WorkerLostError, task],
  ["InfeasibleError", InfeasibleError, task],
  ["ConnectionError", ConnectionError, {}],
  ["AuthError", AuthError, {}],
  ["ConfigError", ConfigError, { file: "grain.toml", line: 7 }],
  ["ResourceError", ResourceError, {}],
  ["SerializationError", SerializationError, { path: "args[0].callback" }],
  ["ProgramError", ProgramError, { command: "xtb", exitCode: 1, signal: "SIGHUP", stdout: "a", stderr: "b" }],
] as const)("%s", (name, Type, details) => {
  it("is a GrainError with its name, message, cause and details", () => {
    const error = new Type("what happened", { ...details, cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toBeInstanceOf(GrainError);
    expect(error.name).toBe(name);
    expect(error.message).toBe("what happened");
    expect(error.cause).toBe(cause);
    expect({ ...error }).toEqual(details);
    expect(error.stack).toMatch(new RegExp(`^${name}: what happened\n`));
  });

  it("leaves no trace of what is not known", () => {
    const empty = Object.fromEntries(Object.keys(details).map((key) => [key, undefined]));
    const error = new Type("what happened", empty);
    expect(Object.keys(error)).toEqual([]);
    expect("cause" in error).toBe(false);
    expect(inspect(new Type("what happened"))).not.toContain("undefined");
  });
});

describe("messageOf", () => {
  it.each([
    [new Error("no disk"), "no disk"],
    [new TypeError(""), "TypeError"],
    ["a text", "a text"],
    ["", "(empty text)"],
    [undefined, "undefined"],
    [null, "null"],
    [17, "17"],
    [Symbol("s"), "Symbol(s)"],
    [{ message: "like an error" }, "like an error"],
    [{ code: 5 }, '{"code":5}'],
    [{ toJSON: () => undefined, toString: () => "itself" }, "itself"],
  ])("of %o", (error, message) => {
    expect(messageOf(error)).toBe(message);
  });

  it("of what throws when it is looked at", () => {
    const get = () => {
      throw new Error("no");
    };
    expect(messageOf(new Proxy({}, { get }))).toBe("(an error that cannot be printed)");
  });
});
