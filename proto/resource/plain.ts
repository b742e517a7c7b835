/**
 * The plain form of a resource: an object a user writes instead of builders,
 * or that comes out of JSON.
 */

import { ResourceError } from "../errors.js";
import { checkDemand } from "./canonical.js";
import { mergeDemands } from "./combine.js";
import { type Demand, emptyDemand } from "./demand.js";
import {
  amountDemand,
  capacityDemand,
  coresDemand,
  didYouMean,
  limitDemand,
  nodesDemand,
  ownKindDemand,
  tokenDemand,
  walltimeDemand,
} from "./kind.js";
import { type CoreLayout, checkLayout } from "./layout.js";
import { show } from "./show.js";

/** Limits of the run time in a plain resource. */
export interface PlainWalltime {
  /** Seconds, or a text such as "1:30:00". */
  readonly hard: number | string;
  /** What the worker must have left. Default: `hard`. */
  readonly soft?: number | string | undefined;
  /** Tasks of one group share learnt limits. Default: none. */
  readonly group?: string | undefined;
}

/**
 * A resource written as an object: `{ cores: 4, memory: "8G" }`. Each key is the builder
 * of that name (`limits` and `resources` are many calls of `limit` and `resource`);
 * what is absent or undefined is not asked for.
 */
export interface PlainResource {
  readonly cores?: number | "all" | undefined;
  /** How the cores are chosen, as of `cores(n, layout)`. Default: "compact". */
  readonly coreLayout?: CoreLayout | undefined;
  /** Gigabytes, or a text such as "8G". */
  readonly memory?: number | string | undefined;
  readonly gpus?: number | undefined;
  /** Seconds, a text such as "1:30:00", or hard and soft limits. */
  readonly wtime?: number | string | PlainWalltime | undefined;
  readonly token?: string | readonly string[] | undefined;
  readonly capacity?: number | undefined;
  readonly nodes?: number | undefined;
  /** Name of each cluster-wide limit and how many at once. */
  readonly limits?: Readonly<Record<string, number>> | undefined;
  /** User-defined kinds and how many of each. */
  readonly resources?: Readonly<Record<string, number>> | undefined;
}

type Reader = (value: unknown, plain: Readonly<Record<string, unknown>>) => Demand;

const READERS: Readonly<Record<keyof PlainResource, Reader>> = {
  cores: (value, { coreLayout }) => coresDemand(value, coreLayout),
  coreLayout: readLayout,
  memory: (value) => amountDemand("memory", value),
  gpus: (value) => amountDemand("gpus", value),
  wtime: readWalltime,
  token: (value) => tokenDemand(value),
  capacity: (value) => capacityDemand(value),
  nodes: (value) => nodesDemand(value),
  limits: (value) => readEach(value, "limits", (name, count, field) => limitDemand(name, count, field)),
  resources: (value) =>
    readEach(value, "resources", (name, count, field) => ownKindDemand(name, count, field)),
};

/** The keys of the plain form, in the order of its documentation. */
export const PLAIN_KEYS: readonly string[] = Object.keys(READERS);

/**
 * Reads a plain resource. Amounts of zero are kept.
 *
 * @throws ResourceError that names the key when a key is unknown or its value makes no sense
 */
export function demandOfPlain(plain: object): Demand {
  let demand = emptyDemand();
  for (const [key, value] of Object.entries(plain)) {
    if (!isPlainKey(key)) {
      const keys = PLAIN_KEYS.join(", ");
      throw new ResourceError(
        `${key}: there is no such resource${didYouMean(key, PLAIN_KEYS)}; use ${keys}.`,
      );
    }
    if (value !== undefined) demand = mergeDemands(demand, READERS[key](value, { ...plain }));
  }
  return demand;
}

function isPlainKey(key: string): key is keyof PlainResource {
  return Object.hasOwn(READERS, key);
}

/** Its effect is that of `cores`, which it is nothing without. */
function readLayout(value: unknown, { cores }: Readonly<Record<string, unknown>>): Demand {
  const coreLayout = checkLayout(value);
  return cores === undefined ? checkDemand({ ...emptyDemand(), coreLayout }) : emptyDemand();
}

function readWalltime(value: unknown): Demand {
  if (typeof value !== "object" || value === null) return walltimeDemand(value);
  const { hard, ...options } = value as Readonly<Record<string, unknown>>;
  if (hard === undefined)
    throw new ResourceError('wtime.hard: it is missing; give it, e.g. { hard: "1:30:00" }.');
  return walltimeDemand(hard, options);
}

function readEach(
  value: unknown,
  key: "limits" | "resources",
  read: (name: string, count: unknown, field: string) => Demand,
): Demand {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ResourceError(
      `${key}: ${show(value)} is not an object of names and numbers; give e.g. { license: 4 }.`,
    );
  let demand = emptyDemand();
  for (const [name, count] of Object.entries(value)) {
    if (count !== undefined) demand = mergeDemands(demand, read(name, count, `${key}.${name}`));
  }
  return demand;
}
