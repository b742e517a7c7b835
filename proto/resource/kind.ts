/**
 * One kind of resource each: from what a user wrote, of whatever type, to a demand
 * for just that. Shared by the builders, the plain form and the text form.
 *
 * `field` names the place in errors: "cores", or "resources.licenses" in a plain form.
 */

import { parseDuration } from "../duration.js";
import { ResourceError } from "../errors.js";
import { SCALE, toAmount } from "./amount.js";
import { checkDemand } from "./canonical.js";
import { type Demand, emptyDemand } from "./demand.js";
import { checkLayout } from "./layout.js";
import { checkLabel, checkOwnKind } from "./name.js";
import { nearest, show } from "./show.js";

/**
 * `n` cores, or all of one worker, of which there is nothing to choose.
 *
 * @param layout its name. Default: compact
 */
export function coresDemand(n: unknown, layout: unknown = "", field = "cores"): Demand {
  const coreLayout = checkLayout(layout);
  if (n === "all") return { ...emptyDemand(), allCores: true };
  if (typeof n === "string") throw new ResourceError(`${field}: ${show(n)} is neither a number nor "all".`);
  return checkDemand({ ...amountDemand("cores", n, field), coreLayout });
}

/** Cores, memory or gpus: kinds of which zero can be asked for, and is nothing. */
export function amountDemand(
  kind: "cores" | "memory" | "gpus",
  value: unknown,
  field: string = kind,
): Demand {
  return { ...emptyDemand(), amounts: [{ kind, amount: toAmount(kind, value, field) }] };
}

/** Some of a user-defined kind. */
export function ownKindDemand(kind: unknown, value: unknown, field = "resource"): Demand {
  const name = checkOwnKind(kind, field);
  const valueField = field === "resource" ? `resource ${name}` : field;
  return { ...emptyDemand(), amounts: [{ kind: name, amount: toAmount(name, value, valueField) }] };
}

/** Slots of a worker's capacity. */
export function capacityDemand(slots: unknown, field = "capacity"): Demand {
  const amount = positiveWhole(slots, field) * SCALE;
  return checkDemand({ ...emptyDemand(), amounts: [{ kind: "capacity", amount }] });
}

/** A label, or several, that the worker must carry. */
export function tokenDemand(labels: unknown, field = "token"): Demand {
  const list: readonly unknown[] = Array.isArray(labels) ? labels : [labels];
  return checkDemand({ ...emptyDemand(), tokens: list.map((label) => checkLabel(label, field)) });
}

/** Whole workers at once. */
export function nodesDemand(n: unknown, field = "nodes"): Demand {
  return checkDemand({ ...emptyDemand(), nodes: positiveWhole(n, field) });
}

/** Membership of a cluster-wide counted group. */
export function limitDemand(name: unknown, count: unknown, field?: string): Demand {
  const label = checkLabel(name, field ?? "limit");
  const limit = { name: label, count: positiveWhole(count, field ?? `limit ${label}`) };
  return checkDemand({ ...emptyDemand(), limits: [limit] });
}

const WALLTIME_OPTIONS = ["soft", "group"];

/**
 * A limit of the run time.
 *
 * @param hard the limit after which the task is killed
 * @param options `soft`: what the worker must have left; `group`: learn the limits
 */
export function walltimeDemand(hard: unknown, options: unknown = {}, field = "wtime"): Demand {
  if (typeof options !== "object" || options === null)
    throw new ResourceError(`${field}: ${show(options)} is not a set of options; give { soft, group }.`);
  for (const key of Object.keys(options)) {
    if (!WALLTIME_OPTIONS.includes(key))
      throw new ResourceError(
        `${field}.${key}: there is no such option${didYouMean(key, WALLTIME_OPTIONS)}; use soft or group.`,
      );
  }
  const { soft, group } = options as { readonly soft?: unknown; readonly group?: unknown };
  const hardMs = positiveMs(hard, field);
  const softMs = soft === undefined ? hardMs : positiveMs(soft, `${field}.soft`);
  const label = group === undefined ? "" : checkLabel(group, `${field}.group`);
  return checkDemand({ ...emptyDemand(), walltime: { hardMs, softMs, group: label } });
}

/**
 * Reads a duration for a field.
 *
 * @returns milliseconds, 0 or more
 * @throws ResourceError that names the field
 */
export function durationMs(value: unknown, field: string): number {
  if (typeof value !== "string" && typeof value !== "number")
    throw new ResourceError(
      `${field}: ${show(value)} is not a duration; give seconds or a text such as "1:30:00".`,
    );
  try {
    return parseDuration(value);
  } catch (error) {
    throw new ResourceError(`${field}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/**
 * Reads a duration that is a limit.
 *
 * @returns milliseconds, more than 0
 * @throws ResourceError that names the field
 */
export function positiveMs(value: unknown, field: string): number {
  const ms = durationMs(value, field);
  if (ms > 0) return ms;
  throw new ResourceError(`${field}: ${show(value)} leaves no time to run; give a limit longer than zero.`);
}

function positiveWhole(value: unknown, field: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
  throw new ResourceError(`${field}: ${show(value)} is not a whole number of 1 or more.`);
}

/** "; did you mean …?" without the mark, or nothing when no candidate is near. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates);
  return near === undefined ? "" : ` (did you mean ${show(near)}?)`;
}
