import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ResourceError } from "../../../proto/errors.js";
import { Pool as WirePool } from "../../../proto/grain.js";
import { fitsAmounts } from "../../../proto/resource/demand.js";
import { firstIds, formatIds, parseIds } from "../../../proto/resource/ids.js";
import { canonicalPool, formatPool, misfits, type Pool, poolAmounts } from "../../../proto/resource/pool.js";
import { type ResourceLike, toRequest } from "../../../proto/resource/resource.js";
import { demand, pool } from "./arbitrary.js";

const G = 1024 ** 3;
const machine: Pool = {
  cores: [0, 1, 2, 3],
  gpus: [0, 1],
  memoryBytes: 8 * G,
  others: [
    { kind: "capacity", amount: 80_000 },
    { kind: "licenses", amount: 15_000 },
  ],
  tokens: ["has-gpu"],
  remainingMs: 3_600_000,
  numa: [],
};
const bare: Pool = { cores: [], gpus: [], memoryBytes: 0, others: [], tokens: [], numa: [] };

describe("poolAmounts", () => {
  it("counts ids", () => {
    expect([...poolAmounts(machine)]).toEqual([
      ["cores", 40_000],
      ["gpus", 20_000],
      ["memory", 8 * G],
      ["capacity", 80_000],
      ["licenses", 15_000],
    ]);
    expect([...poolAmounts(bare).keys()]).toEqual(["cores", "gpus", "memory"]);
  });
});

describe("formatPool", () => {
  it.each<[string, Pool, ReadonlyMap<string, number> | undefined, string]>([
    [
      "whole",
      machine,
      undefined,
      "4 cores, 8G memory, 2 gpus, 8 capacity, 1.5 licenses, token has-gpu, 1:00:00 left",
    ],
    [
      "partly used",
      machine,
      new Map([...poolAmounts(machine), ["cores", 25_000], ["memory", G / 2], ["licenses", 0]]),
      "2.5/4 cores, 0.5/8G memory, 2/2 gpus, 8/8 capacity, 0/1.5 licenses, token has-gpu, 1:00:00 left",
    ],
    ["fully used", { ...bare, cores: [0, 1, 2, 3], memoryBytes: 8 * G }, new Map(), "0/4 cores, 0/8G memory"],
    ["one core", { ...bare, cores: [7] }, undefined, "1 core"],
    ["odd memory", { ...bare, memoryBytes: 16_624_480_256 }, undefined, "15.48G memory"],
    ["of nothing", bare, new Map(), "nothing"],
  ])("%s", (_name, given, free, text) => {
    expect(formatPool(given, free)).toBe(text);
  });
});

describe("misfits", () => {
  it.each<[ResourceLike, string[]]>([
    [{}, []],
    [{ cores: 4, memory: 8, gpus: 2, capacity: 8, token: "has-gpu", wtime: 3600 }, []],
    [{ cores: "all", nodes: 3, limits: { l: 1 } }, []],
    [{ cores: 8 }, ["8 cores asked, 4 there"]],
    [{ memory: "16G", gpus: 2.5 }, ["16G memory asked, 8G there", "2.5 gpus asked, 2 there"]],
    [{ resources: { tape: 1 } }, ["1 tape asked, none there"]],
    [{ token: ["has-gpu", "big one"] }, ['token "big one" asked, not there']],
    [{ wtime: { hard: 9000, soft: 3601 } }, ["walltime 1:00:01 asked, 1:00:00 left"]],
    [{ wtime: { hard: 9000, soft: 3600 } }, []],
  ])("%j: %j", (like, reasons) => {
    expect(misfits(toRequest(like).alternatives[0]!, machine)).toEqual(reasons);
  });

  it("knows that there are no cores to have all of", () => {
    expect(misfits(toRequest({ cores: "all" }).alternatives[0]!, bare)).toEqual([
      "all cores asked, none there",
    ]);
  });

  it("agrees with fitsAmounts where only amounts matter", () => {
    fc.assert(
      fc.property(demand, pool, (given, there) => {
        const plain = { ...given, tokens: [], walltime: undefined };
        expect(misfits(plain, there).length === 0).toBe(fitsAmounts(plain, poolAmounts(there)));
      }),
    );
  });
});

