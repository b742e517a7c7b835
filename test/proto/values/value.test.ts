import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeArgs,
  decodeValue,
  encodeArgs,
  encodeValue,
  INLINE_LIMIT_BYTES,
  joinParts,
} from "../../../proto/values/value.js";
import { cyclic, plain, rich, view } from "./arbitrary.js";

function sent(value: unknown): unknown {
  return decodeValue(joinParts(encodeValue(value, "value")));
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** Tells -0, holes, classes, own fields and cycles apart. */
function expectAsStructuredClone(value: unknown): void {
  const ours = sent(value);
  const theirs = structuredClone(value);
  if (!isDeepStrictEqual(ours, theirs)) expect(ours).toStrictEqual(theirs);
  expect(isDeepStrictEqual(ours, theirs)).toBe(true);
}

describe("a value that is sent arrives as structured clone would give it", () => {
  it.each([
    ["plain data", plain, 2000],
    ["rich values", rich, 2000],
    ["cycles and shared references", cyclic, 500],
  ])("%s", (_, arbitrary, numRuns) => {
    fc.assert(fc.property(arbitrary, expectAsStructuredClone), { numRuns });
  });

  it.each([
    ["undefined", undefined],
    ["null", null],
    ["-0", -0],
    ["a list with -0", [1, -0]],
    ["undefined inside", { a: undefined, b: [undefined] }],
    ["a byte order mark", [`\ufeff${"x".repeat(100)}`]],
    ["a lone surrogate", { "\ud800": "\udfff" }],
    ["a long string", ["é".repeat(70_000), "x".repeat(100_000)]],
    ["many keys", Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i]))],
    ["a long list of numbers", Array.from({ length: 10_000 }, (_, i) => i / 3)],
    ["a long list of objects", Array.from({ length: 10_000 }, (_, i) => ({ id: i }))],
    ["a long list with a field", Object.assign(new Array(5000).fill(1), { extra: [1] })],
    ["what a regular expression matched", "abc".match(/(?<first>.)b/)],
    ["an own field named __proto__", JSON.parse('{"__proto__": {"a": 1}, "b": 2}')],
    ["an own field named constructor", { constructor: 1, toJSON: 2 }],
    ["an object with no prototype", Object.assign(Object.create(null), { a: 1 })],
    ["an empty object with a symbol", { [Symbol("hidden")]: 1 }],
    ["trailing holes", Object.assign([1], { length: 3 })],
    ["a hole and a field", Object.assign(new Array(1), { x: 1 })],
    ["a frozen list", Object.freeze([1, 2])],
    ["a bigint of 10,000 bits", 2n ** 10_000n - 1n],
    ["an empty buffer", [new ArrayBuffer(0), new Uint8Array(0)]],
  ])("%s", (_, value) => {
    expectAsStructuredClone(value);
  });

  it("an invalid date", () => {
    expect(sent([new Date(Number.NaN)])).toStrictEqual([new Date(Number.NaN)]);
  });

  it("calls accessors once", () => {
    let calls = 0;
    const value = {
      list: [1, 2],
      get computed() {
        calls++;
        return new Map([[calls, 1n]]);
      },
    };
    expect(sent(value)).toStrictEqual({ list: [1, 2], computed: new Map([[1, 1n]]) });
    expect(calls).toBe(1);
  });

  it("keeps an instance's fields when its class has no methods", () => {
    class Point {
      x = 1;
      y = { z: 2 };
    }
    expect(sent([new Point()])).toStrictEqual([{ x: 1, y: { z: 2 } }]);
  });

  it("sends errors with cause", () => {
    const arrived = sent([new RangeError("far", { cause: new Map([[1, 2]]) })]) as [RangeError];
    expect(arrived[0]).toBeInstanceOf(RangeError);
    expect(arrived[0]).toMatchObject({ message: "far", cause: new Map([[1, 2]]) });
  });

  it("leaves the bytes it decodes as they are", () => {
    for (const value of [[1, "a"], new Map([[1, 2]])]) {
      const bytes = joinParts(encodeValue(value, "value"));
      const copy = Uint8Array.from(bytes);
      const before = Object.keys(copy).length;
      decodeValue(copy);
      expect(copy).toEqual(Uint8Array.from(bytes));
      expect(Object.keys(copy).length).toBe(before);
    }
  });
});

describe("identity", () => {
  it("is kept of what is referred to twice", () => {
    fc.assert(
      fc.property(rich, (value) => {
        const box = { value };
        const [a, b, c] = sent([box, box, { value }]) as [typeof box, typeof box, typeof box];
        expect(a).toBe(b);
        expect(a).not.toBe(c);
        if (typeof value === "object" && value !== null) expect(a.value).toBe(c.value);
      }),
    );
  });

  it("is kept across more objects than a short list holds", () => {
    const objects = Array.from({ length: 100 }, (_, i) => ({ i }));
    const arrived = sent([...objects, ...objects]) as object[];
    for (let i = 0; i < 100; i++) expect(arrived[i]).toBe(arrived[100 + i]);
  });
});

