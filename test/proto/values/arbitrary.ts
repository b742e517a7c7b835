/** Arbitrary values for property tests: plain ones, and all that structured clone takes. */

import fc from "fast-check";

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 90 }),
  fc.string({ unit: "grapheme", maxLength: 300 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
    .map((units) => String.fromCharCode(...units)),
  fc.string({ maxLength: 200 }).map((rest) => `\ufeff${rest}`),
);

const key = fc.oneof(
  fc.string({ maxLength: 12 }),
  text,
  fc.constantFrom("constructor", "__proto__", "toJSON", "then", "length", "hasOwnProperty", "0", "-1"),
);

const number = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.maxSafeInteger(),
  fc.constantFrom(-0, NaN, Infinity, 2 ** 32, -(2 ** 31) - 1),
);

const primitive = fc.oneof(
  text,
  number,
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }),
);

const bytes = fc.uint8Array({ maxLength: 80 });

/** Views of all kinds, at all sorts of offsets of a larger buffer, or over all of it. */
export const view: fc.Arbitrary<ArrayBufferView> = fc
  .record({
    kind: fc.constantFrom(
      Uint8Array,
      Int8Array,
      Uint8ClampedArray,
      Int16Array,
      Uint16Array,
      Int32Array,
      Uint32Array,
      Float32Array,
      Float64Array,
      BigInt64Array,
      BigUint64Array,
      DataView,
    ),
    content: fc.uint8Array({ minLength: 64, maxLength: 64 }),
    skip: fc.integer({ min: 0, max: 3 }),
    length: fc.integer({ min: 0, max: 4 }),
    repeat: fc.constantFrom(1, 200),
  })
  .map(({ kind, content, skip, length, repeat }) => {
    const memory = new Uint8Array(64 * repeat);
    for (let i = 0; i < repeat; i++) memory.set(content, 64 * i);
    const elementBytes = "BYTES_PER_ELEMENT" in kind ? kind.BYTES_PER_ELEMENT : 1;
    const Kind: new (buffer: ArrayBuffer, byteOffset: number, length: number) => ArrayBufferView = kind;
    return new Kind(memory.buffer, skip * elementBytes, length * repeat);
  });

const leaf = fc.oneof(
  { weight: 6, arbitrary: primitive },
  { weight: 1, arbitrary: view },
  { weight: 1, arbitrary: bytes.map((content) => content.slice().buffer) },
  { weight: 1, arbitrary: bytes.map((content) => Buffer.from(content)) },
  { weight: 1, arbitrary: fc.date({ noInvalidDate: true }) },
  { weight: 1, arbitrary: fc.constantFrom(/a+b/giu, /(?<x>.)/s, /[/]\n/my) },
  { weight: 1, arbitrary: fc.oneof(fc.boolean(), number, text, fc.bigInt()).map((inner) => Object(inner)) },
  {
    weight: 1,
    arbitrary: fc
      .record({ type: fc.constantFrom(Error, TypeError, RangeError), message: fc.string(), cause: primitive })
      .map(({ type, message, cause }) => new type(message, { cause })),
  },
);

class PlainClass {
  readonly inside: unknown;
  constructor(inside: unknown) {
    this.inside = inside;
  }
}

function sparse(items: readonly unknown[], holes: readonly number[]): unknown[] {
  const array = [...items];
  for (const hole of holes) delete array[hole];
  return array;
}

/** What structured clone takes, without cycles. */
export const rich: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    leaf,
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(key, tie("value"), { maxKeys: 5 }),
    fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 4 }).map((entries) => new Map(entries)),
    fc.array(tie("value"), { maxLength: 4 }).map((items) => new Set(items)),
    fc
      .tuple(fc.array(tie("value"), { maxLength: 5 }), fc.array(fc.nat(6)))
      .map(([items, holes]) => sparse(items, holes)),
    fc
      .tuple(fc.array(tie("value"), { maxLength: 3 }), tie("value"))
      .map(([items, extra]) => Object.assign(items, { extra })),
    tie("value").map((value) => new PlainClass(value)),
    tie("value").map((value) => ({ once: value, again: value, both: [value, value] })),
  ),
})).value;

/** What structured clone takes, with containers that contain each other in all ways. */
export const cyclic: fc.Arbitrary<unknown> = fc
  .tuple(
    fc.array(rich, { minLength: 1, maxLength: 4 }),
    fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 14 }),
  )
  .map(([values, links]) => {
    const nodes: unknown[] = [
      { values },
      new Map(),
      new Set(),
      [],
      {},
      new Error("node"),
      [values[0]],
      new Map([["v", values]]),
    ];
    links.forEach(([from, to], number) => {
      const node = nodes[from];
      const target = nodes[to];
      if (node instanceof Map)
        node.set(number % 2 === 0 ? target : number, number % 2 === 0 ? number : target);
      else if (node instanceof Set) node.add(target);
      else if (Array.isArray(node)) node.push(target);
      // An error inside its own cause is more than structured clone takes.
      else if (node instanceof Error) node.cause = `link${number}`;
      else (node as Record<string, unknown>)[`link${number}`] = target;
    });
    return nodes;
  });

/** Plain data as programs pass it: JSON and a little more. */
export const plain: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.oneof(text, number, fc.boolean(), fc.constantFrom(null, undefined)),
    fc.array(tie("value"), { maxLength: 20 }),
    fc.dictionary(key, tie("value"), { maxKeys: 20 }),
  ),
})).value;
