/** What a task takes from a worker: a demand over the kinds of resource that a simulation numbers. */

import { covers, type Demand } from "../../proto/resource/demand.js";
import { type Pool, poolAmounts } from "../../proto/resource/pool.js";
import { Kinds } from "../core/shape.js";

/** Numbers the kinds of resource. */
export class KindNumbers extends Kinds {
  /** What a pool has, by number. */
  vectorOf(pool: Pool): number[] {
    const vector = this.names.map(() => 0);
    for (const [kind, amount] of poolAmounts(pool)) {
      const number = this.of(kind);
      while (vector.length <= number) vector.push(0);
      vector[number] = amount;
    }
    return vector;
  }
}

/** One demand, interned for a simulation. */
export class Use {
  /** amounts[i] of kinds[i] */
  readonly kinds: readonly number[];
  readonly amounts: readonly number[];
  readonly #covers = new Map<Use, boolean>();

  constructor(
    readonly demand: Demand,
    private readonly numbers: KindNumbers,
  ) {
    this.kinds = demand.amounts.map(({ kind }) => numbers.of(kind));
    this.amounts = demand.amounts.map(({ amount }) => amount);
  }

  /** Whether `other` can run in the place of a task of this. */
  covers(other: Use): boolean {
    if (other === this) return true;
    let answer = this.#covers.get(other);
    if (answer === undefined) {
      answer = covers(this.demand, other.demand);
      this.#covers.set(other, answer);
    }
    return answer;
  }

  /** Whether free amounts of a worker are enough for it, and the worker is of the right sort. */
  fits(free: readonly number[], total: readonly number[], tokens: ReadonlySet<string>): boolean {
    for (let i = 0; i < this.kinds.length; i += 1) {
      if ((free[this.kinds[i]!] ?? 0) < this.amounts[i]!) return false;
    }
    const { cores } = this.numbers;
    if (this.demand.allCores && (free[cores] !== total[cores] || total[cores] === 0)) return false;
    if (this.demand.nodes > 0 && total.some((amount, kind) => free[kind] !== amount)) return false;
    return this.demand.tokens.every((token) => tokens.has(token));
  }

  /** Adds what it takes from a worker with this total, times `factor`. A node of a gang is taken whole. */
  add(to: number[] | Float64Array, total: readonly number[], factor: number): void {
    if (this.demand.nodes > 0) {
      for (let kind = 0; kind < total.length; kind += 1) to[kind] = (to[kind] ?? 0) + factor * total[kind]!;
      return;
    }
    for (let i = 0; i < this.kinds.length; i += 1) {
      const kind = this.kinds[i]!;
      to[kind] = (to[kind] ?? 0) + factor * this.amounts[i]!;
    }
    const { cores } = this.numbers;
    if (this.demand.allCores) to[cores] = (to[cores] ?? 0) + factor * (total[cores] ?? 0);
  }
}
