/**
 * What a worker owns, from what its user wrote: flags, `--res` and the run option `local`,
 * each laid over what was detected on the machine.
 *
 * The JSON of `--res` (and `[worker.res]` of a configuration) is res' to read.
 */

import { ResourceError } from "../errors.js";
import { formatAmount, SCALE, toBytes } from "./amount.js";
import type { Demand } from "./demand.js";
import { firstIds, parseIds } from "./ids.js";
import { positiveMs } from "./kind.js";
import { canonicalPool, type Pool, poolAmounts } from "./pool.js";
import { overlayRes, parseRes } from "./res.js";
import { Resource, type ResourceLike } from "./resource.js";
import { show } from "./show.js";

/** Flags of `grain-worker`; what is absent or undefined was not given. */
export interface PoolOptions {
  /** `--cpus`: how many ("4") or which ("0-3,8"). */
  readonly cpus?: string | number | undefined;
  /** `--mem`: gigabytes or a text such as "16G". */
  readonly mem?: string | number | undefined;
  /** `--gpus`: how many ("2") or which ("0,1"). */
  readonly gpus?: string | number | undefined;
  /** `--walltime`: how long the worker may live: seconds or a text such as "1:00:00". */
  readonly walltime?: string | number | undefined;
  /** `--res`: JSON, or what a configuration file has for it. */
  readonly res?: string | Readonly<Record<string, unknown>> | undefined;
  /** What the machine has. */
  readonly base: Pool;
}

/**
 * Lays the flags of a worker over what its machine has.
 *
 * A flag replaces the kind it names and leaves the others. A number of cores or gpus takes the
 * first so many ids of the machine; more than there are is allowed, their ids follow the last.
 * `--cpus`, `--mem`, `--gpus` and `--walltime` win over the same kind in `--res`, which
 * may come from a configuration file.
 *
 * `--res` is an object of `cores` (a number, a list of ids or a text such as "0-3,8"), `memory`, `gpus`,
 * `token` or `tokens`, `capacity`, `wtime`, `resources`, and user-defined kinds with their amounts. The
 * original's forms are understood too: `{"Token": {"token": "has-gpu"}, "Capacity": {"V": 8}}`,
 * likewise `Cores {N}`, `Memory {M}`, `Node {N, M}` and `WTime {T}`.
 *
 * @returns canonical
 * @throws ResourceError that names the flag or the key and says what was expected
 * @example
 * parsePool({ cpus: "4", mem: "16G", res: '{"capacity":8}', base: detected })
 */
export function parsePool(options: PoolOptions): Pool {
  const { cpus, mem, gpus, walltime, res, base } = options;
  const pool = res === undefined ? { ...base } : readRes(res, base);
  // From the machine's ids, not from those that --res left.
  if (cpus !== undefined) pool.cores = chooseIds(cpus, base.cores, "--cpus");
  if (gpus !== undefined) pool.gpus = chooseIds(gpus, base.gpus, "--gpus");
  if (mem !== undefined) pool.memoryBytes = toBytes(mem, "--mem");
  if (walltime !== undefined) pool.remainingMs = positiveMs(walltime, "--walltime");
  const offered = canonicalPool(pool);
  if (offered.tokens.length === 0 && [...poolAmounts(offered).values()].every((amount) => amount === 0))
    throw new ResourceError(
      "This worker would offer nothing: give it something with --cpus, --mem, --gpus or --res, or leave them out to offer what this machine has.",
    );
  return offered;
}

/** What `res` makes of the machine's pool; of a text, as the flag has it, errors name the flag. */
function readRes(res: NonNullable<PoolOptions["res"]>, base: Pool): Pool {
  try {
    return canonicalPool(overlayRes(parseRes(res), base));
  } catch (error) {
    if (typeof res !== "string" || !(error instanceof ResourceError) || error.message.startsWith("--res"))
      throw error;
    throw new ResourceError(`--res: ${error.message}`, { cause: error });
  }
}

/** Ids from a number (in text or not) or from a list of ids. */
function chooseIds(value: string | number, base: readonly number[], flag: string): number[] {
  if (typeof value === "number") return firstIds(base, value, flag);
  const text = value.trim();
  if (/^\d+(?:\.\d+)?$/.test(text)) return firstIds(base, Number(text), flag);
  if (/^\d[\d\s,-]*$/.test(text)) return parseIds(text, flag);
  throw new ResourceError(
    `${flag}: ${show(value)} is neither a number such as 4 nor a list of ids such as "0-3,8".`,
  );
}

/**
 * What an embedded worker owns, from the run option `local`.
 *
 * A kind that is named is owned in exactly that amount, whatever the machine has: `{ cores: 2 }` is
 * its first two cores, `{ gpus: 0 }` no device, `{ memory: "64G" }` as much even on a smaller machine.
 * Kinds that are not named stay as the machine has them, so that `{ cores: 2 }` still
 * runs a task that asks for memory. Tokens, when any is named, are exactly the named ones; `wtime` is
 * what the worker has left, counted from its start.
 *
 * @param base what this machine has
 * @returns canonical
 * @throws ResourceError when the resource is nothing a worker can own: alternatives, fractions
 *   of cores or gpus, `nodes`, `coreLayout`, `limit`
 * @example
 * resourceToPool({ cores: 2 }, detected)
 */
export function resourceToPool(resource: ResourceLike, base: Pool): Pool {
  const [named, ...more] = Resource.alternativesOf(resource);
  if (named === undefined || more.length > 0)
    throw new ResourceError("anyOf: a worker cannot own alternatives; give one resource, e.g. { cores: 2 }.");
  checkOwnable(named);
  const pool: Pool = { ...base, others: [...base.others] };
  for (const { kind, amount } of named.amounts) {
    if (kind === "cores") pool.cores = firstIds(base.cores, wholeUnits(kind, amount), kind);
    else if (kind === "gpus") pool.gpus = firstIds(base.gpus, wholeUnits(kind, amount), kind);
    else if (kind === "memory") pool.memoryBytes = amount;
    else pool.others = [...pool.others.filter((item) => item.kind !== kind), { kind, amount }];
  }
  if (named.tokens.length > 0) pool.tokens = named.tokens;
  if (named.walltime !== undefined) pool.remainingMs = named.walltime.hardMs;
  return canonicalPool(pool);
}

function checkOwnable(named: Demand): void {
  if (named.nodes > 0)
    throw new ResourceError(
      `nodes: a worker cannot own ${named.nodes} workers; leave nodes out, or start more workers.`,
    );
  if (named.coreLayout !== "")
    throw new ResourceError(
      `coreLayout: a worker owns cores in no layout, so ${show(named.coreLayout)} says nothing here; ask for it in tasks instead.`,
    );
  const [limit] = named.limits;
  if (limit !== undefined)
    throw new ResourceError(
      `limit ${limit.name}: a limit is cluster-wide and owned by no worker; ask for it in tasks instead.`,
    );
}

function wholeUnits(kind: "cores" | "gpus", amount: number): number {
  if (amount % SCALE === 0) return amount / SCALE;
  throw new ResourceError(
    `${kind}: a worker owns whole ${kind}, not ${formatAmount(kind, amount)}; give a whole number.`,
  );
}
