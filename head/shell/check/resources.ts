/** What can be wrong with a request for resources or with a worker's pool. */

import { type Complaint, isUint32 } from "../../../proto/columns.js";
import { messageOf } from "../../../proto/errors.js";
import type { Pool, Request } from "../../../proto/grain.js";
import { canonicalRequest } from "../../../proto/resource/canonical.js";
import { show } from "../../../proto/resource/show.js";

/** Kinds that a pool states in fields of their own. */
const OWN_FIELD = new Set(["cores", "gpus", "memory"]);

/** How a demand may say that the ids of its cores are to be chosen; empty: compact. */
const LAYOUTS = ["", "tight", "spread"];

/** More ids, kinds or labels than any machine has; bounds what one worker costs the scheduler. */
const MAX_ITEMS = 65_536;

/**
 * A request in canonical order, so that equal requests of any client are equal;
 * or what is wrong with it.
 */
export function readRequest(request: Request | undefined): { request: Request } | { wrong: string } {
  if (request === undefined || request.alternatives.length === 0)
    return { wrong: "its request has no alternatives" };
  const odd = request.alternatives.find(({ coreLayout }) => !LAYOUTS.includes(coreLayout));
  if (odd !== undefined)
    return { wrong: `there is no core layout ${show(odd.coreLayout)}; there are "tight", "spread" and ""` };
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
  const { cores, gpus, memoryBytes, others, tokens, remainingMs, numa } = pool;
  if (cores.length + gpus.length + others.length + tokens.length + numa.length > MAX_ITEMS)
    return `it has more than ${MAX_ITEMS} items`;
  if (!isAmount(memoryBytes)) return `its memory is ${memoryBytes} bytes`;
  if (remainingMs !== undefined && !(remainingMs >= 0 && Number.isFinite(remainingMs))) {
    return `its remaining time is ${remainingMs} ms`;
  }
  return wrongIds(cores, "core") ?? wrongIds(gpus, "gpu") ?? wrongOthers(others) ?? wrongNuma(numa, cores);
}

/** Each core is on one node at most; those on none are taken for one more. */
function wrongNuma(numa: Pool["numa"], cores: readonly number[]): Complaint {
  const left = new Set(cores);
  for (const { socket, cores: near } of numa) {
    if (!isUint32(socket)) return `socket ${socket} is not a whole number`;
    for (const id of near) {
      if (left.delete(id)) continue;
      return cores.includes(id)
        ? `core ${id} is on two NUMA nodes`
        : `core ${id} is on a NUMA node and is not offered`;
    }
  }
  return undefined;
}

function wrongIds(ids: readonly number[], what: string): Complaint {
  for (const id of ids) if (!isUint32(id)) return `${what} id ${id} is not a whole number`;
  return new Set(ids).size === ids.length ? undefined : `a ${what} id is given twice`;
}

function wrongOthers(others: Pool["others"]): Complaint {
  const kinds = new Set<string>();
  for (const { kind, amount } of others) {
    if (kind === "") return "a resource has no kind";
    if (OWN_FIELD.has(kind)) return `${show(kind)} belongs in a field of its own`;
    if (kinds.has(kind)) return `${show(kind)} is given twice`;
    kinds.add(kind);
    if (!isAmount(amount)) return `the amount of ${show(kind)} is ${amount}`;
  }
  return undefined;
}

function isAmount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
