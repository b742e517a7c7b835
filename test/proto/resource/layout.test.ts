import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ResourceError } from "../../../proto/errors.js";
import { SCALE } from "../../../proto/resource/amount.js";
import type { Demand } from "../../../proto/resource/demand.js";
import { type CoreLayout, checkLayout, chooseNodes, type NodeRoom } from "../../../proto/resource/layout.js";
import { Ledger } from "../../../proto/resource/ledger.js";
import type { NumaNode, Pool } from "../../../proto/resource/pool.js";
import { combine, cores, nodes, type Resource, toRequest } from "../../../proto/resource/resource.js";

const LAYOUTS = ["", "tight", "spread"] as const;

/** Two sockets of two nodes of four cores each: 0-3, 4-7 and 8-11, 12-15. */
const numa: NumaNode[] = [
  { socket: 0, cores: [0, 1, 2, 3] },
  { socket: 0, cores: [4, 5, 6, 7] },
  { socket: 1, cores: [8, 9, 10, 11] },
  { socket: 1, cores: [12, 13, 14, 15] },
];

function machine(nodes: NumaNode[] = numa): Pool {
  const ids = nodes.flatMap((node) => node.cores);
  return { cores: ids, gpus: [], memoryBytes: 0, others: [], tokens: [], numa: nodes };
}

function ask(count: number, layout?: CoreLayout): Demand {
  return toRequest(cores(count, layout)).alternatives[0]!;
}

/** The ledger of a machine on which these ids are in use. */
function using(ids: readonly number[], nodes: NumaNode[] = numa): Ledger {
  const pool = machine(nodes);
  const ledger = new Ledger(pool);
  // One at a time in the order of the ids, and back again what is not to be in use.
  const order = [...pool.cores].sort((a, b) => a - b);
  const taken = order.map(() => ledger.take(ask(1)));
  for (const allocation of taken) {
    if (allocation !== undefined && !ids.includes(allocation.cores[0]!.id)) ledger.give(allocation);
  }
  return ledger;
}

function taken(ledger: Ledger, demand: Demand): number[] | undefined {
  return ledger.take(demand)?.cores.map(({ id }) => id);
}

describe("names of layouts", () => {
  it("are canonical in a demand", () => {
    expect(["", "compact", "tight", "spread"].map((name) => checkLayout(name))).toEqual([
      "",
      "",
      "tight",
      "spread",
    ]);
    expect(() => checkLayout("scatter", "x")).toThrow(ResourceError);
    expect(() => checkLayout(undefined, "x")).toThrow(/^x: there is no layout undefined/);
  });
});

describe("a layout in a resource", () => {
  it.each<[string, Resource, string]>([
    ["tight cores", cores(4, "tight"), "4 cores tight"],
    ["spread cores", combine({ cores: 4, coreLayout: "spread" }, { token: "x" }), "4 cores spread, token x"],
    ["the default layout", cores(4, "compact"), "4 cores"],
    ["the default layout of a fraction", cores(0.5, "compact"), "0.5 cores"],
    ["a layout of no cores", cores(0, "spread"), "nothing"],
    ["a layout of all cores", cores("all", "spread"), "all cores"],
  ])("%s", (_name, built, text) => {
    expect(String(built)).toBe(text);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      "an unknown layout",
      () => cores(2, "tigth" as never),
      /^coreLayout: there is no layout "tigth" \(did you mean "tight"\?\); use compact, tight or spread/,
    ],
    [
      "a layout that is no text",
      () => cores(2, 5 as never),
      /^coreLayout: there is no layout 5; use compact/,
    ],
    [
      "a layout of a fraction",
      () => cores(0.5, "tight"),
      /^coreLayout: "tight" needs a whole number of cores, not 0\.5/,
    ],
    [
      "a layout of a gang",
      () => nodes(2).and(cores(4, "spread")),
      /^coreLayout: "spread" cannot be combined with nodes\(2\)/,
    ],
    [
      "a layout of nothing",
      () => combine({ coreLayout: "spread" }),
      /^coreLayout: "spread" says how cores are chosen, but none are asked for/,
    ],
    [
      "an unknown layout in the plain form",
      () => combine({ coreLayout: "x", cores: 2 } as never),
      /^coreLayout: there is no layout "x"; use/,
    ],
  ])("refuses %s", (_name, build, message) => {
    expect(build).toThrow(message);
    expect(build).toThrow(ResourceError);
  });
});

