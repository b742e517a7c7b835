import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { trimStack, trimStacks } from "../../../worker/executor/user-stack.js";

const runner = new URL("../../../worker/executor/runner.ts", import.meta.url);
const USER = "Error: no\n    at inner (/home/me/main.ts:7:9)\n    at solve (/home/me/main.ts:12:3)";

describe("the stack of a thrown error", () => {
  it.each([
    ["as it is", USER, USER],
    [
      "of a function that was called directly",
      `${USER}\n    at AsyncLocalStorage.run (node:async_hooks:346:14)\n    at #call (${runner.href}:183:30)\n    at #load (${fileURLToPath(runner)}:162:28)`,
      USER,
    ],
    ["that awaited", `${USER}\n    at async #call (${runner.href}:183:30)`, USER],
    ["that ends in Node.js", `${USER}\n    at process.processTicksAndRejections (node:internal/x:1:1)`, USER],
    [
      "with Node.js in the middle",
      "Error: no\n    at f (/home/me/main.ts:1:1)\n    at node:events:5:1\n    at g (/home/me/main.ts:2:1)",
      "Error: no\n    at f (/home/me/main.ts:1:1)\n    at node:events:5:1\n    at g (/home/me/main.ts:2:1)",
    ],
    [
      "with nothing of the user's",
      `Error: no\n    at #call (${runner.href}:183:30)`,
      `Error: no\n    at #call (${runner.href}:183:30)`,
    ],
    ["without frames", "Error: no", "Error: no"],
  ])("%s", (_name, stack, expected) => {
    expect(trimStack(stack)).toBe(expected);
  });

  it("is cut in causes and in parts of an AggregateError too, cycles or not", () => {
    const ours = `\n    at #call (${runner.href}:183:30)`;
    const part = Object.assign(new Error("part"), { stack: USER + ours });
    const cause = Object.assign(new AggregateError([part]), { stack: USER + ours });
    const error = Object.assign(new Error("no", { cause }), { stack: USER + ours });
    cause.cause = error;
    trimStacks(error);
    for (const { stack } of [error, cause, part]) expect(stack).toBe(USER);
  });

  it("is left alone where it cannot be changed", () => {
    const { proxy, revoke } = Proxy.revocable(new Error("revoked"), {});
    revoke();
    const guarded = Object.defineProperty(new Error("guarded"), "cause", {
      get() {
        throw new Error("no cause");
      },
    });
    for (const thrown of [Object.freeze(new Error("frozen")), proxy, guarded, "text", undefined])
      expect(() => trimStacks(thrown)).not.toThrow();
  });
});
