/**
 * The canonical form of demands and requests, and the rules that every one of
 * them keeps, whoever wrote it: the builders here, or a client in another language.
 */

import { formatDuration } from "../duration.js";
import { ResourceError } from "../errors.js";
import { formatAmount, SCALE } from "./amount.js";
import {
  type Amount,
  amountOf,
  type Demand,
  demandKey,
  type Limit,
  type Request,
  type Walltime,
} from "./demand.js";
import { checkLayout } from "./layout.js";
import { checkKind, checkLabel } from "./name.js";
import { show } from "./show.js";

/** More alternatives than these are a mistake: combined `anyOf`s multiply. */
const MAX_ALTERNATIVES = 64;

/** Counts travel as unsigned 32-bit numbers. */
const MAX_COUNT = 2 ** 32 - 1;

/** By code units: the same everywhere, whatever the locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Brings a demand into canonical form, which two demands share exactly when they
 * ask for the same: amounts sorted by kind and without zeros, tokens and limits sorted.
 *
 * @param demand as it came, e.g. from the wire; not changed
 * @throws ResourceError when it breaks a rule; the message names the field
 */
export function canonicalDemand(demand: Demand): Demand {
  return withoutZeros(checkDemand(demand));
}

/**
 * Brings a request into canonical form: its alternatives in the same order, each in
 * canonical form, repeated ones left out.
 *
 * @throws ResourceError when it has no alternative, more than 64, or one that breaks a rule
 */
export function canonicalRequest(request: Request): Request {
  checkAlternatives(request.alternatives.length);
  const alternatives = new Map<string, Demand>();
  for (const given of request.alternatives) {
    const demand = canonicalDemand(given);
    const key = demandKey(demand);
    if (!alternatives.has(key)) alternatives.set(key, demand);
  }
  if (alternatives.size === 0)
    throw new ResourceError(
      "anyOf: there is no alternative; give at least one resource, e.g. anyOf(gpus(1), cores(8)).",
    );
  return { alternatives: [...alternatives.values()] };
}

/** @throws ResourceError when there are more alternatives than can be meant */
export function checkAlternatives(count: number): void {
  if (count <= MAX_ALTERNATIVES) return;
  throw new ResourceError(
    `anyOf: ${count} alternatives are more than ${MAX_ALTERNATIVES}; combining anyOf with anyOf multiplies them, so give fewer.`,
  );
}

/**
 * Checks and sorts a demand, but keeps amounts of zero: they tell that a kind was named.
 *
 * @throws ResourceError when it breaks a rule
 */
export function checkDemand(demand: Demand): Demand {
  const checked: Demand = {
    amounts: demand.amounts.map(checkAmount).sort((a, b) => compareText(a.kind, b.kind)),
    tokens: demand.tokens.map((token) => checkLabel(token, "token")).sort(compareText),
    walltime: demand.walltime === undefined ? undefined : checkWalltime(demand.walltime),
    allCores: demand.allCores,
    nodes: checkCount(demand.nodes, "nodes"),
    limits: demand.limits.map(checkLimit).sort((a, b) => compareText(a.name, b.name)),
    coreLayout: checkLayout(demand.coreLayout),
  };
  checkNothingTwice(checked);
  checkGang(checked);
  checkLaidOut(checked);
  return checked;
}

/** The demand without the amounts of zero, and without a layout where there are no cores to choose. */
export function withoutZeros(demand: Demand): Demand {
  const amounts = demand.amounts.filter(({ amount }) => amount > 0);
  const coreLayout = amountOf({ ...demand, amounts }, "cores") > 0 ? demand.coreLayout : "";
  return { ...demand, amounts, coreLayout };
}

/** The one sentence for every kind that was asked for twice. */
export function askedTwice(field: string, first: string, second: string): ResourceError {
  const asked = first === second ? first : `${first} and ${second}`;
  return new ResourceError(`${field}: asked for twice (${asked}); name each kind once.`);
}