describe("canonicalPool", () => {
  it("sorts, drops what there is none of, and is a fixed point", () => {
    const mixed: Pool = {
      cores: [3, 1, 2],
      gpus: [1, 0],
      memoryBytes: 1,
      others: [
        { kind: "b", amount: 1 },
        { kind: "a", amount: 2 },
        { kind: "none", amount: 0 },
      ],
      tokens: ["y", "x"],
      numa: [
        { socket: 1, cores: [4, 3, 2] },
        { socket: 1, cores: [5] },
        { socket: 0, cores: [1, 0] },
      ],
    };
    expect(canonicalPool(mixed)).toEqual({
      cores: [1, 2, 3],
      gpus: [0, 1],
      memoryBytes: 1,
      others: [
        { kind: "a", amount: 2 },
        { kind: "b", amount: 1 },
      ],
      tokens: ["x", "y"],
      remainingMs: undefined,
      numa: [
        { socket: 0, cores: [1] },
        { socket: 1, cores: [2, 3] },
      ],
    });
    fc.assert(
      fc.property(pool, (given) => {
        expect(canonicalPool(given)).toEqual(given);
        expect(canonicalPool(WirePool.decode(WirePool.encode(given).finish()))).toEqual(given);
      }),
    );
  });

  it.each<[Partial<Pool>, RegExp]>([
    [{ cores: [1, 1] }, /^cores: id 1 is given twice/],
    [{ cores: [-1] }, /^cores: -1 is not an id/],
    [{ gpus: [0.5] }, /^gpus: 0\.5 is not an id/],
    [{ memoryBytes: -1 }, /^memory: -1 is not a number of bytes/],
    [{ memoryBytes: Number.NaN }, /^memory: NaN/],
    [{ remainingMs: -1 }, /^walltime: -1 is not what is left/],
    [{ remainingMs: Number.NaN }, /^walltime: NaN/],
    [
      {
        numa: [
          { socket: 0, cores: [1] },
          { socket: 1, cores: [1] },
        ],
      },
      /^numa: id 1 is given twice/,
    ],
    [{ numa: [{ socket: -1, cores: [1] }] }, /^numa socket: -1 is not an id/],
    [{ tokens: ["a", "a"] }, /^token: "a" is given twice/],
    [{ tokens: [""] }, /^token: "" is not a name/],
    [{ others: [{ kind: "cores", amount: 1 }] }, /^cores: it has a field of its own/],
    [{ others: [{ kind: "a", amount: -1 }] }, /^a: -1 is not an amount/],
    [
      {
        others: [
          { kind: "a", amount: 1 },
          { kind: "a", amount: 2 },
        ],
      },
      /^a: given twice/,
    ],
  ])("refuses %j", (part, message) => {
    expect(() => canonicalPool({ ...bare, ...part })).toThrow(message);
    expect(() => canonicalPool({ ...bare, ...part })).toThrow(ResourceError);
  });
});

describe("ids", () => {
  it.each<[number[], string]>([
    [[], ""],
    [[4], "4"],
    [[0, 1, 2, 3, 8], "0-3,8"],
    [[1, 3, 5, 6], "1,3,5-6"],
  ])("%j is written %j", (ids, text) => {
    expect(formatIds(ids)).toBe(text);
    if (text !== "") expect(parseIds(text, "cores")).toEqual(ids);
  });

  it("are read back exactly", () => {
    const ids = fc
      .uniqueArray(fc.integer({ min: 0, max: 50 }), { minLength: 1 })
      .map((list) => list.sort((a, b) => a - b));
    fc.assert(
      fc.property(ids, (given) => {
        expect(parseIds(formatIds(given), "cores")).toEqual(given);
      }),
    );
  });

  it.each<[string, RegExp]>([
    ["", /^cores: "" is not a list of ids; write one such as "0-3,8"/],
    ["a", /not a list/],
    ["1,", /not a list/],
    ["-1", /not a list/],
    ["3-1", /^cores: the range 3-1 runs backwards; write 1-3/],
    ["0-3,2", /^cores: id 2 is given twice/],
    ["0-4000000000", /names more than 65536 ids/],
    ["5000000000", /^cores: 5000000000 is not an id/],
  ])("refuses %j", (text, message) => {
    expect(() => parseIds(text, "cores")).toThrow(message);
  });

  it("continue after the last when there are too few", () => {
    expect(firstIds([4, 5, 6], 2, "cores")).toEqual([4, 5]);
    expect(firstIds([4, 5, 6], 5, "cores")).toEqual([4, 5, 6, 7, 8]);
    expect(firstIds([], 3, "cores")).toEqual([0, 1, 2]);
    expect(firstIds([4], 0, "cores")).toEqual([]);
    expect(() => firstIds([], 1.5, "cores")).toThrow(/^cores: 1\.5 is not a whole number/);
    expect(() => firstIds([], 1e9, "cores")).toThrow(/^cores: 1000000000 is more than 65536/);
  });
});
