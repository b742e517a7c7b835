/**
 * What users write: builders, `.and`, `anyOf` and the plain form, all of which
 * become one `Request`.
 *
 * A resource never changes; combining gives a new one. What a machine has is pool's.
 */

import { ResourceError } from "../errors.js";
import { canonicalRequest } from "./canonical.js";
import { mergeAlternatives, mergeDemands } from "./combine.js";
import { type Demand, emptyDemand, formatRequest, type Request } from "./demand.js";
import {
  amountDemand,
  capacityDemand,
  coresDemand,
  limitDemand,
  nodesDemand,
  ownKindDemand,
  tokenDemand,
  walltimeDemand,
} from "./kind.js";
import type { CoreLayout } from "./layout.js";
import { demandOfPlain, type PlainResource } from "./plain.js";
import { show } from "./show.js";

/** Wherever a resource is taken. */
export type ResourceLike = Resource | PlainResource;

/** Options of {@link wtime}. */
export interface WalltimeOptions {
  /** What the worker must have left for the task to start there: seconds or text. Default: the hard limit. */
  readonly soft?: number | string | undefined;
  /** Tasks of one group share limits learnt from their run times. Default: nothing is learnt. */
  readonly group?: string | undefined;
}

/**
 * What a task asks for. Made by the builders (`cores(4)`, `memory("8G")`, …), combined
 * with `.and`.
 *
 * @example
 * cores(4).and(memory("8G")).and({ token: "has-gpu" })
 */
export class Resource {
  /** The same as plain data, in canonical form: sorted, nothing twice, no amounts of zero. */
  readonly request: Request;
  /** The alternatives with the kinds that were named with zero: a pool needs to know them. */
  readonly #named: readonly Demand[];

  /** @internal Use the builders. */
  constructor(alternatives: readonly Demand[]) {
    this.request = canonicalRequest({ alternatives: [...alternatives] });
    this.#named = alternatives;
  }

