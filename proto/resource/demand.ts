/**
 * What a task asks for: plain data, as it is on the wire, and what can be said
 * about it without a worker.
 *
 * How users write it is resource's; whether a machine has it is pool's and ledger's.
 *
 * Everything here takes demands in canonical form (see canonical.ts): amounts
 * sorted by kind, none of them zero, tokens and limits sorted, nothing twice.
 */

import { formatDuration } from "../duration.js";
import { formatAmount } from "./amount.js";
import { formatLabel } from "./name.js";

/** So much of one kind. */
export interface Amount {
  /** "cores", "memory", "gpus", "capacity" or a user-defined kind. */
  kind: string;
  /** Ten-thousandths of a unit; for "memory" bytes. A safe integer. */
  amount: number;
}

/** How long a task may run. */
export interface Walltime {
  /** A task that runs longer is killed. */
  hardMs: number;
  /** A worker must have so much time left for the task to start there. */
  softMs: number;
  /** Tasks of one group share learnt limits; empty: not learnt. */
  group: string;
}

/** A cluster-wide counted group: at most `count` of its tasks run at once. */
export interface Limit {
  name: string;
  count: number;
}

/** What one task asks for. */
export interface Demand {
  amounts: Amount[];
  /** The worker must carry each of these labels. */
  tokens: string[];
  walltime?: Walltime | undefined;
  /** Every core of one worker; `amounts` then holds no cores. */
  allCores: boolean;
  /** Whole workers at once, each with the amounts; 0: not a gang. */
  nodes: number;
  limits: Limit[];
  /** How the ids of the cores are chosen: "" (compact), "tight" or "spread". A preference that never blocks. */
  coreLayout: string;
}

/** Alternatives in order of preference; the first that fits is granted. At least one. */
export interface Request {
  alternatives: Demand[];
}

/** A demand for nothing: fits every worker. */
export function emptyDemand(): Demand {
  return {
    amounts: [],
    tokens: [],
    walltime: undefined,
    allCores: false,
    nodes: 0,
    limits: [],
    coreLayout: "",
  };
}

/**
 * The amount of one kind that a demand asks for.
 *
 * @returns 0 when it does not ask for the kind (also cores, when it asks for all of them)
 */
export function amountOf(demand: Demand, kind: string): number {
  for (const item of demand.amounts) if (item.kind === kind) return item.amount;
  return 0;
}

/**
 * A text that is the same for two demands exactly when they ask for the same.
 *
 * @param demand in canonical form
 */
export function demandKey(demand: Demand): string {
  const { walltime } = demand;
  return JSON.stringify([
    demand.amounts.map(({ kind, amount }) => [kind, amount]),
    demand.tokens,
    walltime === undefined ? 0 : [walltime.hardMs, walltime.softMs, walltime.group],
    demand.allCores ? 1 : 0,
    demand.nodes,
    demand.limits.map(({ name, count }) => [name, count]),
    demand.coreLayout,
  ]);
}

/** A text that is the same for two requests exactly when their alternatives are, in order. */
export function requestKey(request: Request): string {
  return request.alternatives.map(demandKey).join("\n");
}

/**
 * Whether whoever was granted `a` can run `b` in its place, on the same worker and
 * without anything more: no amount of b is above that of a, and b's tokens, limits
 * and soft walltime are within a's.
 *
 * This holds for ids too: after `give` of an allocation for a, `take` of b succeeds.
 * It errs on the safe side where the demands alone do not tell: a demand for all
 * cores covers cores only where both ask for all, and a gang covers only a gang of its size.
 * Layouts do not matter: they never decide whether there are enough cores.
 * But time passes: what the worker has left of its walltime now is for the caller to check.
 * Reflexive and transitive.
 *
 * @example
 * covers(a, a) // true
 */
