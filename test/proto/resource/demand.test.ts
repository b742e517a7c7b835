import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ResourceError } from "../../../proto/errors.js";
import { Request as WireRequest } from "../../../proto/grain.js";
import { canonicalDemand, canonicalRequest } from "../../../proto/resource/canonical.js";
import {
  amountOf,
  covers,
  type Demand,
  demandKey,
  emptyDemand,
  fitsAmounts,
  formatDemand,
  formatRequest,
  requestKey,
} from "../../../proto/resource/demand.js";
import { parseRequest } from "../../../proto/resource/parse-request.js";
import { anyOf, combine, type ResourceLike, toRequest } from "../../../proto/resource/resource.js";
import { demand, request } from "./arbitrary.js";

function ask(...likes: ResourceLike[]): Demand {
  return toRequest(...likes).alternatives[0] ?? emptyDemand();
}

describe("text form", () => {
  it.each<[ResourceLike, string]>([
    [{}, "nothing"],
    [{ memory: "8G", cores: 4 }, "4 cores, 8G memory"],
    [{ memory: 1, cores: 8, coreLayout: "spread" }, "8 cores spread, 1G memory"],
    [{ resources: { a: 1 }, capacity: 1, gpus: 2, cores: "all" }, "all cores, 2 gpus, 1 capacity, 1 a"],
    [
      { wtime: { hard: 3600, soft: 60, group: "a b" }, token: ["or", 'say "x"'] },
      'token or, token "say \\"x\\"", walltime 1:00:00 soft 0:01:00 group "a b"',
    ],
    [{ nodes: 1, limits: { "license:matlab": 4 } }, "1 node, limit license:matlab 4"],
    [anyOf({ gpus: 1 }, { cores: 8, memory: 4 }), "1 gpu or 8 cores, 4G memory"],
    [anyOf({ gpus: 1 }, {}), "1 gpu or nothing"],
  ])("%j", (like, text) => {
    expect(formatRequest(toRequest(like))).toBe(text);
    expect(parseRequest(text)).toEqual(toRequest(like));
  });

  it("is read back exactly", () => {
    fc.assert(
      fc.property(request, (given) => {
        expect(parseRequest(formatRequest(given))).toEqual(given);
      }),
    );
  });

  it("takes what people write", () => {
    expect(parseRequest(" 1 cores ,2 gpu, 16 memory ")).toEqual(toRequest({ cores: 1, gpus: 2, memory: 16 }));
  });

  it.each<[string, RegExp]>([
    ["", /^resource: "" ends where an item such as "4 cores" is expected\.$/],
    ["  ", /^resource: "" ends where/],
    ["4", /^resource: "4" ends where a kind such as cores is expected/],
    ["four cores", /^resource: in "four cores", "four" stands where a number is expected/],
    ["4 cores 2 gpus", /"2" stands where "," or "or" is expected/],
    ["4 cores,", /ends where an item/],
    ["4 cores or", /ends where an item/],
    ["all gpus", /"gpus" stands where "cores" is expected/],
    ["token", /ends where the token's name is expected/],
    ['token "x', /closing quote/],
    ['token "\\x"', /stands where the token's name/],
    ["limit l many", /"many" stands where a number/],
    ["walltime soon", /^wtime: "soon" is not a duration/],
    ["2 cores, 3 cores", /^cores: asked for twice/],
    ["2 cpus", /"cpus" is built in; use cores\(2\)/],
    ["x memory", /^memory: "x" is not a size/],
  ])("refuses %j", (text, message) => {
    expect(() => parseRequest(text)).toThrow(message);
    expect(() => parseRequest(text)).toThrow(ResourceError);
  });
});

describe("canonical form", () => {
  it("is a fixed point", () => {
    fc.assert(
      fc.property(request, (given) => {
        expect(canonicalRequest(given)).toEqual(given);
      }),
    );
  });

  it("does not depend on the order in which things were written", () => {
    fc.assert(
      fc.property(demand, (given) => {
        const mixed = {
          ...given,
          amounts: [...given.amounts, { kind: "zero", amount: 0 }].reverse(),
          tokens: given.tokens.toReversed(),
          limits: given.limits.toReversed(),
        };
        expect(demandKey(canonicalDemand(mixed))).toBe(demandKey(given));
      }),
    );
  });

  it("survives the wire", () => {
    fc.assert(
      fc.property(request, (given) => {
        expect(canonicalRequest(WireRequest.decode(WireRequest.encode(given).finish()))).toEqual(given);
      }),
    );
  });

  it("fills in a soft limit that is absent on the wire", () => {
    const walltime = { hardMs: 5, softMs: 0, group: "" };
    expect(canonicalDemand({ ...emptyDemand(), walltime }).walltime).toEqual({ ...walltime, softMs: 5 });
  });

  it("leaves out alternatives that repeat an earlier one", () => {
    const [a, b] = [ask({ cores: 1 }), ask({ cores: 2 })];
    expect(canonicalRequest({ alternatives: [a, b, a] }).alternatives).toEqual([a, b]);
  });

  it.each<[string, Partial<Demand>, RegExp]>([
    ["a negative amount", { amounts: [{ kind: "cores", amount: -1 }] }, /^cores: -1 is not an amount/],
    [
      "a fraction of an amount",
      { amounts: [{ kind: "cores", amount: 0.5 }] },
      /^cores: 0\.5 is not an amount/,
    ],
    ["NaN", { amounts: [{ kind: "memory", amount: Number.NaN }] }, /^memory: NaN is not an amount/],
    ["no kind", { amounts: [{ kind: "", amount: 1 }] }, /^kind: "" cannot name/],
    ["a kind that is no amount", { amounts: [{ kind: "token", amount: 1 }] }, /^kind: "token" is built in/],
    [
      "half a slot",
      { amounts: [{ kind: "capacity", amount: 5000 }] },
      /^capacity: 0\.5 is not a whole number/,
    ],
    ["an empty token", { tokens: [""] }, /^token: "" is not a name/],
    ["negative nodes", { nodes: -1 }, /^nodes: -1 is not a count/],
    ["an empty limit", { limits: [{ name: "l", count: 0 }] }, /^limit l: 0 at once would never run/],
    ["no hard limit", { walltime: { hardMs: 0, softMs: 0, group: "" } }, /^wtime: the limit must be longer/],
    [
      "a negative soft limit",
      { walltime: { hardMs: 1, softMs: -1, group: "" } },
      /^wtime\.soft: the limit must/,
    ],
    [
      "soft above hard",
      { walltime: { hardMs: 1000, softMs: 2000, group: "" } },
      /^wtime\.soft: 0:00:02 is longer/,
    ],
  ])("refuses %s", (_name, part, message) => {
    expect(() => canonicalDemand({ ...emptyDemand(), ...part })).toThrow(message);
    expect(() => canonicalDemand({ ...emptyDemand(), ...part })).toThrow(ResourceError);
  });

  it("refuses a request without alternatives", () => {
    expect(() => canonicalRequest({ alternatives: [] })).toThrow(/^anyOf: there is no alternative/);
  });
});

describe("keys", () => {
  it("are equal exactly when the demands are", () => {
    fc.assert(
      fc.property(demand, demand, (a, b) => {
        expect(demandKey(a) === demandKey(b)).toBe(formatDemand(a) === formatDemand(b));
        expect(demandKey(a)).toBe(demandKey(structuredClone(a)));
      }),
    );
  });

  it("of requests tell the order of alternatives", () => {
    const [a, b] = [combine({ cores: 1 }), combine({ cores: 2 })];
    expect(requestKey(anyOf(a, b).request)).not.toBe(requestKey(anyOf(b, a).request));
  });
});

describe("covers", () => {
  it.each<[ResourceLike, ResourceLike, boolean]>([
    [{ cores: 2 }, { cores: 1 }, true],
    [{ cores: 1 }, { cores: 2 }, false],
    [{ cores: 1.5 }, { cores: 0.75 }, true],
    [{ cores: 1 }, { gpus: 1 }, false],
    [{ cores: 1 }, {}, true],
    [{ cores: "all" }, { cores: "all" }, true],
    [{ cores: "all" }, { cores: 1 }, false],
    [{ cores: 8 }, { cores: "all" }, false],
    [{ token: ["a", "b"] }, { token: "a" }, true],
    [{ token: "a" }, { token: ["a", "b"] }, false],
    [{ wtime: 100 }, { wtime: 60 }, true],
    [{ wtime: { hard: 100, soft: 50 } }, { wtime: 60 }, false],
    [{ wtime: { hard: 100, soft: 50 } }, { wtime: { hard: 500, soft: 50 } }, true],
    [{}, { wtime: 60 }, false],
    [{ wtime: 60 }, {}, true],
    [{ limits: { l: 2 } }, {}, true],
    [{}, { limits: { l: 2 } }, false],
    [{ limits: { l: 2 } }, { limits: { l: 2 } }, true],
    [{ limits: { l: 2 } }, { limits: { l: 3 } }, false],
    [{ nodes: 2 }, { nodes: 2 }, true],
    [{ nodes: 2 }, {}, false],
  ])("%j covers %j: %j", (a, b, expected) => {
    expect(covers(ask(a), ask(b))).toBe(expected);
  });

  it("is reflexive, and transitive", () => {
    fc.assert(
      fc.property(demand, (a) => {
        expect(covers(a, a)).toBe(true);
      }),
    );
    fc.assert(
      fc.property(demand, demand, demand, (a, b, c) => {
        if (covers(a, b) && covers(b, c)) expect(covers(a, c)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it("is mutual only between demands of equal amounts", () => {
    fc.assert(
      fc.property(demand, demand, (a, b) => {
        if (covers(a, b) && covers(b, a)) expect(a.amounts).toEqual(b.amounts);
      }),
    );
  });
});

describe("fitsAmounts", () => {
  const free = new Map([
    ["cores", 20_000],
    ["gpus", 0],
    ["memory", 1024 ** 3],
    ["licenses", 5_000],
  ]);

  it.each<[ResourceLike, boolean]>([
    [{}, true],
    [{ cores: 2, memory: 1 }, true],
    [{ cores: 2.0001 }, false],
    [{ memory: "1025M" }, false],
    [{ gpus: 0.1 }, false],
    [{ resources: { licenses: 0.5 } }, true],
    [{ resources: { licenses: 1 } }, false],
    [{ capacity: 1 }, false],
    [{ cores: "all" }, true],
    [{ token: "not looked at", wtime: 5 }, true],
  ])("%j: %j", (like, expected) => {
    expect(fitsAmounts(ask(like), free)).toBe(expected);
  });

  it("needs every core free for all cores, and everything for whole workers", () => {
    const total = new Map(free).set("cores", 40_000);
    expect(fitsAmounts(ask({ cores: "all" }), free, total)).toBe(false);
    expect(fitsAmounts(ask({ cores: "all" }), total, total)).toBe(true);
    expect(fitsAmounts(ask({ cores: "all" }), new Map([["cores", 0]]))).toBe(false);
    expect(fitsAmounts(ask({ nodes: 1 }), free, total)).toBe(false);
    expect(fitsAmounts(ask({ nodes: 1 }), total, total)).toBe(true);
  });

  it("tells the amount of a kind", () => {
    expect(amountOf(ask({ cores: 2 }), "cores")).toBe(20_000);
    expect(amountOf(ask({ cores: 2 }), "gpus")).toBe(0);
  });
});