  /** @internal The alternatives of a resource, however written, with amounts of zero. */
  static alternativesOf(like: ResourceLike): readonly Demand[] {
    if (typeof like === "function")
      throw new ResourceError(`resource: ${show(like)} is not a resource; call it, e.g. cores(2).`);
    if (typeof like !== "object" || like === null || Array.isArray(like))
      throw new ResourceError(
        `resource: ${show(like)} is not a resource; give e.g. cores(2) or { cores: 2 }.`,
      );
    if (#named in like) return like.#named;
    // A resource made by another copy of this module.
    if (isForeign(like)) return canonicalRequest(like.request).alternatives;
    return [demandOfPlain(like)];
  }

  /**
   * Asks for another resource as well.
   *
   * Alternatives multiply out: `anyOf(a, b).and(c)` is `anyOf(a.and(c), b.and(c))`.
   *
   * @throws ResourceError when both name one kind, or the kinds cannot be combined
   */
  and(other: ResourceLike): Resource {
    return combine(this, other);
  }

  /** For people: "4 cores, 8G memory". */
  toString(): string {
    return formatRequest(this.request);
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `Resource(${this.toString()})`;
  }
}

function isForeign(like: object): like is { readonly request: Request } {
  const { request } = like as { readonly request?: Partial<Request> };
  return typeof request === "object" && request !== null && Array.isArray(request.alternatives);
}

/**
 * Combines resources into what goes on the wire.
 *
 * @param likes none: a request for nothing, which fits every worker
 * @throws ResourceError when something in them makes no sense; the message names the field
 * @example
 * toRequest(cores(2), { memory: "4G" }).alternatives.length // 1
 */
export function toRequest(...likes: readonly ResourceLike[]): Request {
  return combine(...likes).request;
}

/** Combines resources, as `.and` does. */
export function combine(...likes: readonly ResourceLike[]): Resource {
  let alternatives: readonly Demand[] = [emptyDemand()];
  for (const like of likes) alternatives = mergeAlternatives(alternatives, Resource.alternativesOf(like));
  return new Resource(alternatives);
}

/**
 * Cores of one worker, which the task gets for itself.
 *
 * @param n a number down to 1/10000, or "all" cores of the worker. Of 1.5 the half is a share of one
 *   core. 0: the task runs on a worker and occupies no core, as one that only waits
 * @param layout from which NUMA nodes they come: "compact" (as few as possible), "tight" (as few, rather
 *   from those in use already) or "spread" (as many as possible). A preference: it never makes the task
 *   wait. Default: "compact"
 * @throws ResourceError when it is no such number or layout; a layout with a fraction
 * @example
 * energy.with(cores(4))(0.7)
 * stream.with(cores(8, "spread"))(mesh)
 */
export function cores(n: number | "all", layout?: CoreLayout): Resource {
  return new Resource([coresDemand(n, layout)]);
}

/**
 * Memory of one worker.
 *
 * @param size gigabytes (of 1024³ bytes), or a text with a unit: "16G", "512M", "1.5T"
 * @throws ResourceError when it is no size
 */
export function memory(size: number | string): Resource {
  return new Resource([amountDemand("memory", size)]);
}

/**
 * Cores and memory: `cores(n).and(memory(m))`.
 *
 * @param n as of `cores`
 * @param m as of `memory`
 */
export function node(n: number | "all", m: number | string): Resource {
  return new Resource([mergeDemands(coresDemand(n), amountDemand("memory", m))]);
}

/**
 * GPUs of one worker.
 *
 * @param n a number down to 1/10000; a fraction is a share of a single device, 0 is none
 * @throws ResourceError when it is no such number
 */
export function gpus(n: number): Resource {
  return new Resource([amountDemand("gpus", n)]);
}

/**
 * A limit of the run time. The task starts only where so much time is left, and is killed
 * (`TaskTimeoutError`) when it takes longer.
 *
 * @param hard seconds or a text such as "1:30:00", "1-02:00:00", "90m"
 * @throws ResourceError when it is no duration, or `soft` is longer than `hard`
 * @example
 * wtime("1:30:00", { soft: "1:00:00", group: "relax" })
 */
export function wtime(hard: number | string, options: WalltimeOptions = {}): Resource {
  return new Resource([walltimeDemand(hard, options)]);
}

/**
 * A label that the worker must carry. Several of different names can be combined.
 *
 * @throws ResourceError when it is no text
 */
export function token(name: string): Resource {
  return new Resource([tokenDemand(name)]);
}

/**
 * Slots of a worker's capacity: a worker of capacity 8 runs at most 8 tasks of one slot at once.
 *
 * @param slots a whole number. Default: 1
 * @throws ResourceError when it is not whole or less than 1
 */
export function capacity(slots = 1): Resource {
  return new Resource([capacityDemand(slots)]);
}

/**
 * Whole workers at once; other amounts are what each of them must have at least.
 *
 * @param n a whole number of workers
 * @throws ResourceError when it is not whole or less than 1; combined with fractions of cores or gpus
 */
export function nodes(n: number): Resource {
  return new Resource([nodesDemand(n)]);
}

/**
 * A cluster-wide limit, e.g. of licences: of all tasks with this name at most `n` run at once.
 *
 * @throws ResourceError when the name is no text or `n` is not a whole number of 1 or more
 */
export function limit(name: string, n: number): Resource {
  return new Resource([limitDemand(name, n)]);
}

/**
 * A kind of resource of your own, counted by each worker that offers it (`--res '{"licenses":3}'`).
 *
 * @param amount a number down to 1/10000; 0 is none
 * @throws ResourceError when the kind is built in (the message says what to call) or `amount` is no such number
 */
export function resource(kind: string, amount: number): Resource {
  return new Resource([ownKindDemand(kind, amount)]);
}

/**
 * Alternatives in order of preference: the first that fits is granted.
 *
 * @throws ResourceError when there is none
 * @example
 * anyOf(gpus(1), cores(8))
 */
export function anyOf(...likes: readonly ResourceLike[]): Resource {
  return new Resource(likes.flatMap((like) => Resource.alternativesOf(like)));
}
