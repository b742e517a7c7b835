import { Readable } from "node:stream";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SerializationError } from "../../../proto/errors.js";
import { decodeArgs, decodeValue, encodeArgs, encodeValue, joinParts } from "../../../proto/values/value.js";
import { rich } from "./arbitrary.js";

class Molecule {
  atoms = 2;
  mass(): number {
    return this.atoms;
  }
}

class Computed {
  get sum(): number {
    return 1;
  }
}

class Stack extends Array<number> {
  top(): number | undefined {
    return this.at(-1);
  }
}

class Registry extends Map<string, number> {
  register(): void {}
}

class Derived extends Molecule {}

function nested(levels: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = "bottom";
  for (let i = 0; i < levels; i++) value = wrap(value);
  return value;
}

function detached(): ArrayBuffer {
  const buffer = new ArrayBuffer(8);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

function causedByItself(): Error {
  const error = new Error("x");
  error.cause = { of: [error] };
  return error;
}

function thrownBy(run: () => unknown): SerializationError {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(SerializationError);
    return error as SerializationError;
  }
  throw new Error("nothing was thrown");
}

describe("what cannot be sent is refused, with its place and the way out", () => {
  it.each<[string, unknown[], string, RegExp]>([
    ["a function", [() => 1], "args[0]", /is a function.*top level/],
    ["a function in an object", [{ callback: () => 1 }], "args[0].callback", /a function \(callback\)/],
    ["deep inside", [1, { items: [0, 1, 2, Symbol("s")] }], "args[1].items[3]", /is a symbol.*pass a string/],
    ["a map's value", [new Map([["key", { run() {} }]])], 'args[0].get("key").run', /is a function/],
    ["a map's value by number", [new Map([[-0, Symbol.iterator]])], "args[0].get(0)", /is a symbol/],
    ["a map's value by bigint", [new Map([[5n, Symbol.iterator]])], "args[0].get(5n)", /is a symbol/],
    [
      "a map's value by object",
      [new Map([[{}, Symbol.iterator]])],
      "[...args[0].values()][0]",
      /is a symbol/,
    ],
    ["a map's key", [new Map([[new WeakMap(), 1]])], "[...args[0].keys()][0]", /a WeakMap/],
    ["a set's item", [new Set([1, Promise.resolve()])], "[...args[0]][1]", /is a promise.*await it/],
    ["a field with blanks", [{ "a b": { 1: () => 1 } }], 'args[0]["a b"]["1"]', /is a function/],
    ["a field of an array", [Object.assign([1], { f() {} })], "args[0].f", /is a function/],
    ["an error's cause", [new Error("x", { cause: { f() {} } })], "args[0].cause.f", /is a function/],
    ["an error that is its own cause", [causedByItself()], "args[0].cause.of[0]", /its own cause/],
    [
      "a field of a plain instance",
      [
        new (class Job {
          run = () => 1;
        })(),
      ],
      "args[0].run",
      /is a function/,
    ],
    ["an instance with methods", [[new Molecule()]], "args[0][0]", /class Molecule.*\(mass\) would be lost/],
    ["an instance with accessors", [new Computed()], "args[0]", /class Computed.*\(sum\)/],
    ["an instance with inherited methods", [new Derived()], "args[0]", /class Derived.*\(mass\)/],
    ["a subclass of Array with methods", [new Stack()], "args[0]", /class Stack.*\(top\)/],
    ["a subclass of Map with methods", [new Registry()], "args[0]", /class Registry.*\(register\)/],
    ["a URL", [new URL("http://a.b")], "args[0]", /class URL.*and \d+ more/],
    ["a DOMException", [new DOMException("x")], "args[0]", /is a DOMException/],
    ["an AbortSignal", [{ signal: new AbortController().signal }], "args[0].signal", /class AbortSignal/],
    ["a stream", [Readable.from([])], "args[0]", /is a stream \(Readable\).*read it first/],
    ["a web stream", [new ReadableStream()], "args[0]", /is a stream \(ReadableStream\)/],
    ["a WeakSet", [new WeakSet()], "args[0]", /a WeakSet/],
    ["a WeakRef", [new WeakRef({})], "args[0]", /a WeakRef/],
    ["a generator", [(function* () {})()], "args[0]", /is a Generator|is a .*Iterator/],
    ["an iterator", [[1].values()], "args[0]", /belongs to this process/],
    ["shared memory", [new SharedArrayBuffer(8)], "args[0]", /is shared memory.*pass a copy/],
    [
      "a view on shared memory",
      [{ a: new Uint8Array(new SharedArrayBuffer(8)) }],
      "args[0].a",
      /is shared memory/,
    ],
    ["a boxed symbol", [Object(Symbol.iterator)], "args[0]", /is a symbol/],
    ["a proxy", [{ a: new Proxy({}, {}) }], "args[0].a", /is a Proxy.*plain copy/],
    ["a detached buffer", [detached()], "args[0]", /detached/],
    [
      "an accessor that gives a function",
      [
        {
          get f() {
            return () => 1;
          },
        },
      ],
      "args",
      /accessors/,
    ],
    [
      "an accessor that throws",
      [
        {
          get f() {
            throw new Error("no disk");
          },
        },
      ],
      "args",
      /no disk/,
    ],
  ])("%s", (_, args, path, message) => {
    const error = thrownBy(() => encodeArgs(args));
    expect(error.path).toBe(path);
    expect(error.message).toMatch(message);
    expect(error.message.startsWith(`${path} `)).toBe(true);
  });

  it("results are named as told", () => {
    expect(thrownBy(() => encodeValue(() => 1, "result")).path).toBe("result");
    expect(thrownBy(() => encodeValue({ f() {} }, "result")).path).toBe("result.f");
  });

  it("wherever it is", () => {
    fc.assert(
      fc.property(fc.array(rich, { maxLength: 5 }), fc.nat(5), (values, at) => {
        const args = [...values.slice(0, at), { deep: [Symbol("bad")] }, ...values.slice(at)];
        expect(thrownBy(() => encodeArgs(args)).path).toBe(`args[${Math.min(at, values.length)}].deep[0]`);
      }),
    );
  });

  it("objects of another realm pass like our own", () => {
    const foreign: unknown = runInNewContext(
      "({ map: new Map([[1, new Date(5)]]), list: [{ a: 1 }], e: new TypeError('x') })",
    );
    expect(decodeValue(joinParts(encodeValue(foreign, "value")))).toMatchObject({
      map: new Map([[1, new Date(5)]]),
      list: [{ a: 1 }],
    });
  });
});