describe("compact", () => {
  it.each<[string, number[], number, number[]]>([
    ["one node when one suffices", [], 4, [0, 1, 2, 3]],
    ["the node with the least left over", [0, 4, 5, 8], 2, [6, 7]],
    ["a node that fits exactly before a lower one", [0, 8], 3, [1, 2, 3]],
    ["two nodes of one socket", [0, 1, 4, 5], 5, [8, 9, 10, 11, 12]],
    ["two nodes of one socket when that is exact", [0, 1, 8, 9, 12], 5, [10, 11, 13, 14, 15]],
    ["nodes of both sockets when one has too few", [0, 1, 4, 8, 9, 12], 6, [5, 6, 7, 13, 14, 15]],
    ["more nodes when no two suffice", [], 10, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  ])("takes %s", (_, used, count, expected) => {
    expect(taken(using(used), ask(count))).toEqual(expected);
  });

  it("puts a fraction with the whole ones, where that takes fewer nodes", () => {
    const ledger = new Ledger(machine());
    expect(taken(ledger, ask(0.5))).toEqual([0]);
    expect(taken(ledger, ask(4))).toEqual([4, 5, 6, 7]);
    expect(taken(ledger, ask(3.5))).toEqual([0, 1, 2, 3]);
    expect(taken(ledger, ask(2.5))).toEqual([8, 9, 10]);
  });
});

describe("tight", () => {
  const uneven: NumaNode[] = [
    { socket: 0, cores: [0, 1] },
    { socket: 0, cores: [2, 3, 4, 5] },
    { socket: 1, cores: [6, 7, 8, 9] },
  ];

  it("leaves whole nodes free, where compact leaves little over", () => {
    expect(taken(using([2], uneven), ask(2))).toEqual([0, 1]);
    expect(taken(using([2], uneven), ask(2, "tight"))).toEqual([3, 4]);
  });

  it("takes as few nodes as compact", () => {
    expect(taken(using([2, 3], uneven), ask(4, "tight"))).toEqual([6, 7, 8, 9]);
  });

  it("opens one whole node rather than two", () => {
    expect(taken(using([0, 4, 8]), ask(6, "tight"))).toEqual([1, 2, 3, 5, 6, 7]);
    expect(taken(using([0, 4, 5, 8, 9]), ask(6, "tight"))).toEqual([10, 11, 12, 13, 14, 15]);
  });
});

describe("spread", () => {
  it.each<[string, number[], number, number[]]>([
    ["one of each", [], 4, [0, 4, 8, 12]],
    ["of the emptiest first", [0, 4, 5], 2, [8, 12]],
    ["of a node of its own when one core is wanted", [0, 8], 1, [4]],
    ["the same number of each", [], 8, [0, 1, 4, 5, 8, 9, 12, 13]],
    ["what there is, where a node has less", [0, 1, 2], 6, [3, 4, 5, 8, 9, 12]],
  ])("takes %s", (_, used, count, expected) => {
    expect(taken(using(used), ask(count, "spread"))).toEqual(expected);
  });
});

describe("a machine of one node", () => {
  it.each(["compact", "tight", "spread"] as const)("gives the lowest ids, %s", (layout) => {
    for (const nodes of [[], [{ socket: 0, cores: [0, 1, 2, 3] }]]) {
      const ledger = new Ledger({ ...machine(), cores: [0, 1, 2, 3], numa: nodes });
      expect(taken(ledger, ask(2, layout))).toEqual([0, 1]);
      expect(taken(ledger, ask(2, layout))).toEqual([2, 3]);
    }
  });
});

describe("cores of no node", () => {
  it("are taken for one more", () => {
    const pool = { ...machine(numa.slice(0, 1)), cores: [0, 1, 2, 3, 20, 21] };
    const ledger = new Ledger(pool);
    expect(taken(ledger, ask(2))).toEqual([20, 21]);
    expect(taken(ledger, ask(4))).toEqual([0, 1, 2, 3]);
  });
});

const room: fc.Arbitrary<NodeRoom> = fc
  .record({
    socket: fc.integer({ min: 0, max: 2 }),
    size: fc.integer({ min: 0, max: 5 }),
    used: fc.integer({ min: 0, max: 5 }),
  })
  .map(({ socket, size, used }) => ({ socket, size, free: Math.max(0, size - used) }));
const rooms = fc.array(room, { maxLength: 6 });
const count = fc.integer({ min: 1, max: 16 });

/** Every choice of nodes. */
function subsets(nodes: readonly NodeRoom[]): NodeRoom[][] {
  return nodes.reduce<NodeRoom[][]>((all, node) => all.flatMap((some) => [some, [...some, node]]), [[]]);
}

const free = (nodes: readonly NodeRoom[]) => nodes.reduce((sum, node) => sum + node.free, 0);
const opened = (nodes: readonly NodeRoom[]) => nodes.filter((node) => node.free === node.size).length;

describe("whatever the layout", () => {
  it("cores are found exactly when so many are free, and none twice", () => {
    fc.assert(
      fc.property(rooms, count, fc.constantFrom(...LAYOUTS), (nodes, wanted, layout) => {
        const shares = chooseNodes(nodes, wanted, layout);
        expect(shares !== undefined).toBe(free(nodes) >= wanted);
        if (shares === undefined) return;
        expect(shares.reduce((sum, share) => sum + share.count, 0)).toBe(wanted);
        expect(new Set(shares.map(({ node }) => node)).size).toBe(shares.length);
        for (const share of shares) {
          expect(share.count).toBeGreaterThan(0);
          expect(share.count).toBeLessThanOrEqual(share.node.free);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("compact and tight take as few nodes as can be, of one socket if they can, and tight opens as few as can be", () => {
    fc.assert(
      fc.property(rooms, count, (nodes, wanted) => {
        const enough = subsets(nodes).filter((some) => free(some) >= wanted);
        if (enough.length === 0) return;
        const fewest = Math.min(...enough.map(({ length }) => length));
        const best = enough.filter(({ length }) => length === fewest);
        const isOneSocket = (some: readonly NodeRoom[]) =>
          new Set(some.map(({ socket }) => socket)).size === 1;
        const near = best.filter(isOneSocket);
        const choices = near.length > 0 ? near : best;
        for (const layout of ["", "tight"]) {
          const chosen = chooseNodes(nodes, wanted, layout)!.map(({ node }) => node);
          expect(chosen.length).toBe(fewest);
          expect(isOneSocket(chosen)).toBe(near.length > 0);
          if (layout === "tight") expect(opened(chosen)).toBe(Math.min(...choices.map(opened)));
          else if (fewest === 1) expect(free(chosen)).toBe(Math.min(...choices.map(free)));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("spread takes as many nodes as can be, evenly", () => {
    fc.assert(
      fc.property(rooms, count, (nodes, wanted) => {
        const shares = chooseNodes(nodes, wanted, "spread");
        if (shares === undefined) return;
        const usable = nodes.filter((node) => node.free > 0);
        expect(shares.length).toBe(Math.min(wanted, usable.length));
        const most = Math.max(...shares.map((share) => share.count));
        for (const share of shares) {
          if (share.count < most - 1) expect(share.count).toBe(share.node.free);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("the ledger grants the ids of the chosen nodes", () => {
    const size = fc.integer({ min: 1, max: 4 });
    const nodes = fc.array(size, { minLength: 1, maxLength: 4 }).map((sizes) => {
      let next = 0;
      return sizes.map((length, index) => ({
        socket: index >> 1,
        cores: Array.from({ length }, () => next++),
      }));
    });
    const taking = fc.record({
      count: fc.integer({ min: 1, max: 5 }),
      layout: fc.constantFrom("compact", "tight", "spread"),
      back: fc.boolean(),
    });
    fc.assert(
      fc.property(nodes, fc.array(taking, { maxLength: 12 }), (given, steps) => {
        const ledger = new Ledger(machine(given));
        const used = new Set<number>();
        for (const { count: wanted, layout, back } of steps) {
          const before = given.map((node) => node.cores.filter((id) => !used.has(id)).length);
          const allocation = ledger.take(ask(wanted, layout));
          expect(allocation !== undefined).toBe(before.reduce((a, b) => a + b, 0) >= wanted);
          if (allocation === undefined) continue;
          for (const { id, amount } of allocation.cores) {
            expect(used.has(id)).toBe(false);
            expect(amount).toBe(SCALE);
          }
          const touched = given.filter((node) => allocation.cores.some(({ id }) => node.cores.includes(id)));
          const sorted = [...before].sort((a, b) => b - a);
          const fewest =
            sorted.findIndex((_, i) => sorted.slice(0, i + 1).reduce((a, b) => a + b) >= wanted) + 1;
          const most = Math.min(wanted, before.filter((n) => n > 0).length);
          expect(touched.length).toBe(layout === "spread" ? most : fewest);
          if (back) ledger.give(allocation);
          else for (const { id } of allocation.cores) used.add(id);
        }
      }),
    );
  });
});
