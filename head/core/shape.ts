/**
 * Demands and pools as vectors.
 *
 * Kinds of resource are numbered once; a demand becomes a *shape*, interned, so
 * that two classes that ask for the same share one answer to "does it fit?".
 */

import { type Demand, demandKey, formatDemand } from "../../proto/resource/demand.js";
import { type Pool, poolAmounts } from "../../proto/resource/pool.js";
import type { Line } from "./line.js";
import type { TaskClass } from "./task-class.js";

/** Numbers the kinds of resource that have been seen. */
export class Kinds {
  readonly #numbers = new Map<string, number>();
  readonly names: string[] = [];
  /** "cores" is always kind 0. */
  readonly cores = this.of("cores");

  of(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.names.length;
      this.#numbers.set(name, number);
      this.names.push(name);
    }
    return number;
  }
}

/** One demand, in numbers. */
export interface Shape {
  readonly key: string;
  readonly demand: Demand;
  /** For people. */
  readonly text: string;
  readonly kinds: readonly number[];
  /** amounts[i] of kinds[i] */
  readonly amounts: readonly number[];
  readonly tokens: readonly string[];
  readonly allCores: boolean;
  /** 0: needs no particular time. Replaced by what its group has learnt; see walltime.ts. */
  readonly softMs: number;
  /** 0: not known. */
  readonly hardMs: number;
  /** Whose runs its limits are learnt from; empty: no group. */
  readonly group: string;
  readonly limits: readonly { readonly name: string; readonly count: number }[];
  /** How many whole workers; 0: not a gang. */
  readonly nodes: number;
  /** Classes of this shape with queued tasks. */
  readonly waiting: Set<TaskClass>;
  /** Their lines. */
  readonly lines: Set<Line>;
  /** How many classes of open sessions have it. */
  open: number;
  /** No worker has room for it, save perhaps those freed since the last plan. */
  full: boolean;
  /** Up to where it has been compared with what was freed since it was full; see freed.ts. */
  checkedTo: number;
}

/** Interns demands as shapes. */
export class Shapes {
  readonly #byKey = new Map<string, Shape>();

  constructor(readonly kinds: Kinds) {}

  of(demand: Demand): Shape {
    const key = demandKey(demand);
    let shape = this.#byKey.get(key);
    if (shape === undefined) {
      shape = {
        key,
        demand,
        text: formatDemand(demand),
        kinds: demand.amounts.map(({ kind }) => this.kinds.of(kind)),
        amounts: demand.amounts.map(({ amount }) => amount),
        tokens: demand.tokens,
        allCores: demand.allCores,
        softMs: demand.walltime?.softMs ?? 0,
        hardMs: demand.walltime?.hardMs ?? 0,
        group: demand.walltime?.group ?? "",
        limits: demand.limits,
        nodes: demand.nodes,
        waiting: new Set(),
        lines: new Set(),
        open: 0,
        full: false,
        checkedTo: 0,
      };
      this.#byKey.set(key, shape);
    }
    return shape;
  }

  all(): Iterable<Shape> {
    return this.#byKey.values();
  }
}

/** A pool as a vector over the kinds. */
export function vectorOf(pool: Pool, kinds: Kinds): number[] {
  const vector: number[] = [];
  for (const [kind, amount] of poolAmounts(pool)) {
    const number = kinds.of(kind);
    while (vector.length <= number) vector.push(0);
    vector[number] = amount;
  }
  return vector;
}
