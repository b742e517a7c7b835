import { describe, expect, it } from "vitest";
import { ResourceError } from "../../../proto/errors.js";
import { type PoolOptions, parsePool, resourceToPool } from "../../../proto/resource/parse-pool.js";
import type { Pool } from "../../../proto/resource/pool.js";
import {
  anyOf,
  cores,
  gpus,
  limit,
  memory,
  node,
  nodes,
  type ResourceLike,
  token,
} from "../../../proto/resource/resource.js";

const G = 1024 ** 3;
const base: Pool = {
  cores: [2, 3, 4, 5],
  gpus: [0, 1],
  memoryBytes: 8 * G,
  others: [{ kind: "tape", amount: 10_000 }],
  tokens: ["found"],
  remainingMs: undefined,
  numa: [],
};
const tape = { kind: "tape", amount: 10_000 };

describe("parsePool", () => {
  const cases: [Omit<PoolOptions, "base">, Partial<Pool>][] = [
    [{}, {}],
    [{ cpus: "2" }, { cores: [2, 3] }],
    [{ cpus: 2 }, { cores: [2, 3] }],
    [{ cpus: "6" }, { cores: [2, 3, 4, 5, 6, 7] }],
    [{ cpus: 0 }, { cores: [] }],
    [{ cpus: "0-3,8" }, { cores: [0, 1, 2, 3, 8] }],
    [{ cpus: "4-4" }, { cores: [4] }],
    [{ mem: "16G" }, { memoryBytes: 16 * G }],
    [{ mem: 0.5 }, { memoryBytes: G / 2 }],
    [{ gpus: "1" }, { gpus: [0] }],
    [{ gpus: 0 }, { gpus: [] }],
    [{ gpus: "1,3" }, { gpus: [1, 3] }],
    [{ walltime: "1:00:00" }, { remainingMs: 3_600_000 }],
    [{ res: "{}" }, {}],
    [
      { res: '{"cores":3,"memory":"4G","gpus":[0,1],"tokens":["has-gpu"],"capacity":8,"licenses":3}' },
      {
        cores: [2, 3, 4],
        memoryBytes: 4 * G,
        tokens: ["has-gpu"],
        others: [{ kind: "capacity", amount: 80_000 }, { kind: "licenses", amount: 30_000 }, tape],
      },
    ],
    [{ res: '{"cores":"0-1","gpus":"7-7"}' }, { cores: [0, 1], gpus: [7] }],
    [{ res: '{"token":"a"}' }, { tokens: ["a"] }],
    [{ res: '{"tokens":[]}' }, { tokens: [] }],
    [{ res: '{"tape":2.5}' }, { others: [{ kind: "tape", amount: 25_000 }] }],
    [{ res: '{"tape":0}' }, { others: [] }],
    [{ res: '{"resources":{"scores":1}}' }, { others: [{ kind: "scores", amount: 10_000 }, tape] }],
    [{ res: '{"wtime":"0:10:00"}' }, { remainingMs: 600_000 }],
    [
      { res: '{"Token":{"token":"has-gpu"},"Capacity":{"V":8}}' },
      { tokens: ["has-gpu"], others: [{ kind: "capacity", amount: 80_000 }, tape] },
    ],
    [{ res: '{"Memory":{"M":16},"Cores":{"N":4}}' }, { memoryBytes: 16 * G, cores: [2, 3, 4, 5] }],
    [{ res: '{"Cores":{"N":[0,1]}}' }, { cores: [0, 1] }],
    [{ res: '{"Node":{"N":2,"M":3.5}}' }, { cores: [2, 3], memoryBytes: 3.5 * G }],
    [{ res: '{"WTime":{"T":"1:00:00"}}' }, { remainingMs: 3_600_000 }],
    [{ res: '{"WTime":{"T":60,"softT":30,"group":null,"countdown":true}}' }, { remainingMs: 60_000 }],
    [
      { res: { Token: { token: "x" }, licenses: 1 } },
      { tokens: ["x"], others: [{ kind: "licenses", amount: 10_000 }, tape] },
    ],
    [
      { cpus: 1, mem: "1G", res: '{"cores":3,"memory":"4G","gpus":1}' },
      { cores: [2], memoryBytes: G, gpus: [0] },
    ],
    [{ cpus: 3, res: '{"cores":[9]}' }, { cores: [2, 3, 4] }],
    [{ cpus: undefined, res: undefined }, {}],
  ];

  it.each(cases)("%j", (options, expected) => {
    expect(parsePool({ ...options, base })).toEqual({ ...base, ...expected });
  });

  it.each<Omit<PoolOptions, "base">>([
    { cpus: 0, mem: 0, gpus: 1 },
    { cpus: 0, mem: 0, gpus: 0, res: '{"capacity":8}' },
    { cpus: 0, mem: 0, gpus: 0, res: '{"tape":0,"token":"fast"}' },
    { cpus: 0, mem: 1, gpus: 0 },
  ])("lets a worker offer a single kind: %j", (options) => {
    expect(parsePool({ ...options, base }).cores).toEqual([]);
  });

  it("keeps the nodes of the chosen cores", () => {
    const numa = [
      { socket: 0, cores: [0, 1, 2, 3] },
      { socket: 1, cores: [4, 5, 6, 7] },
    ];
    const chosen = (options: Omit<PoolOptions, "base">) =>
      parsePool({ ...options, base: { ...base, numa } }).numa;
    expect(chosen({})).toEqual([
      { socket: 0, cores: [2, 3] },
      { socket: 1, cores: [4, 5] },
    ]);
    expect(chosen({ cpus: "0-3" })).toEqual([{ socket: 0, cores: [0, 1, 2, 3] }]);
    expect(chosen({ cpus: 3 })).toEqual([
      { socket: 0, cores: [2, 3] },
      { socket: 1, cores: [4] },
    ]);
    expect(chosen({ res: '{"cores":[7,20]}' })).toEqual([{ socket: 1, cores: [7] }]);
  });

  it("changes nothing it was given", () => {
    const before = structuredClone(base);
    parsePool({ cpus: 1, res: '{"tape":5,"token":"x"}', base });
    expect(base).toEqual(before);
  });

  it.each<[Omit<PoolOptions, "base">, RegExp]>([
    [{ cpus: "four" }, /^--cpus: "four" is neither a number such as 4 nor a list of ids such as "0-3,8"\.$/],
    [{ cpus: "" }, /^--cpus: "" is neither/],
    [{ cpus: "-1" }, /^--cpus: "-1" is neither/],
    [{ cpus: -1 }, /^--cpus: -1 is not a whole number/],
    [{ cpus: 1.5 }, /^--cpus: 1\.5 is not a whole number/],
    [{ cpus: "1.5" }, /^--cpus: 1\.5 is not a whole number/],
    [{ cpus: Number.NaN }, /^--cpus: NaN is not a whole number/],
    [{ cpus: "3-1" }, /^--cpus: the range 3-1 runs backwards/],
    [{ cpus: "1,1" }, /^--cpus: id 1 is given twice/],
    [{ gpus: "all" }, /^--gpus: "all" is neither/],
    [{ mem: "lots" }, /^--mem: "lots" is not a size of memory/],
    [{ walltime: "soon" }, /^--walltime: "soon" is not a duration/],
    [{ res: "cores=4" }, /^--res: "cores=4" is not JSON .*write e\.g\. '\{"cores":4/],
    [{ res: "[1]" }, /^--res: \[1\] is not an object/],
    [{ res: "null" }, /^--res: null is not an object/],
    [{ res: '{"cores":1.5}' }, /^--res: cores: 1\.5 is not a whole number/],
    [{ res: '{"cores":null}' }, /^--res: cores: null is neither a number nor a list of ids/],
    [{ res: '{"cores":["a"]}' }, /^--res: cores: "a" is not an id/],
    [{ res: '{"cores":"many"}' }, /^--res: cores: "many" is not a list of ids/],
    [{ res: '{"memory":"x"}' }, /^--res: memory: "x" is not a size/],
    [{ res: '{"token":5}' }, /^--res: token: 5 is not a name/],
    [{ res: '{"capacity":0}' }, /^--res: capacity: 0 is not a whole number of 1 or more/],
    [{ res: '{"licenses":-1}' }, /^--res: licenses: -1 is negative/],
    [{ res: '{"licenses":"3"}' }, /^--res: licenses: "3" is not a number/],
    [{ res: '{"licenses":null}' }, /^--res: licenses: null is not a number/],
    [{ res: '{"Licences-of":"x"}' }, /^--res: Licences-of: /],
    [{ res: '{"tokns":["x"]}' }, /^--res: tokns: there is no such resource \(did you mean "tokens"/],
    [{ res: { licenses: "3" } }, /^licenses: "3" is not a number/],
    [{ res: '{"wtime":0}' }, /^--res: wtime: 0 leaves no time to run; give a limit longer than zero\.$/],
    [{ walltime: "0" }, /^--walltime: "0" leaves no time to run; give a limit longer than zero\.$/],
    [{ walltime: 0 }, /^--walltime: 0 leaves no time to run/],
    [
      { cpus: "0", mem: "0", gpus: 0, res: '{"tape":0,"tokens":[]}' },
      /^This worker would offer nothing: give it something with --cpus/,
    ],
    [{ res: '{"core":4}' }, /^--res: core: there is no such resource \(did you mean "cores"\?\)/],
    [{ res: '{"mem":4}' }, /^--res: mem: there is no such resource \(did you mean "memory"\?\)/],
    [
      { res: '{"scores":4}' },
      /^--res: scores: there is no such resource \(did you mean "cores"\?\).*in "resources"/,
    ],
    [{ res: '{"2x":4}' }, /^--res: 2x: "2x" cannot name a resource/],
    [
      { res: '{"Tokens":{"token":"x"}}' },
      /^--res: Tokens: there is no such resource \(did you mean "token"\?\)/,
    ],
    [{ res: '{"Token":"x"}' }, /^--res: Token: "x" is not an object; give \{"token": …\}/],
    [
      { res: '{"Token":{"name":"x"}}' },
      /^--res: Token\.name: there is no such argument; give \{"token": …\}/,
    ],
    [{ res: '{"Node":{"N":1}}' }, /^--res: Node\.M: it is missing; give \{"N": …, "M": …\}/],
    [{ res: '{"Cores":{"N":"x"}}' }, /^--res: Cores\.N: "x" is not a list of ids/],
    [{ res: '{"Capacity":{"V":-1}}' }, /^--res: Capacity\.V: -1 is not a whole number/],
    [{ res: '{"WTime":{"T":"x"}}' }, /^--res: WTime\.T: "x" is not a duration/],
    [{ res: '{"resources":3}' }, /^--res: resources: 3 is not an object/],
    [{ res: '{"resources":{"cores":3}}' }, /^--res: resources\.cores: "cores" is built in/],
    [{ res: '{"cores":1,"Cores":{"N":1}}' }, /^--res: Cores: says again what cores has said/],
    [{ res: '{"Node":{"N":1,"M":1},"memory":1}' }, /^--res: memory: says again what Node has said/],
    [{ res: '{"a":1,"resources":{"a":2}}' }, /^--res: resources: says again what a has said/],
    [{ res: '{"token":"a","tokens":["b"]}' }, /^--res: tokens: says again what token has said/],
  ])("refuses %j", (options, message) => {
    expect(() => parsePool({ ...options, base })).toThrow(message);
    expect(() => parsePool({ ...options, base })).toThrow(ResourceError);
  });
});

describe("resourceToPool", () => {
  it.each<[string, ResourceLike, Partial<Pool>]>([
    ["nothing named", {}, {}],
    ["cores", { cores: 2 }, { cores: [2, 3] }],
    ["more cores than there are", cores(6), { cores: [2, 3, 4, 5, 6, 7] }],
    ["all cores", cores("all"), {}],
    ["no cores", cores(0), { cores: [] }],
    ["node", node(1, 64), { cores: [2], memoryBytes: 64 * G }],
    ["no gpus", { gpus: 0 }, { gpus: [] }],
    ["memory", memory("1G"), { memoryBytes: G }],
    ["tokens", token("x"), { tokens: ["x"] }],
    ["capacity", { capacity: 2 }, { others: [{ kind: "capacity", amount: 20_000 }, tape] }],
    ["one's own", { resources: { tape: 3 } }, { others: [{ kind: "tape", amount: 30_000 }] }],
    ["none of one's own", { resources: { tape: 0 } }, { others: [] }],
    ["walltime", { wtime: 60 }, { remainingMs: 60_000 }],
  ])("%s", (_name, like, expected) => {
    expect(resourceToPool(like, base)).toEqual({ ...base, ...expected });
  });

  it.each<[string, ResourceLike, RegExp]>([
    ["alternatives", anyOf(cores(1), gpus(1)), /^anyOf: a worker cannot own alternatives/],
    ["half a core", cores(0.5), /^cores: a worker owns whole cores, not 0\.5 cores/],
    ["half a gpu", gpus(1.5), /^gpus: a worker owns whole gpus, not 1\.5 gpus/],
    ["nodes", nodes(2), /^nodes: a worker cannot own 2 workers/],
    ["a limit", limit("l", 2), /^limit l: a limit is cluster-wide/],
    ["a layout", cores(2, "tight"), /^coreLayout: a worker owns cores in no layout, so "tight"/],
    ["an unknown key", { cpu: 2 } as never, /^cpu: there is no such resource \(did you mean "cores"\?\)/],
  ])("refuses %s", (_name, like, message) => {
    expect(() => resourceToPool(like, base)).toThrow(message);
    expect(() => resourceToPool(like, base)).toThrow(ResourceError);
  });
});
