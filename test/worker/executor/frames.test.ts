import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bytesOf, encodeFrame, FrameReader } from "../../../worker/executor/frames.js";

const message = fc.record({
  type: fc.string(),
  refs: fc.array(fc.nat()),
  bytes: fc.uint8Array({ maxLength: 300 }),
});

describe("frames", () => {
  it("come out as they went in, however the stream is cut", () => {
    fc.assert(
      fc.property(fc.array(fc.array(message)), fc.array(fc.integer({ min: 1, max: 40 })), (batches, cuts) => {
        const stream = Buffer.concat(
          batches.map((batch) => encodeFrame(batch.map((one) => ({ ...one, bytes: bytesOf([one.bytes]) })))),
        );
        const reader = new FrameReader<{ type: string; refs: number[]; bytes: Buffer }>();
        const out: { type: string; refs: number[]; bytes: Buffer }[] = [];
        for (let at = 0, i = 0; at < stream.byteLength; i++) {
          const length = cuts[i % Math.max(cuts.length, 1)] ?? stream.byteLength;
          out.push(...reader.push(Buffer.from(stream.subarray(at, at + length))));
          at += length;
        }
        expect(out.map((one) => ({ ...one, bytes: new Uint8Array(one.bytes) }))).toEqual(batches.flat());
      }),
    );
  });

  it("refuse what is no stream of frames", () => {
    expect(() => new FrameReader().push(Buffer.from("Segmentation fault\n"))).toThrow("no stream of frames");
    expect(() => new FrameReader().push(Buffer.from([1, 0, 0, 0, 5]))).toThrow("no stream of frames");
  });
});
