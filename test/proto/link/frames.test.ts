import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ClientBatch } from "../../../proto/grain.js";
import { END, FrameReader, frame } from "../../../proto/link/grpc/frames.js";
import { Malformed } from "../../../proto/link/grpc/services.js";

const batchOf = (tasks: number[]): ClientBatch => ({
  messages: [{ body: { $case: "cancel", cancel: { tasks } } }],
});

/** Cuts bytes into pieces, at places that may be the same. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = places.map((place) => Math.floor(place * bytes.byteLength)).sort((a, b) => a - b);
  return [0, ...at].map((start, i) => bytes.subarray(start, at[i] ?? bytes.byteLength));
}

function readAll(reader: FrameReader, chunks: readonly Buffer[]): Buffer[] {
  const read: Buffer[] = [];
  for (const chunk of chunks) {
    reader.add(chunk);
    for (let next = reader.next(); next !== undefined; next = reader.next()) {
      if (next instanceof Malformed) throw new Error(next.why);
      read.push(next);
    }
  }
  return read;
}

describe("frames", () => {
  it("come out as they went in, however they arrive", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 300 }), { maxLength: 20 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 }),
        (batches, places) => {
          const bytes = Buffer.concat([...batches.map((tasks) => frame(ClientBatch, batchOf(tasks))), END]);
          const read = readAll(new FrameReader(1_000_000), cut(bytes, places));
          expect(read.pop()?.byteLength).toBe(0);
          expect(read.map((one) => ClientBatch.decode(one))).toEqual(batches.map(batchOf));
        },
      ),
    );
  });

  it("that are longer than permitted are refused, before they have arrived", () => {
    const bytes = frame(ClientBatch, batchOf(Array.from({ length: 100 }, (_, i) => i)));
    for (const pieces of [[bytes], [bytes.subarray(0, 2), bytes.subarray(2, 8)]]) {
      const reader = new FrameReader(50);
      let refused: unknown;
      for (const piece of pieces) {
        reader.add(piece);
        refused = reader.next();
      }
      expect(refused).toBeInstanceOf(Malformed);
      expect((refused as Malformed).why).toMatch(/^a batch of 1\d\d bytes; 50 are permitted$/);
    }
  });
});