describe("typed arrays", () => {
  it("arrive byte for byte, in memory of their own", () => {
    fc.assert(
      fc.property(fc.array(view, { minLength: 1, maxLength: 4 }), (views) => {
        const bytes = joinParts(encodeValue(views, "value"));
        const arrived = decodeValue(bytes) as ArrayBufferView[];
        arrived.forEach((view, i) => {
          expect(view.constructor).toBe(views[i]!.constructor);
          expect(bytesOf(view)).toEqual(bytesOf(views[i]!));
          expect(view.buffer).not.toBe(bytes.buffer);
          expect(view.buffer.byteLength).toBe(view.byteLength);
        });
      }),
      { numRuns: 500 },
    );
  });

  it("keep sharing one buffer, whatever their kinds and offsets", () => {
    const range = fc.tuple(
      fc.constantFrom(Uint8Array, Int16Array, Float32Array, Float64Array),
      fc.nat(5),
      fc.nat(4),
    );
    fc.assert(
      fc.property(fc.array(range, { minLength: 2, maxLength: 6 }), (ranges) => {
        const memory = Float64Array.from({ length: 10 }, (_, i) => Math.sqrt(i)).buffer;
        const views = ranges.map(
          ([kind, skip, length]) => new kind(memory, skip * kind.BYTES_PER_ELEMENT, length),
        );
        const arrived = sent(views) as Uint8Array[];
        arrived.forEach((view, i) => {
          expect(view.buffer).toBe(arrived[0]!.buffer);
          expect(bytesOf(view)).toEqual(bytesOf(views[i]!));
          expect(view.byteOffset - arrived[0]!.byteOffset).toBe(views[i]!.byteOffset - views[0]!.byteOffset);
        });
      }),
    );
  });

  it("share memory with an ArrayBuffer that is sent too, which arrives whole", () => {
    const buffer = Uint8Array.from({ length: 100 }, (_, i) => i).buffer;
    const [view, whole] = sent([new Uint8Array(buffer, 10, 5), buffer]) as [Uint8Array, ArrayBuffer];
    expect(view.buffer).toBe(whole);
    expect(view.byteOffset).toBe(10);
    expect(new Uint8Array(whole)).toEqual(new Uint8Array(buffer));
  });

  it("of a part of a large buffer send that part only", () => {
    const slab = new Uint8Array(1_000_000);
    expect(encodeValue(slab.subarray(500, 600), "value").byteLength).toBeLessThan(300);
    const [a, b] = sent([slab.subarray(500, 600), slab.subarray(550, 700)]) as [Uint8Array, Uint8Array];
    expect(a.buffer).toBe(b.buffer);
    expect(a.buffer.byteLength).toBeLessThan(300);
  });

  it("of 100 MiB are encoded without copying", () => {
    const large = new Float64Array((100 * 2 ** 20) / 8);
    large[12_345] = 1.5;
    const encoded = encodeArgs([{ large, name: "grid" }]);
    const part = encoded.parts.find((part) => part.buffer === large.buffer);
    expect(part?.byteLength).toBe(large.byteLength);
    expect(encoded.byteLength - large.byteLength).toBeLessThan(500);
    expect(encoded.parts.reduce((sum, part) => sum + part.byteLength, 0)).toBe(encoded.byteLength);
    const [arrived] = decodeArgs(joinParts(encoded)) as [{ large: Float64Array; name: string }];
    expect(arrived.large.length).toBe(large.length);
    expect(arrived.large[12_345]).toBe(1.5);
    expect(arrived.name).toBe("grid");
  });

  it("large ones, small ones and the rest come apart in order", () => {
    const arrays = [3, 10_000, 0, 20, 5000, 1].map((length, i) => new Uint8Array(length).fill(i));
    expect(sent(arrays)).toStrictEqual(arrays);
    expect(encodeValue(arrays, "value").parts.length).toBe(5);
  });

  it("a Buffer arrives as Uint8Array, as from structured clone", () => {
    const arrived = sent(Buffer.from("abc"));
    expect(Object.getPrototypeOf(arrived)).toBe(Uint8Array.prototype);
    expect(arrived).toEqual(Uint8Array.of(97, 98, 99));
  });
});

describe("arguments", () => {
  it("none are no bytes", () => {
    expect(encodeArgs([])).toMatchObject({ byteLength: 0, parts: [] });
    expect(decodeArgs(new Uint8Array(0))).toEqual([]);
    expect(joinParts(encodeArgs([])).byteLength).toBe(0);
  });

  it("undefined as the only one is an argument", () => {
    expect(decodeArgs(joinParts(encodeArgs([undefined])))).toEqual([undefined]);
  });

  it("arrive as they are", () => {
    fc.assert(
      fc.property(fc.array(rich, { maxLength: 4 }), (args) => {
        expect(isDeepStrictEqual(decodeArgs(joinParts(encodeArgs(args))), structuredClone(args))).toBe(true);
      }),
    );
  });

  it("of a usual call stay far below the limit of what travels inside batches", () => {
    expect(encodeArgs([17, { name: "h2" }]).byteLength).toBeLessThan(INLINE_LIMIT_BYTES / 1000);
  });

  it("small ones do not keep the memory of an earlier large one alive", () => {
    encodeArgs(["x".repeat(60_000), "y".repeat(60_000)]);
    expect(encodeArgs([17]).parts[0]!.buffer.byteLength).toBeLessThanOrEqual(8192);
  });
});

describe("undefined", () => {
  it("as a result is no bytes", () => {
    expect(encodeValue(undefined, "result").byteLength).toBe(0);
    expect(decodeValue(new Uint8Array(0))).toBeUndefined();
  });
});
