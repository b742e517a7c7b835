/**
 * Ids of one kind on one worker, and how much of each is free.
 *
 * From which NUMA nodes whole ids come is layout's; who they are for is ledger's.
 */

import { SCALE } from "./amount.js";
import { chooseNodes, type NodeRoom, type Share } from "./layout.js";
import type { NumaNode } from "./pool.js";

/** One id, or a share of it. */
export interface Grant {
  readonly id: number;
  /** Ten-thousandths: 10_000 is the whole, for one task alone. */
  readonly amount: number;
}

/** A NUMA node. */
interface Node extends NodeRoom {
  /** Ascending. */
  readonly ids: readonly number[];
  free: number;
}

/** The partly used id that a fraction goes to, with the nodes for the whole ids beside it. */
interface Fit {
  readonly shares: readonly Share<Node>[];
  /** How many nodes take part, that of the fraction included. */
  readonly nodes: number;
  readonly id: number;
  /** What of the id is free. */
  readonly room: number;
}

/**
 * Ids and what of each is free.
 *
 * @example
 * const slots = new Slots([0, 1, 2, 3], []);
 * const grants = slots.find(15_000, ""); // 0 whole, half of 1
 */
export class Slots {
  readonly #nodes: readonly Node[];
  readonly #nodeOf = new Map<number, Node>();
  /** By id: 0 to SCALE. */
  readonly #free: Map<number, number>;

  /**
   * @param ids ascending
   * @param numa the nodes they are on; those on none of them are taken for one more
   */
  constructor(ids: readonly number[], numa: readonly NumaNode[]) {
    const placed = new Set(numa.flatMap((node) => node.cores));
    const others = { socket: -1, cores: ids.filter((id) => !placed.has(id)) };
    const nodes = others.cores.length > 0 ? [...numa, others] : numa;
    this.#nodes = nodes.map(({ socket, cores }) => ({
      socket,
      ids: cores,
      size: cores.length,
      free: cores.length,
    }));
    for (const node of this.#nodes) for (const id of node.ids) this.#nodeOf.set(id, node);
    this.#free = new Map(ids.map((id) => [id, SCALE]));
  }

  /**
   * The ids to grant for an amount, ascending; undefined when they do not suffice. Changes nothing.
   *
   * @param layout as in a demand; a fraction is always compact
   */
  find(amount: number, layout: string): Grant[] | undefined {
    const part = amount % SCALE;
    const whole = (amount - part) / SCALE;
    const grants = part > 0 ? this.#findWithPart(whole, part) : this.#findWhole(whole, layout);
    return grants?.sort((a, b) => a.id - b.id);
  }

  /** Adds the grants to what is free, or takes them from it; returns their sum. */
  move(grants: readonly Grant[], sign: 1 | -1): number {
    let sum = 0;
    for (const { id, amount } of grants) {
      const before = this.#free.get(id) ?? 0;
      const after = before + sign * amount;
      this.#free.set(id, after);
      const node = this.#nodeOf.get(id);
      if (node !== undefined) node.free += Number(after === SCALE) - Number(before === SCALE);
      sum += amount;
    }
    return sum;
  }

  #findWhole(count: number, layout: string): Grant[] | undefined {
    const shares = chooseNodes(this.#nodes, count, layout);
    return shares === undefined ? undefined : this.#pick(shares);
  }

  /** The fraction goes to the tightest of the partly used ids, unless that takes more nodes than a free one. */
  #findWithPart(whole: number, part: number): Grant[] | undefined {
    let best: Fit | undefined;
    for (const node of this.#nodes) {
      const fit = this.#fitInto(node, whole, part);
      if (fit !== undefined && (best === undefined || isBetter(fit, best))) best = fit;
    }
    const fresh = chooseNodes(this.#nodes, whole + 1, "");
    if (best !== undefined && (fresh === undefined || best.nodes <= fresh.length))
      return [...this.#pick(best.shares), { id: best.id, amount: part }];
    if (fresh === undefined) return undefined;
    const grants = this.#pick(fresh);
    return grants.map(({ id }, index) => ({ id, amount: index === grants.length - 1 ? part : SCALE }));
  }

  /** The fraction in a partly used id of this node, and as many of the whole ids with it as there are. */
  #fitInto(node: Node, whole: number, part: number): Fit | undefined {
    let tightest: { id: number; room: number } | undefined;
    for (const id of node.ids) {
      const room = this.#free.get(id) ?? 0;
      if (room < SCALE && room >= part && room < (tightest?.room ?? SCALE)) tightest = { id, room };
    }
    if (tightest === undefined) return undefined;
    const count = Math.min(whole, node.free);
    const others = this.#nodes.filter((other) => other !== node);
    const more = chooseNodes(others, whole - count, "");
    if (more === undefined) return undefined;
    return { ...tightest, shares: [{ node, count }, ...more], nodes: more.length + 1 };
  }

  /** The lowest wholly free ids of each node. */
  #pick(shares: readonly Share<Node>[]): Grant[] {
    const grants: Grant[] = [];
    for (const { node, count } of shares) {
      let left = count;
      for (const id of node.ids) {
        if (left === 0) break;
        if (this.#free.get(id) !== SCALE) continue;
        grants.push({ id, amount: SCALE });
        left--;
      }
    }
    return grants;
  }
}

function isBetter(a: Fit, b: Fit): boolean {
  if (a.nodes !== b.nodes) return a.nodes < b.nodes;
  return a.room === b.room ? a.id < b.id : a.room < b.room;
}
