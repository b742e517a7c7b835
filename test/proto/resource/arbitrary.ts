/** Random demands, requests and pools, always in canonical form. */

import fc from "fast-check";
import { SCALE } from "../../../proto/resource/amount.js";
import { canonicalDemand, canonicalRequest } from "../../../proto/resource/canonical.js";
import type { Amount, Demand, Request } from "../../../proto/resource/demand.js";
import { canonicalPool, type NumaNode, type Pool } from "../../../proto/resource/pool.js";

export const label: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom("has-gpu", "license:matlab", "or", "soft", "a b", 'say "x", or y', "back\\slash", "größe"),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }).filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text)),
);

const ownKind = fc.constantFrom("licenses", "tape", "or", "nothing", "x:y", "a.b");

/** Half of them whole. */
export function countable(maxUnits: number): fc.Arbitrary<number> {
  return fc.oneof(
    fc.integer({ min: 0, max: maxUnits }).map((n) => n * SCALE),
    fc.constantFrom(0.25, 0.5, 0.75, 1.5).map((n) => n * SCALE),
    fc.integer({ min: 1, max: maxUnits * SCALE }),
  );
}

function optional<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.oneof(
    fc.constant<T[]>([]),
    value.map((item) => [item]),
  );
}

const layout = fc.constantFrom("", "tight", "spread");

/** The layout where it can be asked for. */
function layoutFor({ nodes, amounts, coreLayout }: Pick<Demand, "nodes" | "amounts" | "coreLayout">): string {
  const cores = amounts.find(({ kind }) => kind === "cores")?.amount ?? 0.5;
  return nodes > 0 || cores % SCALE !== 0 ? "" : coreLayout;
}

const walltime = fc
  .record({
    hardMs: fc.integer({ min: 1, max: 1e9 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    group: fc.oneof(fc.constant(""), label),
  })
  .map(({ hardMs, share, group }) => ({ hardMs, softMs: Math.max(1, Math.round(hardMs * share)), group }));

export const demand: fc.Arbitrary<Demand> = fc
  .record({
    cores: optional(countable(8)),
    memory: optional(
      fc.oneof(
        fc.integer({ min: 0, max: 16 }).map((n) => n * 1024 ** 3),
        fc.integer({ min: 0, max: 1e12 }),
      ),
    ),
    gpus: optional(countable(4)),
    capacity: optional(fc.integer({ min: 0, max: 8 }).map((n) => n * SCALE)),
    own: fc.uniqueArray(fc.record({ kind: ownKind, amount: countable(4) }), {
      selector: ({ kind }) => kind,
      maxLength: 2,
    }),
    tokens: fc.uniqueArray(label, { maxLength: 2 }),
    walltime: fc.option(walltime, { nil: undefined }),
    allCores: fc.boolean(),
    nodes: fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 4 }) },
    ),
    limits: fc.uniqueArray(fc.record({ name: label, count: fc.integer({ min: 1, max: 9 }) }), {
      selector: ({ name }) => name,
      maxLength: 2,
    }),
    coreLayout: layout,
  })
  .map(({ cores, memory, gpus, capacity, own, ...rest }) => {
    const whole = (amount: number) => (rest.nodes > 0 ? amount - (amount % SCALE) : amount);
    const allCores = rest.allCores && cores.length === 0;
    const amounts: Amount[] = [
      ...cores.map((amount) => ({ kind: "cores", amount: whole(amount) })),
      ...memory.map((amount) => ({ kind: "memory", amount })),
      ...gpus.map((amount) => ({ kind: "gpus", amount: whole(amount) })),
      ...capacity.map((amount) => ({ kind: "capacity", amount })),
      ...own,
    ];
    return canonicalDemand({ ...rest, allCores, amounts, coreLayout: layoutFor({ ...rest, amounts }) });
  });

export const request: fc.Arbitrary<Request> = fc
  .array(demand, { minLength: 1, maxLength: 3 })
  .map((alternatives) => canonicalRequest({ alternatives }));

const ids = (maxLength: number) => fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength });

export const pool: fc.Arbitrary<Pool> = fc
  .record({
    cores: ids(8),
    gpus: ids(4),
    memoryBytes: fc.integer({ min: 0, max: 16 }).map((n) => n * 1024 ** 3),
    others: fc.uniqueArray(
      fc.record({ kind: fc.constantFrom("capacity", "licenses", "tape"), amount: countable(6) }),
      {
        selector: ({ kind }) => kind,
      },
    ),
    tokens: fc.uniqueArray(fc.constantFrom("has-gpu", "fast"), { maxLength: 2 }),
    remainingMs: fc.option(fc.integer({ min: 0, max: 1e9 }), { nil: undefined }),
    nodes: fc.array(fc.integer({ min: -1, max: 3 }), { minLength: 8, maxLength: 8 }),
    perSocket: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ nodes, perSocket, ...given }) =>
    canonicalPool({ ...given, numa: numaOf(given.cores, nodes, perSocket) }),
  );

/** Cores on the nodes with these numbers, on none where that is negative. */
function numaOf(cores: readonly number[], nodes: readonly number[], perSocket: number): NumaNode[] {
  const numa = [0, 1, 2, 3].map((number): NumaNode => {
    const here = cores.filter((_, index) => nodes[index] === number);
    return { socket: Math.floor(number / perSocket), cores: here };
  });
  return numa.filter(({ cores: { length } }) => length > 0);
}

/** Small demands without tokens and gangs, many of which fit beside each other. */
export const smallDemand: fc.Arbitrary<Demand> = fc
  .record({
    cores: optional(countable(3)),
    gpus: optional(countable(2)),
    memory: optional(fc.integer({ min: 1, max: 4 }).map((n) => n * 1024 ** 3)),
    licenses: optional(countable(2)),
    all: fc.constantFrom(...Array.from({ length: 12 }, (_, index) => index)),
    coreLayout: layout,
  })
  .map(({ cores, gpus, memory, licenses, all, coreLayout }) =>
    canonicalDemand({
      amounts: [
        ...(all === 0 ? [] : cores.map((amount) => ({ kind: "cores", amount }))),
        ...(all === 1 ? [] : gpus).map((amount) => ({
          kind: "gpus",
          amount: all === 1 ? amount - (amount % SCALE) : amount,
        })),
        ...memory.map((amount) => ({ kind: "memory", amount })),
        ...licenses.map((amount) => ({ kind: "licenses", amount })),
      ],
      tokens: [],
      allCores: all === 0,
      nodes: 0,
      limits: [],
      coreLayout: all === 0 || (cores[0] ?? 1) % SCALE !== 0 ? "" : coreLayout,
    }),
  );
