import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assignMessage, resultsMessage, Source } from "../../../head/shell/source.js";
import type { Finished, Submit } from "../../../proto/grain.js";

const HASH = `sha256-${"0".repeat(64)}`;

/** A submission of items; an undefined one is a blob. */
function submission(items: readonly (Uint8Array | undefined)[]): Submit {
  return {
    spec: 1,
    first: 1,
    sizes: items.map((item) => item?.byteLength ?? 0),
    args: Buffer.concat(items.filter((item) => item !== undefined)),
    blobs: items.flatMap((item, index) =>
      item === undefined ? [{ index, ref: { hash: HASH, byteLength: index } }] : [],
    ),
  };
}

/** Columns taken apart again. */
function items(columns: {
  sizes: number[];
  bytes: Uint8Array;
  blobs: { index: number; ref?: { byteLength: number } | undefined }[];
}) {
  let offset = 0;
  return columns.sizes.map((size, index) => {
    const blob = columns.blobs.find((at) => at.index === index);
    if (blob !== undefined) return { blobOf: blob.ref?.byteLength };
    offset += size;
    return Buffer.from(columns.bytes.subarray(offset - size, offset)).toString("hex");
  });
}

const item = fc.option(fc.uint8Array({ maxLength: 4 }), { nil: undefined, freq: 5 });
const submissions = fc.array(fc.array(item, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 });

describe("columns of an assignment", () => {
  it("hold the chosen items of any submissions, in order", () => {
    fc.assert(
      fc.property(
        submissions,
        fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 20 }),
        (given, picks) => {
          const sources = given.map((one) => new Source(submission(one)));
          const chosen = picks.map(([s, i]) => {
            const which = s % given.length;
            return { which, index: i % given[which]!.length };
          });
          const message = assignMessage(
            {
              type: "assign",
              worker: 1,
              session: 1,
              spec: 1,
              alternative: 0,
              granted: true,
              tasks: chosen.map((_, i) => i + 1),
              attempts: chosen.map((_, i) => (i === 0 ? 2 : 1)),
              sources: chosen.map(({ which }) => sources[which]!),
              indices: chosen.map(({ index }) => index),
              hardMs: 0,
              gangs: undefined,
            },
            () => undefined,
          );
          const expected = chosen.map(({ which, index }) => {
            const one = given[which]![index];
            return one === undefined ? { blobOf: index } : Buffer.from(one).toString("hex");
          });
          expect(items({ sizes: message.sizes, bytes: message.args, blobs: message.blobs })).toEqual(
            expected,
          );
        },
      ),
    );
  });

  it("are a view of one submission for neighbours, and leave out first attempts", () => {
    const source = new Source(submission([..."abcdef"].map((c) => Buffer.from(c))));
    const message = assignMessage(
      {
        type: "assign",
        worker: 1,
        session: 1,
        spec: 1,
        alternative: 0,
        granted: false,
        tasks: [3, 4, 5],
        attempts: [1, 1, 1],
        sources: [source, source, source],
        indices: [2, 3, 4],
        hardMs: 0,
        gangs: undefined,
      },
      () => undefined,
    );
    expect(Buffer.from(message.args).toString()).toBe("cde");
    expect(message.args.buffer).toBe(source.args.buffer);
    expect(message.attempts).toEqual([]);
    expect(message.gangs).toEqual([]);
  });

  it("name the workers of each gang, without those that are gone, and the learnt walltime", () => {
    const source = new Source(submission([..."ab"].map((c) => Buffer.from(c))));
    const message = assignMessage(
      {
        type: "assign",
        worker: 1,
        session: 1,
        spec: 1,
        alternative: 0,
        granted: true,
        tasks: [1, 2],
        attempts: [1, 1],
        sources: [source, source],
        indices: [0, 1],
        hardMs: 12_345,
        gangs: [
          [1, 2],
          [1, 3],
        ],
      },
      (worker) => (worker === 3 ? undefined : { worker: `w${worker}`, host: "here", cores: worker }),
    );
    const [first, second] = [1, 2].map((worker) => ({ worker: `w${worker}`, host: "here", cores: worker }));
    expect(message.gangs).toEqual([
      { index: 0, nodes: [first, second] },
      { index: 1, nodes: [first] },
    ]);
    expect(message.hardMs).toBe(12_345);
  });
});

describe("columns of results", () => {
  it("are the worker's own, or the chosen items of them", () => {
    fc.assert(
      fc.property(
        fc.array(item, { minLength: 1, maxLength: 8 }),
        fc.infiniteStream(fc.boolean()),
        (given, keep) => {
          const { sizes, args: values, blobs } = submission(given);
          const tasks = given.map((_, i) => i + 1);
          const result: Finished = { session: 1, tasks, attempts: [], sizes, values, blobs, runUs: [] };
          const all = resultsMessage({ type: "deliver", session: 1, tasks, indices: undefined, result });
          expect(all.values).toBe(values);
          expect(all.sizes).toBe(sizes);
          const indices = given.flatMap((_, i) => (keep.next().value ? [i] : []));
          const some = resultsMessage({
            type: "deliver",
            session: 1,
            tasks: indices.map((i) => i + 1),
            indices,
            result,
          });
          const expected = indices.map((i) =>
            given[i] === undefined ? { blobOf: i } : Buffer.from(given[i]!).toString("hex"),
          );
          expect(items({ sizes: some.sizes, bytes: some.values, blobs: some.blobs })).toEqual(expected);
        },
      ),
    );
  });
});