export function covers(a: Demand, b: Demand): boolean {
  if (b.nodes !== a.nodes) return false;
  if (b.allCores && !a.allCores) return false;
  for (const { kind, amount } of b.amounts) if (amount > amountOf(a, kind)) return false;
  for (const token of b.tokens) if (!a.tokens.includes(token)) return false;
  for (const { name, count } of b.limits) {
    // Another count of the same limit is another limit: its tasks must be counted anew.
    if (!a.limits.some((limit) => limit.name === name && limit.count === count)) return false;
  }
  if (b.walltime === undefined) return true;
  return a.walltime !== undefined && b.walltime.softMs <= a.walltime.softMs;
}

/**
 * Whether a worker with these free amounts has enough for a demand, by amounts alone:
 * tokens, walltime and limits are not looked at, and whether ids fit too is the
 * worker's to find out (they always do unless fractions of cores or gpus are in use, see Ledger).
 *
 * @param free as of `Ledger.free` or `poolAmounts`
 * @param total what the worker has in all: a demand for all cores needs all of them free, one
 *   for whole workers needs everything free. Default: `free`, so that what is free is taken for all
 * @example
 * fitsAmounts(demand, poolAmounts(pool)) // whether it fits while nothing else runs
 */
export function fitsAmounts(
  demand: Demand,
  free: ReadonlyMap<string, number>,
  total: ReadonlyMap<string, number> = free,
): boolean {
  for (const { kind, amount } of demand.amounts) if (amount > (free.get(kind) ?? 0)) return false;
  if (demand.allCores) {
    const cores = free.get("cores") ?? 0;
    if (cores === 0 || cores < (total.get("cores") ?? 0)) return false;
  }
  if (demand.nodes > 0) for (const [kind, amount] of total) if ((free.get(kind) ?? 0) < amount) return false;
  return true;
}

/** The order in which people expect them. */
const KIND_ORDER = ["cores", "memory", "gpus", "capacity"];

/** Amounts in the order in which people expect them: built-in kinds first. */
export function inReadingOrder(amounts: readonly Amount[]): readonly Amount[] {
  const rank = (kind: string) => {
    const index = KIND_ORDER.indexOf(kind);
    return index < 0 ? KIND_ORDER.length : index;
  };
  return [...amounts].sort((a, b) => rank(a.kind) - rank(b.kind));
}

/**
 * Writes a demand for people; `parseRequest` reads it back.
 *
 * @returns e.g. "4 cores spread, 8G memory, token has-gpu, walltime 1:00:00"; "nothing" for an empty one
 */
export function formatDemand(demand: Demand): string {
  const parts: string[] = [];
  if (demand.nodes > 0) parts.push(demand.nodes === 1 ? "1 node" : `${demand.nodes} nodes`);
  if (demand.allCores) parts.push("all cores");
  for (const { kind, amount } of inReadingOrder(demand.amounts)) {
    const layout = kind === "cores" && demand.coreLayout !== "" ? ` ${demand.coreLayout}` : "";
    parts.push(formatAmount(kind, amount) + layout);
  }
  for (const token of demand.tokens) parts.push(`token ${formatLabel(token)}`);
  if (demand.walltime !== undefined) parts.push(formatWalltime(demand.walltime));
  for (const { name, count } of demand.limits) parts.push(`limit ${formatLabel(name)} ${count}`);
  return parts.length === 0 ? "nothing" : parts.join(", ");
}

function formatWalltime({ hardMs, softMs, group }: Walltime): string {
  let text = `walltime ${formatDuration(hardMs)}`;
  if (softMs !== hardMs) text += ` soft ${formatDuration(softMs)}`;
  if (group !== "") text += ` group ${formatLabel(group)}`;
  return text;
}

/**
 * Writes a request for people: its alternatives, joined by "or".
 *
 * @returns e.g. "1 gpu or 8 cores, 4G memory"
 */
export function formatRequest(request: Request): string {
  return request.alternatives.map(formatDemand).join(" or ");
}
