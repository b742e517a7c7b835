/**
 * The object of `--res` and of `[worker.res]`: what a worker owns, in our own form
 * (`{"cores": 4, "tokens": ["has-gpu"], "licenses": 3}`) and in the original's
 * (`{"Token": {"token": "has-gpu"}, "Capacity": {"V": 8}}`), also mixed.
 */

import { ResourceError } from "../errors.js";
import { toAmount, toBytes } from "./amount.js";
import type { Amount } from "./demand.js";
import { checkIds, firstIds, parseIds } from "./ids.js";
import { capacityDemand, didYouMean, positiveMs, tokenDemand } from "./kind.js";
import { checkOwnKind } from "./name.js";
import type { Pool } from "./pool.js";
import { nearest, show } from "./show.js";

type Res = Readonly<Record<string, unknown>>;

/** What one key sets. */
type Part = Partial<Omit<Pool, "others">> & { readonly others?: readonly Amount[] };

type Reader = (value: unknown, base: Pool, field: string) => Part;

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["cores", (value, base, field) => ({ cores: readIds(value, base.cores, field) })],
  ["memory", (value, _base, field) => ({ memoryBytes: toBytes(value, field) })],
  ["gpus", (value, base, field) => ({ gpus: readIds(value, base.gpus, field) })],
  ["token", (value, _base, field) => ({ tokens: tokenDemand(value, field).tokens })],
  ["tokens", (value, _base, field) => ({ tokens: tokenDemand(value, field).tokens })],
  ["capacity", (value, _base, field) => ({ others: readCapacity(value, field) })],
  ["wtime", (value, _base, field) => ({ remainingMs: positiveMs(value, field) })],
  ["resources", (value, _base, field) => ({ others: readOwnKinds(value, field) })],
]);

/** The original's class names, each with its arguments: which are required, which are of no use to a worker. */
const ORIGINALS: ReadonlyMap<
  string,
  { readonly needed: Readonly<Record<string, string>>; readonly ignored: string[] }
> = new Map([
  ["Cores", { needed: { N: "cores" }, ignored: [] }],
  ["Memory", { needed: { M: "memory" }, ignored: [] }],
  ["Node", { needed: { N: "cores", M: "memory" }, ignored: [] }],
  // A worker counts down from T; the others concern tasks.
  ["WTime", { needed: { T: "wtime" }, ignored: ["softT", "group", "countdown"] }],
  ["Token", { needed: { token: "token" }, ignored: [] }],
  ["Capacity", { needed: { V: "capacity" }, ignored: [] }],
]);

/**
 * Reads the text of `--res`; an object is taken as it is.
 *
 * @throws ResourceError when it is not the JSON of an object
 */
export function parseRes(res: string | Res): Res {
  if (typeof res !== "string") return res;
  let value: unknown;
  try {
    value = JSON.parse(res);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ResourceError(
      `--res: ${show(res)} is not JSON (${reason}); write e.g. '{"cores":4,"tokens":["has-gpu"]}'.`,
      {
        cause: error,
      },
    );
  }
  if (isRecord(value)) return value;
  throw new ResourceError(
    `--res: ${show(value)} is not an object; write e.g. '{"cores":4,"tokens":["has-gpu"]}'.`,
  );
}

/**
 * Lays what a `res` object says over a pool: kinds it names are replaced, the others kept.
 *
 * @returns a new pool, not yet in canonical form
 * @throws ResourceError that names the key
 */
export function overlayRes(res: Res, base: Pool): Pool {
  const pool: Pool = { ...base, others: [...base.others] };
  const setBy = new Map<string, string>();
  for (const [key, value] of Object.entries(res)) {
    for (const part of readKey(key, value, base)) {
      const { others = [], ...fields } = part;
      for (const name of [...Object.keys(fields), ...others.map(({ kind }) => `kind ${kind}`)])
        claim(setBy, name, key);
      Object.assign(pool, fields);
      const kinds = new Set(others.map(({ kind }) => kind));
      pool.others = [...pool.others.filter(({ kind }) => !kinds.has(kind)), ...others];
    }
  }
  return pool;
}

/** Remembers which key set a part of the pool, and refuses a second one. */
function claim(setBy: Map<string, string>, name: string, key: string): void {
  const earlier = setBy.get(name);
  if (earlier !== undefined)
    throw new ResourceError(`${key}: says again what ${earlier} has said; name each kind once.`);
  setBy.set(name, key);
}

function readKey(key: string, value: unknown, base: Pool): Part[] {
  const reader = READERS.get(key);
  if (reader !== undefined) return [reader(value, base, key)];
  if (ORIGINALS.has(key)) return readOriginal(key, value, base);
  const known = [...READERS.keys(), ...ORIGINALS.keys()];
  // A name that is nearly a known one is a slip, which would otherwise be found out very late.
  const isOwnKind = nearest(key, known, typeof value === "number" ? 1 : 2) === undefined;
  if (isOwnKind) return [{ others: [{ kind: checkOwnKind(key, key), amount: toAmount(key, value) }] }];
  throw new ResourceError(
    `${key}: there is no such resource${didYouMean(key, known)}; use ${known.join(", ")}, or a number for a kind of your own (in "resources", whatever its name resembles).`,
  );
}

function readOriginal(key: string, value: unknown, base: Pool): Part[] {
  const { needed, ignored } = ORIGINALS.get(key) ?? { needed: {}, ignored: [] };
  const names = Object.keys(needed);
  const expected = `give {${names.map((name) => `${show(name)}: …`).join(", ")}}`;
  if (!isRecord(value)) throw new ResourceError(`${key}: ${show(value)} is not an object; ${expected}.`);
  for (const name of Object.keys(value)) {
    if (!(Object.hasOwn(needed, name) || ignored.includes(name)))
      throw new ResourceError(`${key}.${name}: there is no such argument; ${expected}.`);
  }
  return names.map((name) => {
    const argument = value[name];
    if (argument === undefined) throw new ResourceError(`${key}.${name}: it is missing; ${expected}.`);
    return READERS.get(needed[name] ?? "")?.(argument, base, `${key}.${name}`) ?? {};
  });
}

function readIds(value: unknown, base: readonly number[], field: string): number[] {
  if (typeof value === "number") return firstIds(base, value, field);
  if (typeof value === "string") return parseIds(value, field);
  if (Array.isArray(value)) return checkIds(value, field);
  throw new ResourceError(`${field}: ${show(value)} is neither a number nor a list of ids such as [0, 1].`);
}

function readCapacity(value: unknown, field: string): Amount[] {
  return capacityDemand(value, field).amounts;
}

function readOwnKinds(value: unknown, field: string): Amount[] {
  if (!isRecord(value))
    throw new ResourceError(
      `${field}: ${show(value)} is not an object of names and numbers; give e.g. {"licenses": 3}.`,
    );
  return Object.entries(value).map(([kind, amount]) => {
    const place = `${field}.${kind}`;
    return { kind: checkOwnKind(kind, place), amount: toAmount(kind, amount, place) };
  });
}

function isRecord(value: unknown): value is Res {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
