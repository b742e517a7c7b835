/** Workers in a few characters, as commands take them: `20x64c,256G,4g`. */

import { ResourceError } from "../../proto/errors.js";
import { SCALE, toAmount, toBytes } from "../../proto/resource/amount.js";
import { canonicalPool, type Pool } from "../../proto/resource/pool.js";

/** So many workers of one kind. */
export interface PoolSpec {
  readonly count: number;
  readonly pool: Pool;
  /** When they join, in virtual milliseconds. Default: 0. */
  readonly joinMs?: number | undefined;
  /** When they are gone. Default: never. */
  readonly leaveMs?: number | undefined;
}

const COUNT = /^(\d+)\s*x\s*(.*)$/;
const CORES = /^(\d+)c$/;
const GPUS = /^(\d+)g$/;
const MEMORY = /^\d+(?:\.\d+)?[KMGTP]$/;
const NAMED = /^([^\s=,]+)=([^\s=,]+)$/;
const FORM =
  'Write workers as "20x64c,256G,4g": how many, cores (c), memory (K, M, G, T), gpus (g), ' +
  '"name=amount" for other kinds, "token=name" for tokens.';

/**
 * Reads what some workers have.
 *
 * @param text `[COUNTx]ITEM,ITEM…`; an item is `64c` (cores), `256G` (memory, with a capital), `4g`
 *   (gpus), `name=amount` (another kind) or `token=name`. What is not named, they have none of
 * @throws ResourceError that names the item that is not understood
 * @example
 * parsePoolSpec("20x64c,256G") // { count: 20, pool: { cores: [0, …, 63], … } }
 */
export function parsePoolSpec(text: string): PoolSpec {
  const counted = COUNT.exec(text.trim());
  const count = counted === null ? 1 : Number(counted[1]);
  if (count < 1) throw new ResourceError(`"${text}" names no worker. ${FORM}`);
  const pool: Pool = { cores: [], gpus: [], memoryBytes: 0, others: [], tokens: [], numa: [] };
  const items = (counted?.[2] ?? text).split(",").map((item) => item.trim());
  for (const item of items) readItem(item, pool, text);
  return { count, pool: canonicalPool(pool) };
}

function readItem(item: string, pool: Pool, text: string): void {
  const ids = CORES.exec(item) ?? GPUS.exec(item);
  const named = NAMED.exec(item);
  if (ids !== null) {
    const list = Array.from({ length: Number(ids[1]) }, (_, id) => id);
    if (item.endsWith("c")) pool.cores = list;
    else pool.gpus = list;
  } else if (MEMORY.test(item)) pool.memoryBytes = toBytes(item);
  else if (named?.[1] === "token") pool.tokens.push(named[2]!);
  else if (named !== null)
    pool.others.push({ kind: named[1]!, amount: toAmount(named[1]!, Number(named[2])) });
  else throw new ResourceError(`"${item}" in "${text}" is not understood. ${FORM}`);
}

/**
 * Writes workers as {@link parsePoolSpec} reads them.
 *
 * @example
 * formatPoolSpec(parsePoolSpec("2x4c,8G")) // "2x4c,8G"
 */
export function formatPoolSpec({ count, pool }: PoolSpec): string {
  const items: string[] = [];
  if (pool.cores.length > 0) items.push(`${pool.cores.length}c`);
  if (pool.memoryBytes > 0) items.push(memoryText(pool.memoryBytes));
  if (pool.gpus.length > 0) items.push(`${pool.gpus.length}g`);
  for (const { kind, amount } of pool.others) items.push(`${kind}=${amount / SCALE}`);
  for (const token of pool.tokens) items.push(`token=${token}`);
  return `${count}x${items.join(",")}`;
}

function memoryText(bytes: number): string {
  const gigabytes = bytes / 1024 ** 3;
  return `${Math.floor(gigabytes * 100) / 100}G`;
}
