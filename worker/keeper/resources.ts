/** A worker's pool as its context and service see it. */

import { SCALE } from "../../proto/resource/amount.js";
import type { Pool } from "../../proto/resource/pool.js";
import type { WorkerResources } from "./modules.js";

/** In units of people: whole ones and bytes. */
export function resourcesOf({ cores, gpus, memoryBytes, tokens, others }: Pool): WorkerResources {
  const named: Record<string, number> = {};
  for (const { kind, amount } of others) named[kind] = amount / SCALE;
  const { capacity = 0, ...rest } = named;
  return { cores, memory: memoryBytes, gpus, tokens, capacity, others: rest };
}
