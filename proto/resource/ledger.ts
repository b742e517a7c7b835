/**
 * Which cores, devices and amounts of one worker are in use: the worker's half of the
 * bookkeeping, which picks ids where the head only counts.
 *
 * Who may run, and when, is decided elsewhere.
 *
 * Invariants:
 *  1. Of no kind more is out than the pool has.
 *  2. An id granted whole is granted to nobody else; a fraction shares its id with
 *     fractions only, which together are at most one.
 *  3. Giving back everything that was taken, in whatever order, restores the first state.
 */

import { SCALE } from "./amount.js";
import { type Amount, amountOf, type Demand, fitsAmounts } from "./demand.js";
import { canonicalPool, type Pool, poolAmounts } from "./pool.js";
import { type Grant, Slots } from "./slots.js";

export type { Grant };

/** What one task was granted. Only the ledger that made it takes it back. */
export interface Allocation {
  /** By id, ascending. */
  readonly cores: readonly Grant[];
  /** By id, ascending. */
  readonly gpus: readonly Grant[];
  /** 0 when none was asked for. */
  readonly memoryBytes: number;
  /** "capacity" and user-defined kinds that were asked for, in ten-thousandths. */
  readonly others: readonly Readonly<Amount>[];
  /** The labels that were asked for. */
  readonly tokens: readonly string[];
}

/**
 * The accounts of one worker.
 *
 * @example
 * const ledger = new Ledger(pool);
 * const allocation = ledger.take(demand);
 * if (allocation !== undefined) ledger.give(allocation);
 */
export class Ledger {
  /** What the worker owns, in canonical form. */
  readonly pool: Pool;
  readonly #total: ReadonlyMap<string, number>;
  readonly #free: Map<string, number>;
  readonly #cores: Slots;
  readonly #gpus: Slots;
  readonly #out = new Set<Allocation>();

  /** @throws ResourceError when the pool is malformed, see `canonicalPool` */
  constructor(pool: Pool) {
    this.pool = canonicalPool(pool);
    this.#total = poolAmounts(this.pool);
    this.#free = new Map(this.#total);
    this.#cores = new Slots(this.pool.cores, this.pool.numa);
    this.#gpus = new Slots(this.pool.gpus, []);
  }

  /** How many allocations are out. */
  get outstanding(): number {
    return this.#out.size;
  }

  /**
   * Grants a demand, if that is possible now.
   *
   * Ids are picked compactly: whole ones are the lowest wholly free; a fraction goes to the
   * partly used id with the least room that suffices, or to the lowest wholly free one. Where
   * cores are on several NUMA nodes, the demand's layout says first from which of them they come
   * (see layout.ts); it never decides whether there are enough. A demand for all cores needs every
   * core free; a demand for whole workers (a gang's share) needs everything free and takes everything.
   *
   * Amounts that fit do not always mean ids that fit. Of w.f cores (w whole, f the fraction;
   * likewise of gpus), w ids must be wholly free, and for f > 0 one more id must have f free.
   * While only whole numbers are in use this is the same as enough free amount; fractions can
   * leave, say, 0.5 free on each of two ids: one core in amount, on no single id. Then this
   * returns undefined, although `fitsAmounts` is true, until one of the fractions is given back.
   *
   * Walltime and cluster-wide limits are not looked at.
   *
   * @param demand in canonical form
   * @returns undefined when amounts, ids or tokens do not suffice; nothing has changed then
   */
  take(demand: Demand): Allocation | undefined {
    if (!fitsAmounts(demand, this.#free, this.#total)) return undefined;
    for (const token of demand.tokens) if (!this.pool.tokens.includes(token)) return undefined;
    const whole = demand.nodes > 0;
    const all = whole || demand.allCores;
    const coresAsked = all ? this.pool.cores.length * SCALE : amountOf(demand, "cores");
    const cores = this.#cores.find(coresAsked, demand.coreLayout);
    const gpus = this.#gpus.find(whole ? this.pool.gpus.length * SCALE : amountOf(demand, "gpus"), "");
    if (cores === undefined || gpus === undefined) return undefined;
    const allocation: Allocation = {
      cores,
      gpus,
      memoryBytes: whole ? this.pool.memoryBytes : amountOf(demand, "memory"),
      others: (whole ? this.pool.others : demand.amounts.filter(isOther)).map((item) => ({ ...item })),
      tokens: [...demand.tokens],
    };
    this.#move(allocation, -1);
    this.#out.add(allocation);
    return allocation;
  }

  /**
   * Takes an allocation back.
   *
   * @throws Error when it was given back before, or another ledger made it
   */
  give(allocation: Allocation): void {
    if (!this.#out.delete(allocation))
      throw new Error("This allocation is not out: it was given back already, or another ledger made it.");
    this.#move(allocation, 1);
  }

  /**
   * What is free now, by kind as of `poolAmounts`. A copy: it does not change afterwards.
   */
  free(): ReadonlyMap<string, number> {
    return new Map(this.#free);
  }

  #move(allocation: Allocation, sign: 1 | -1): void {
    this.#add("cores", sign * this.#cores.move(allocation.cores, sign));
    this.#add("gpus", sign * this.#gpus.move(allocation.gpus, sign));
    this.#add("memory", sign * allocation.memoryBytes);
    for (const { kind, amount } of allocation.others) this.#add(kind, sign * amount);
  }

  #add(kind: string, amount: number): void {
    if (amount !== 0) this.#free.set(kind, (this.#free.get(kind) ?? 0) + amount);
  }
}

function isOther({ kind }: Amount): boolean {
  return kind !== "cores" && kind !== "gpus" && kind !== "memory";
}
