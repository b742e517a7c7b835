/** What a worker would have that can be started on demand: the swarm's, see head/scale. */

import type { Demand } from "../../proto/resource/demand.js";
import { misfits, type Pool } from "../../proto/resource/pool.js";
import { type Kinds, type Shape, vectorOf } from "./shape.js";
import type { State } from "./state.js";
import { softOf } from "./walltime.js";

/** A worker that does not exist yet. */
export interface WorkerTemplate {
  /** `remainingMs` is that of a worker that has just started. */
  readonly pool: Pool;
  /** Kinds of which it may have any amount: the first one that is started will tell. */
  readonly unknown: readonly string[];
  /** There are never more workers at a time. */
  readonly most: number;
}

/** The same, in numbers. */
export interface Template extends WorkerTemplate {
  /** By kind; Infinity: not known. */
  readonly total: readonly number[];
  readonly unknownKinds: ReadonlySet<number>;
}

/** Prepares a template for comparisons. */
export function templateOf(given: WorkerTemplate, kinds: Kinds): Template {
  const total = vectorOf(given.pool, kinds);
  const unknownKinds = new Set(given.unknown.map((kind) => kinds.of(kind)));
  for (const kind of unknownKinds) {
    while (total.length <= kind) total.push(0);
    total[kind] = Number.POSITIVE_INFINITY;
  }
  return { ...given, total, unknownKinds };
}

/** Why a new worker could never run it; empty: it could, as far as is known. Of a gang: why enough of them could not. */
export function misfitsOf(state: Readonly<State>, template: Template, shape: Shape): string[] {
  const { pool, unknown, most } = template;
  const { amounts, allCores, walltime } = shape.demand;
  const known: Demand = {
    ...shape.demand,
    amounts: amounts.filter(({ kind }) => !unknown.includes(kind)),
    allCores: allCores && !unknown.includes("cores"),
    walltime: walltime === undefined ? undefined : { ...walltime, softMs: softOf(state, shape) },
  };
  const missing = misfits(known, pool);
  if (shape.nodes > most)
    missing.unshift(
      `${shape.nodes} nodes asked, at most ${most} ${most === 1 ? "worker" : "workers"} allowed`,
    );
  return missing;
}

/** Whether it asks for something of which it is not known how much a new worker has. */
export function asksForUnknown({ unknownKinds }: Template, shape: Shape, kinds: Kinds): boolean {
  return (
    shape.kinds.some((kind) => unknownKinds.has(kind)) || (shape.allCores && unknownKinds.has(kinds.cores))
  );
}