describe("depth", () => {
  const wraps: [string, (inner: unknown) => unknown][] = [
    ["lists", (inner) => [inner]],
    ["objects", (next) => ({ next })],
    ["maps", (inner) => new Map([[1, inner]])],
    ["map keys", (inner) => new Map([[inner, 1]])],
    ["sets", (inner) => new Set([inner])],
    ["causes", (cause) => new Error("x", { cause })],
  ];

  it.each(wraps)("900 levels of %s arrive", (_, wrap) => {
    const bytes = joinParts(encodeValue(nested(900, wrap), "value"));
    expect(decodeValue(bytes)).toBeDefined();
  });

  it.each(wraps)("100,000 levels of %s are refused", (_, wrap) => {
    const error = thrownBy(() => encodeArgs([nested(100_000, wrap)]));
    expect(error.message).toMatch(/nested more than 1000 levels deep/);
    expect(error.message.length).toBeLessThan(1000);
  });
});

describe("malformed bytes", () => {
  const samples = [
    encodeArgs([1, { a: "é".repeat(100), b: [1.5, undefined, null, true] }]),
    encodeArgs([
      new Map([[1n, new Set([new Date(0), /x/g])]]),
      Buffer.from("abc"),
      new Float64Array(9),
      new Error("x"),
    ]),
  ].map(joinParts);

  function expectValueOrRefusal(bytes: Uint8Array): void {
    try {
      decodeValue(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(SerializationError);
      expect((error as Error).message).toMatch(/^A received value of \d+ bytes cannot be read/);
    }
  }

  it("cut short at any place are refused", () => {
    for (const bytes of samples) {
      for (let length = 1; length < bytes.length; length++) {
        expect(() => decodeValue(bytes.subarray(0, length))).toThrow(SerializationError);
      }
    }
  });

  it("with anything left over are refused", () => {
    for (const bytes of samples) {
      expect(() => decodeValue(Uint8Array.from([...bytes, 0]))).toThrow(SerializationError);
    }
  });

  it("of an unknown format are refused", () => {
    expect(() => decodeValue(Uint8Array.of(9, 1, 2))).toThrow(/format 9 is not known/);
  });

  it("that are no list are no arguments", () => {
    expect(() => decodeArgs(joinParts(encodeValue({ length: 1 }, "value")))).toThrow(/no list of arguments/);
  });

  it("that announce gigabytes are refused before any are allocated", () => {
    const list = Uint8Array.of(1, 0xdd, 0x01, 0xff, 0xff, 0xff, 1);
    const buffers = new Uint8Array(64);
    buffers.set([2, 0xff, 0xff, 0xff, 0xff]);
    for (const bytes of [list, buffers]) expect(() => decodeValue(bytes)).toThrow(SerializationError);
  });

  it("at random, or with random changes, give a value or a refusal", () => {
    const noise = fc
      .tuple(fc.constantFrom(1, 2), fc.uint8Array({ maxLength: 100 }))
      .map(([format, rest]) => Uint8Array.of(format, ...rest));
    const changed = fc
      .tuple(
        fc.constantFrom(...samples),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      )
      .map(([sample, changes]) => {
        const bytes = Uint8Array.from(sample);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        return bytes;
      });
    fc.assert(fc.property(fc.oneof(noise, changed), expectValueOrRefusal), { numRuns: 3000 });
  });
});
