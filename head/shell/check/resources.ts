/** What can be wrong with a request for resources or with a worker's pool. */

import { messageOf } from "../../../proto/errors.js";
import type { Pool, Request } from "../../../proto/grain.js";
import { canonicalRequest } from "../../../proto/resource/canonical.js";
import { type Complaint, isUint32 } from "./columns.js";

/** Kinds that a pool states in fields of their own. */
const OWN_FIELD = new Set(["cores", "gpus", "memory"]);

/** More ids, kinds or labels than any machine has; bounds what one worker costs the scheduler. */
const MAX_ITEMS = 65_536;

/**
 * A request in canonical order, so that equal requests of any client are equal;
 * or what is wrong with it.
 */
export function readRequest(request: Request | undefined): { request: Request } | { wrong: string } {
  if (request === undefined || request.alternatives.length === 0)
    return { wrong: "its request has no alternatives" };
  try {
    return { request: canonicalRequest(request) };
  } catch (error) {
    return { wrong: withoutStop(messageOf(error)) };
  }
}

function withoutStop(sentence: string): string {
  return sentence.replace(/\.$/, "");
}

/** A pool states each thing once, in amounts that can be counted. */
export function wrongPool(pool: Pool | undefined): Complaint {
  if (pool === undefined) return "it is missing";
  const { cores, gpus, memoryBytes, others, tokens, remainingMs } = pool;
  if (cores.length + gpus.length + others.length + tokens.length > MAX_ITEMS)
    return `it has more than ${MAX_ITEMS} items`;
  if (!isAmount(memoryBytes)) return `its memory is ${memoryBytes} bytes`;
  if (remainingMs !== undefined && !(remainingMs >= 0 && Number.isFinite(remainingMs))) {
    return `its remaining time is ${remainingMs} ms`;
  }
  return wrongIds(cores, "core") ?? wrongIds(gpus, "gpu") ?? wrongOthers(others);
}

function wrongIds(ids: readonly number[], what: string): Complaint {
  for (const id of ids) if (!isUint32(id)) return `${what} id ${id} is not a whole number`;
  return new Set(ids).size === ids.length ? undefined : `a ${what} id is given twice`;
}

function wrongOthers(others: Pool["others"]): Complaint {
  const kinds = new Set<string>();
  for (const { kind, amount } of others) {
    if (kind === "") return "a resource has no kind";
    if (OWN_FIELD.has(kind)) return `"${kind}" belongs in a field of its own`;
    if (kinds.has(kind)) return `"${kind}" is given twice`;
    kinds.add(kind);
    if (!isAmount(amount)) return `the amount of "${kind}" is ${amount}`;
  }
  return undefined;
}

function isAmount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