function checkAmount({ kind, amount }: Amount): Amount {
  checkKind(kind, "kind");
  if (!Number.isSafeInteger(amount) || amount < 0)
    throw new ResourceError(
      `${kind}: ${show(amount)} is not an amount; it must be a whole number, 0 or more.`,
    );
  if (kind === "capacity" && amount % SCALE !== 0)
    throw new ResourceError(`capacity: ${amount / SCALE} is not a whole number of slots; give e.g. 1.`);
  return { kind, amount };
}

function checkWalltime({ hardMs, softMs, group }: Walltime): Walltime {
  if (!Number.isSafeInteger(hardMs) || hardMs <= 0)
    throw new ResourceError('wtime: the limit must be longer than zero; give e.g. "1:30:00".');
  // Absent on the wire is 0.
  const soft = softMs === 0 ? hardMs : softMs;
  if (!Number.isSafeInteger(soft) || soft < 0)
    throw new ResourceError(
      "wtime.soft: the limit must be longer than zero; leave it out to have it equal the hard one.",
    );
  if (soft > hardMs)
    throw new ResourceError(
      `wtime.soft: ${formatDuration(soft)} is longer than the hard limit, ${formatDuration(hardMs)}; give at most that.`,
    );
  return { hardMs, softMs: soft, group: group === "" ? "" : checkLabel(group, "wtime.group") };
}

function checkCount(count: number, field: string): number {
  if (Number.isInteger(count) && count >= 0 && count <= MAX_COUNT) return count;
  throw new ResourceError(`${field}: ${show(count)} is not a count; give a whole number.`);
}

function checkLimit({ name, count }: Limit): Limit {
  checkLabel(name, "limit");
  if (checkCount(count, `limit ${name}`) > 0) return { name, count };
  throw new ResourceError(`limit ${name}: 0 at once would never run; give 1 or more.`);
}

function checkNothingTwice(demand: Demand): void {
  for (const [index, { kind, amount }] of demand.amounts.entries()) {
    const next = demand.amounts[index + 1];
    if (next?.kind === kind)
      throw askedTwice(kind, formatAmount(kind, amount), formatAmount(kind, next.amount));
    if (kind === "cores" && demand.allCores) throw askedTwice(kind, "all cores", formatAmount(kind, amount));
  }
  for (const [index, token] of demand.tokens.entries())
    if (demand.tokens[index + 1] === token) throw askedTwice("token", token, token);
  for (const [index, { name, count }] of demand.limits.entries()) {
    const next = demand.limits[index + 1];
    if (next?.name === name) throw askedTwice(`limit ${name}`, String(count), String(next.count));
  }
}

/** Whole workers have no fractions to share with others. */
function checkGang(demand: Demand): void {
  if (demand.nodes === 0) return;
  for (const { kind, amount } of demand.amounts) {
    if ((kind !== "cores" && kind !== "gpus") || amount % SCALE === 0) continue;
    throw new ResourceError(
      `${kind}: ${amount / SCALE} cannot be combined with nodes(${demand.nodes}), which takes whole workers; give a whole number of ${kind}.`,
    );
  }
}

/** A layout is for cores that can be chosen, one by one. */
function checkLaidOut({ amounts, allCores, nodes, coreLayout }: Demand): void {
  if (coreLayout === "" || allCores) return;
  if (nodes > 0)
    throw new ResourceError(
      `coreLayout: ${show(coreLayout)} cannot be combined with nodes(${nodes}), which takes whole workers; leave it out.`,
    );
  const cores = amounts.find(({ kind }) => kind === "cores");
  if (cores === undefined)
    throw new ResourceError(
      `coreLayout: ${show(coreLayout)} says how cores are chosen, but none are asked for; give e.g. { cores: 4, coreLayout: ${show(coreLayout)} }.`,
    );
  if (cores.amount % SCALE !== 0)
    throw new ResourceError(
      `coreLayout: ${show(coreLayout)} needs a whole number of cores, not ${cores.amount / SCALE}; leave it out, or give a whole number.`,
    );
}
