/** What can be wrong with a request for resources or with a worker's pool, and their canonical order. */

import type { Demand, Pool, Request } from "../../../proto/grain.js";
import { type Complaint, isUint32 } from "./columns.js";

/** More alternatives, kinds or labels than anybody needs; bounds what one spec costs the scheduler. */
const MAX_ALTERNATIVES = 64;
const MAX_ITEMS = 256;

function isAmount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isDuration(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}

function wrongAmounts(amounts: readonly { kind: string; amount: number }[]): Complaint {
  const kinds = new Set<string>();
  for (const { kind, amount } of amounts) {
    if (kind === "") return "a resource has no kind";
    if (kinds.has(kind)) return `"${kind}" is given twice`;
    kinds.add(kind);
    if (!isAmount(amount)) return `the amount of "${kind}" is ${amount}`;
  }
  return undefined;
}

function wrongDemand(demand: Demand): Complaint {
  const { amounts, tokens, walltime, nodes, limits } = demand;
  if (amounts.length + tokens.length + limits.length > MAX_ITEMS) return `it asks for more than ${MAX_ITEMS} things`;
  const wrong = wrongAmounts(amounts);
  if (wrong !== undefined) return wrong;
  if (tokens.some((token) => token === "")) return "a token has no name";
  if (walltime !== undefined && !(isDuration(walltime.hardMs) && isDuration(walltime.softMs))) {
    return `its walltime is ${walltime.hardMs} ms, soft ${walltime.softMs} ms`;
  }
  if (!isUint32(nodes)) return `it asks for ${nodes} nodes`;
  const names = new Set<string>();
  for (const { name, count } of limits) {
    if (name === "" || names.has(name)) return `limit "${name}" has no name or is given twice`;
    names.add(name);
    if (!isUint32(count) || count === 0) return `limit "${name}" has the count ${count}`;
  }
  return undefined;
}

/** A request needs alternatives, and each must make sense. */
export function wrongRequest(request: Request | undefined): Complaint {
  if (request === undefined || request.alternatives.length === 0) return "its request has no alternatives";
  if (request.alternatives.length > MAX_ALTERNATIVES) return `its request has more than ${MAX_ALTERNATIVES} alternatives`;
  for (const demand of request.alternatives) {
    const wrong = wrongDemand(demand);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function byText<T>(text: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0);
}

/**
 * The same request in canonical order: equal requests of any client become equal texts.
 *
 * @param request one without complaints
 */
export function canonical(request: Request): Request {
  return {
    alternatives: request.alternatives.map((demand) => ({
      amounts: demand.amounts.filter(({ amount }) => amount > 0).sort(byText(({ kind }) => kind)),
      tokens: [...new Set(demand.tokens)].sort(),
      walltime: demand.walltime,
      allCores: demand.allCores,
      nodes: demand.nodes,
      limits: [...demand.limits].sort(byText(({ name }) => name)),
    })),
  };
}

function wrongIds(ids: readonly number[], what: string): Complaint {
  for (const id of ids) if (!isUint32(id)) return `${what} id ${id} is not a whole number`;
  return new Set(ids).size === ids.length ? undefined : `a ${what} id is given twice`;
}

/** Kinds that a pool states in fields of their own. */
const OWN_FIELD = new Set(["cores", "gpus", "memory"]);

/** A pool states each thing once, in amounts that can be counted. */
export function wrongPool(pool: Pool | undefined): Complaint {
  if (pool === undefined) return "it offers no pool";
  const wrong = wrongIds(pool.cores, "core") ?? wrongIds(pool.gpus, "gpu") ?? wrongAmounts(pool.others);
  if (wrong !== undefined) return wrong;
  const own = pool.others.find(({ kind }) => OWN_FIELD.has(kind));
  if (own !== undefined) return `"${own.kind}" belongs in a field of its own`;
  if (!isAmount(pool.memoryBytes)) return `its memory is ${pool.memoryBytes} bytes`;
  if (pool.remainingMs !== undefined && !isDuration(pool.remainingMs)) return `its remaining time is ${pool.remainingMs} ms`;
  return undefined;
}
