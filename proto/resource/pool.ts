/**
 * What one worker owns: plain data, as it is on the wire, and what can be said
 * about it without knowing what runs there.
 *
 * What is in use is ledger's; reading flags is parse-pool's.
 */

import { formatDuration } from "../duration.js";
import { ResourceError } from "../errors.js";
import { formatAmount, formatMemoryShort, SCALE } from "./amount.js";
import { compareText } from "./canonical.js";
import { type Amount, type Demand, inReadingOrder } from "./demand.js";
import { checkIds } from "./ids.js";
import { checkKind, checkLabel, formatLabel } from "./name.js";
import { show } from "./show.js";

/** Cores that are near the same memory. */
export interface NumaNode {
  /** The processor that they are on. */
  socket: number;
  /** Ids. */
  cores: number[];
}

/** What a worker offers. */
export interface Pool {
  /** Ids of its cores. */
  cores: number[];
  /** Ids of its devices. */
  gpus: number[];
  memoryBytes: number;
  /** "capacity" and user-defined kinds, in ten-thousandths of a unit. */
  others: Amount[];
  /** Labels it carries. */
  tokens: string[];
  /** What is left of its walltime, when this was said; undefined: no limit. */
  remainingMs?: number | undefined;
  /** Which cores share memory. Cores in none of them are taken for one more; empty: one node. */
  numa: NumaNode[];
}

/**
 * Brings a pool into canonical form: ids ascending, kinds and tokens sorted, no kind of amount zero.
 *
 * @param pool as it came, e.g. from the wire; not changed
 * @throws ResourceError when an id, kind or token appears twice or makes no sense
 */
export function canonicalPool(pool: Pool): Pool {
  const { memoryBytes, remainingMs } = pool;
  if (!Number.isSafeInteger(memoryBytes) || memoryBytes < 0)
    throw new ResourceError(
      `memory: ${show(memoryBytes)} is not a number of bytes; it must be whole, 0 or more.`,
    );
  if (remainingMs !== undefined && !(remainingMs >= 0))
    throw new ResourceError(
      `walltime: ${show(remainingMs)} is not what is left of a walltime; it must be 0 or more.`,
    );
  return {
    cores: checkIds(pool.cores, "cores"),
    gpus: checkIds(pool.gpus, "gpus"),
    memoryBytes,
    others: checkOthers(pool.others),
    tokens: checkTokens(pool.tokens),
    remainingMs,
    numa: checkNuma(pool),
  };
}

/** Of the pool's own cores: those of a machine of which a part is offered keep their nodes. */
function checkNuma({ cores, numa }: Pool): NumaNode[] {
  checkIds(
    numa.flatMap((node) => node.cores),
    "numa",
  );
  const own = new Set(cores);
  const nodes: NumaNode[] = [];
  for (const { socket, cores: ids } of numa) {
    checkIds([socket], "numa socket");
    const here = ids.filter((id) => own.has(id)).sort((a, b) => a - b);
    if (here.length > 0) nodes.push({ socket, cores: here });
  }
  return nodes.sort((a, b) => (a.cores[0] ?? 0) - (b.cores[0] ?? 0));
}

function checkOthers(others: readonly Amount[]): Amount[] {
  const sorted = others.map(({ kind, amount }) => {
    checkKind(kind, "kind");
    if (kind === "cores" || kind === "gpus" || kind === "memory")
      throw new ResourceError(
        `${kind}: it has a field of its own in a pool; do not list it among the others.`,
      );
    if (!Number.isSafeInteger(amount) || amount < 0)
      throw new ResourceError(
        `${kind}: ${show(amount)} is not an amount; it must be a whole number, 0 or more.`,
      );
    return { kind, amount };
  });
  sorted.sort((a, b) => compareText(a.kind, b.kind));
  const twice = sorted.find(({ kind }, index) => sorted[index + 1]?.kind === kind);
  if (twice !== undefined) throw new ResourceError(`${twice.kind}: given twice; name each kind once.`);
  return sorted.filter(({ amount }) => amount > 0);
}

