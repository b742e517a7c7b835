import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf, encodeFrame, FrameReader } from "../../../worker/executor/frames.js";
import type { FromExecutor, Granted, ToExecutor } from "../../../worker/executor/message.js";

type Message = FromExecutor | ToExecutor;

const bytes = fc.uint8Array({ maxLength: 300 }).map((one) => bytesOf([one]));
const number = fc.oneof(fc.nat(200), fc.maxSafeNat());
const numbers = fc.array(number, { maxLength: 20 });

function mostlyNone<T>(items: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.oneof({ weight: 4, arbitrary: fc.constant<T[]>([]) }, fc.array(items, { maxLength: 2 }));
}

const granted: fc.Arbitrary<Granted> = fc.record({
  cores: numbers,
  gpus: numbers,
  memoryBytes: fc.oneof(number, fc.constant(0.5)),
  tokens: mostlyNone(fc.string()),
  others: mostlyNone(fc.tuple(fc.string(), number)),
  hardMs: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.double({ min: 0, max: 1e9, noNaN: true })),
  gang: fc.option(fc.constant({ nodes: [], hostfile: "/h" }), { freq: 4, nil: undefined }),
});

const file = fc.record({ path: fc.string(), hash: fc.string(), byteLength: number });

const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({
    type: fc.constant("run" as const),
    plan: number,
    mode: fc.constantFrom("beside", "next", "ahead"),
    refs: numbers,
    tasks: numbers,
    attempts: numbers,
    sizes: numbers,
    args: bytes,
    files: mostlyNone(file),
    granted,
  }),
  fc.record({
    type: fc.constant("finished" as const),
    refs: numbers,
    sizes: numbers,
    runUs: numbers,
    values: bytes,
  }),
  fc.record({ type: fc.constant("printed" as const), ref: number, stderr: fc.boolean(), text: bytes }),
  fc.record({ type: fc.constant("drop" as const), refs: numbers }),
);

/** Bytes of any class, as they are compared. */
function plain(of: Message): unknown {
  return JSON.parse(
    JSON.stringify(of, (_, value) =>
      value?.type === "Buffer" ? Buffer.from(value.data).toString("hex") : value,
    ),
  );
}

describe("frames", () => {
  it("come out as they went in, however the stream is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.array(message)), fc.array(fc.integer({ min: 1, max: 40 })), (batches, cuts) => {
        const stream = Buffer.concat(batches.map((batch) => encodeFrame(batch)));
        const reader = new FrameReader<Message>();
        const out: Message[] = [];
        for (let at = 0, i = 0; at < stream.byteLength; i++) {
          const length = cuts[i % Math.max(cuts.length, 1)] ?? stream.byteLength;
          out.push(...reader.push(Buffer.from(stream.subarray(at, at + length))));
          at += length;
        }
        expect(out.map(plain)).toEqual(batches.flat().map(plain));
      }),
    );
  });

  it("of all sizes stay as they were when others are written after them", () => {
    const sizes = [0, 1, 100, 40_000, 70_000, 3, 5_000_000, 10, 65_536, 9];
    const frames = sizes.map((size, ref) =>
      encodeFrame([
        { type: "finished", refs: [ref], sizes: [size], runUs: [1], values: Buffer.alloc(size, ref) },
      ]),
    );
    const reader = new FrameReader<FromExecutor>();
    for (const [ref, size] of sizes.entries()) {
      const [one] = reader.push(frames[ref]!);
      if (one?.type !== "finished") throw new Error("It is another message.");
      expect(one.refs).toEqual([ref]);
      expect(Buffer.compare(one.values, Buffer.alloc(size, ref))).toBe(0);
    }
  });

  it("refuse what is no stream of frames", () => {
    expect(() => new FrameReader().push(Buffer.from("Segmentation fault\n"))).toThrow("no stream of frames");
    expect(() => new FrameReader().push(Buffer.from([1, 0, 0, 0, 5]))).toThrow("no stream of frames");
  });

  it("refuse a frame that is cut off anywhere, or says that it holds more than it does", () => {
    const run: ToExecutor = {
      type: "run",
      plan: 1,
      mode: "next",
      refs: [1000],
      tasks: [2 ** 50],
      attempts: [1],
      sizes: [3],
      args: Buffer.from("abc"),
      files: [],
      granted: { cores: [0], gpus: [], memoryBytes: 7, tokens: [], others: [], hardMs: 0, gang: undefined },
    };
    const frame = encodeFrame([run]);
    for (let length = 5; length < frame.byteLength; length++) {
      const cut = Buffer.from(frame.subarray(0, length));
      cut.writeUInt32LE(length - 4, 0);
      expect(() => new FrameReader().push(cut)).toThrow("no stream of frames");
    }
    const many = Buffer.from([6, 0, 0, 0, 2, 255, 255, 255, 255, 127]);
    expect(() => new FrameReader().push(many)).toThrow("no stream of frames");
  });
});
