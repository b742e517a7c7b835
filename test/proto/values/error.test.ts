import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProgramError, SerializationError, TaskError } from "../../../proto/errors.js";
import { encodeError, reviveError } from "../../../proto/values/error.js";
import { rich } from "./arbitrary.js";

function sent(error: unknown): unknown {
  return reviveError(encodeError(error));
}

function sentError(error: Error): Error & Record<string, unknown> {
  const arrived = sent(error);
  expect(arrived).toBeInstanceOf(Error);
  return arrived as Error & Record<string, unknown>;
}

class ConvergenceError extends RangeError {
  override name = "ConvergenceError";
  readonly step: number;
  constructor(message: string, step: number) {
    super(message);
    this.step = step;
  }
  describe(): string {
    return `${this.step}`;
  }
}

describe("an error arrives", () => {
  it.each([Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError])(
    "as %o",
    (Type) => {
      const error = new Type("no disk");
      const arrived = sentError(error);
      expect(arrived.constructor).toBe(Type);
      expect(arrived).toMatchObject({ name: Type.name, message: "no disk", stack: error.stack });
      expect(Object.keys(arrived)).toEqual([]);
    },
  );

  it("of an own class as the nearest known one, with its name and fields", () => {
    const error = new ConvergenceError("did not converge", 12);
    const arrived = sentError(error);
    expect(arrived.constructor).toBe(RangeError);
    expect(arrived).toMatchObject({ name: "ConvergenceError", message: "did not converge", step: 12 });
    expect(arrived.stack).toBe(error.stack);
  });

  it("of this package as an instance of its class", () => {
    const error = new ProgramError("xtb ended with 1", {
      command: "xtb",
      exitCode: 1,
      stderr: "no such file",
    });
    const arrived = sentError(error);
    expect(arrived).toBeInstanceOf(ProgramError);
    expect({ ...arrived }).toEqual({ command: "xtb", exitCode: 1, stderr: "no such file" });
    expect(sentError(new TaskError("x", { cause: error })).cause).toBeInstanceOf(ProgramError);
  });

  it("of the system with its code", () => {
    const error = new Error("unset");
    try {
      readFileSync("/no/such/file");
    } catch (thrown) {
      Object.assign(error, { thrown });
    }
    expect(sentError(error).thrown).toMatchObject({ code: "ENOENT", syscall: "open", path: "/no/such/file" });
  });

  it("as DOMException", () => {
    const arrived = sentError(new DOMException("took too long", "TimeoutError"));
    expect(arrived).toBeInstanceOf(DOMException);
    expect(arrived).toMatchObject({
      name: "TimeoutError",
      message: "took too long",
      code: DOMException.TIMEOUT_ERR,
    });
  });

  it("with causes of causes, errors or not", () => {
    const error = new Error("a", { cause: new TypeError("b", { cause: { reason: 5 } }) });
    const arrived = sentError(error);
    expect(arrived.cause).toBeInstanceOf(TypeError);
    expect((arrived.cause as Error).cause).toEqual({ reason: 5 });
    expect(Object.hasOwn(sentError(new Error("a", { cause: undefined })), "cause")).toBe(true);
    expect(Object.hasOwn(sentError(new Error("a")), "cause")).toBe(false);
  });

  it("with the errors of an AggregateError", () => {
    const shared = new RangeError("r");
    const arrived = sentError(
      new AggregateError([shared, "text", shared], "several"),
    ) as unknown as AggregateError;
    expect(arrived).toBeInstanceOf(AggregateError);
    expect(arrived.message).toBe("several");
    expect(arrived.errors[0]).toBeInstanceOf(RangeError);
    expect(arrived.errors[1]).toBe("text");
    expect(arrived.errors[2]).toBe(arrived.errors[0]);
  });

  it("with rich fields", () => {
    fc.assert(
      fc.property(rich, (value) => {
        const arrived = sentError(Object.assign(new Error("x"), { value }));
        expect(isDeepStrictEqual(arrived.value, structuredClone(value))).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it("with what cannot be sent as text", () => {
    const arrived = sentError(
      Object.assign(new Error("x"), { retry() {}, socket: { on() {}, port: 80 }, code: 7 }),
    );
    expect(arrived.retry).toBe("[Function: retry]");
    expect(arrived.socket).toMatch(/port: 80/);
    expect(arrived.code).toBe(7);
  });

  it("with fields named like parts of every object", () => {
    const error = Object.assign(new Error("x"), { constructor: 1, toString: "t" });
    Object.defineProperty(error, "__proto__", { value: "p", enumerable: true });
    const arrived = sentError(error);
    expect(arrived).toBeInstanceOf(Error);
    expect({ ...Object.getOwnPropertyDescriptors(arrived) }).toMatchObject({
      constructor: { value: 1 },
      toString: { value: "t" },
    });
    expect(Object.getOwnPropertyDescriptor(arrived, "__proto__")?.value).toBe("p");
  });
});

describe("an error that refers to itself", () => {
  it("by its cause arrives so", () => {
    const error = new Error("a");
    error.cause = new Error("b", { cause: error });
    const arrived = sentError(error);
    expect((arrived.cause as Error).message).toBe("b");
    expect((arrived.cause as Error).cause).toBe(arrived);
  });

  it("by its errors and fields arrives so", () => {
    const error = new AggregateError([], "a");
    error.errors.push(error);
    Object.assign(error, { self: error });
    const arrived = sentError(error) as unknown as AggregateError & { self: unknown };
    expect(arrived.errors[0]).toBe(arrived);
    expect(arrived.self).toBe(arrived);
  });

  it("through 100,000 causes is cut", () => {
    let error = new Error("0");
    for (let i = 1; i < 100_000; i++) error = new Error(`${i}`, { cause: error });
    let depth = 0;
    for (let at: unknown = sentError(error); at instanceof Error; at = at.cause) depth++;
    expect(depth).toBe(51);
  });
});

describe("anything else that is thrown", () => {
  it.each([undefined, null, "text", 0, -0, 5n, true, { code: 5 }, [new Map([[1, 2]])]])(
    "%o arrives as it is",
    (thrown) => {
      expect(sent(thrown)).toStrictEqual(thrown);
    },
  );

  it.each<[string, unknown, unknown]>([
    ["a function", function retry() {}, "[Function: retry]"],
    ["a symbol", Symbol("s"), "Symbol(s)"],
    ["an object with functions", { stop() {} }, "{ stop: [Function: stop] }"],
  ])("%s arrives as text", (_, thrown, text) => {
    expect(sent(thrown)).toBe(text);
  });

  it("no bytes are undefined", () => {
    expect(reviveError(new Uint8Array(0))).toBeUndefined();
  });
});

describe("encoding never throws", () => {
  function hostile(): Error {
    const error = new Error("x");
    for (const key of ["stack", "message", "name", "cause", "field"]) {
      Object.defineProperty(error, key, {
        enumerable: true,
        get() {
          throw new Error("not today");
        },
      });
    }
    return error;
  }
  const refuse = () => {
    throw new Error("trap");
  };
  const trap = {
    get: refuse,
    getPrototypeOf: refuse,
    ownKeys: refuse,
    getOwnPropertyDescriptor: refuse,
    has: refuse,
  };

  it.each<[string, () => unknown]>([
    ["accessors that throw", hostile],
    ["a Proxy that throws", () => new Proxy({}, trap)],
    ["a Proxy of an error that throws", () => new Proxy(new Error("x"), trap)],
    ["a cause that throws", () => new Error("x", { cause: new Proxy(hostile(), trap) })],
    [
      "a message that is no text",
      () => Object.assign(new Error("x"), { message: { a: 1 }, name: 5, stack: null }),
    ],
    [
      "a revoked Proxy",
      () => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return proxy;
      },
    ],
  ])("%s", (_, make) => {
    expect(() => sent(make())).not.toThrow();
  });

  it("on large fields, which are shortened", () => {
    const error = Object.assign(new Error("m".repeat(3_000_000)), {
      body: "x".repeat(5_000_000),
      data: new Uint8Array(9_000_000),
    });
    const bytes = encodeError(error);
    expect(bytes.byteLength).toBeLessThan(4_000_000);
    expect((reviveError(bytes) as Error & { body: string }).body).toMatch(/^'xxx/);
  });

  it("on more errors than is reasonable", () => {
    const errors = Array.from({ length: 20 }, () => new Error("e".repeat(1_000_000)));
    const bytes = encodeError(new AggregateError(errors, "several"));
    expect(bytes.byteLength).toBeLessThan(1_000_000);
    expect(reviveError(bytes)).toMatchObject({ message: "several" });
  });
});

describe("malformed bytes", () => {
  it("give a SerializationError, whatever they are", () => {
    const sample = encodeError(new TypeError("x", { cause: new Map([[1, 2]]) }));
    for (let length = 1; length < sample.length; length++) {
      expect(reviveError(sample.subarray(0, length))).toBeInstanceOf(SerializationError);
    }
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), (bytes) => {
        expect(() => reviveError(bytes)).not.toThrow();
      }),
    );
  });
});