function checkTokens(tokens: readonly string[]): string[] {
  const sorted = tokens.map((token) => checkLabel(token, "token")).sort(compareText);
  const twice = sorted.find((token, index) => sorted[index + 1] === token);
  if (twice !== undefined)
    throw new ResourceError(`token: ${show(twice)} is given twice; name each token once.`);
  return sorted;
}

/**
 * All that a worker owns, by kind: what is free while nothing runs.
 *
 * @returns "cores" and "gpus" in ten-thousandths, "memory" in bytes (these three always, also
 *   when 0), then the other kinds in ten-thousandths
 */
export function poolAmounts(pool: Pool): Map<string, number> {
  const amounts = new Map([
    ["cores", pool.cores.length * SCALE],
    ["gpus", pool.gpus.length * SCALE],
    ["memory", pool.memoryBytes],
  ]);
  for (const { kind, amount } of pool.others) amounts.set(kind, amount);
  return amounts;
}

/**
 * Why a demand never fits a worker, even while nothing else runs there.
 *
 * Cluster-wide limits are not looked at, and of a gang only what each worker must have.
 *
 * @returns a phrase for each thing missing; empty: it fits
 * @example
 * misfits(demand, pool) // ["8 cores asked, 4 there", "token has-gpu asked, not there"]
 */
export function misfits(demand: Demand, pool: Pool): string[] {
  const reasons: string[] = [];
  const amounts = poolAmounts(pool);
  if (demand.allCores && pool.cores.length === 0) reasons.push("all cores asked, none there");
  for (const { kind, amount } of inReadingOrder(demand.amounts)) {
    const there = amounts.get(kind) ?? 0;
    if (there >= amount) continue;
    const short = kind === "memory" ? formatMemoryShort(there) : String(there / SCALE);
    reasons.push(`${formatAmount(kind, amount)} asked, ${there === 0 ? "none" : short} there`);
  }
  for (const token of demand.tokens)
    if (!pool.tokens.includes(token)) reasons.push(`token ${formatLabel(token)} asked, not there`);
  const softMs = demand.walltime?.softMs ?? 0;
  if (pool.remainingMs !== undefined && pool.remainingMs < softMs)
    reasons.push(`walltime ${formatDuration(softMs)} asked, ${formatDuration(pool.remainingMs)} left`);
  return reasons;
}

/**
 * Writes a pool for people. Kinds it has none of are left out, kinds it has but that are
 * all in use are not.
 *
 * @param free what of it is free, as of `Ledger.free`; absent kinds have nothing free. Default: not shown
 * @returns e.g. "4 cores, 8G memory, token has-gpu", or with `free` "0/4 cores, 0/8G memory, token has-gpu"
 */
export function formatPool(pool: Pool, free?: ReadonlyMap<string, number>): string {
  const amounts = [...poolAmounts(pool)].map(([kind, amount]) => ({ kind, amount }));
  const parts: string[] = [];
  for (const { kind, amount } of inReadingOrder(amounts)) {
    if (amount > 0) parts.push(formatShare(kind, amount, free));
  }
  for (const token of pool.tokens) parts.push(`token ${formatLabel(token)}`);
  if (pool.remainingMs !== undefined) parts.push(`${formatDuration(pool.remainingMs)} left`);
  return parts.length === 0 ? "nothing" : parts.join(", ");
}

function formatShare(kind: string, amount: number, free: ReadonlyMap<string, number> | undefined): string {
  if (kind === "memory") {
    const sizes = free === undefined ? [amount] : [free.get(kind) ?? 0, amount];
    return `${formatMemoryShort(...sizes)} memory`;
  }
  return free === undefined
    ? formatAmount(kind, amount)
    : `${(free.get(kind) ?? 0) / SCALE}/${amount / SCALE} ${kind}`;
}
