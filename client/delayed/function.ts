/**
 * `delayed`: wraps a function so that calling it submits a call to the run.
 *
 * How a call is carried out is the run's (see call.ts); what comes back is surface's.
 */

import { executorHost } from "../../proto/host.js";
import type { Request } from "../../proto/resource/demand.js";
import { type ResourceLike, toRequest } from "../../proto/resource/resource.js";
import { type FunctionDefinition, type Scope, scopes } from "../call.js";
import { checkArguments } from "./arguments.js";
import type { Delayed } from "./delayed.js";
import { SOURCE } from "./evaluate.js";
import { IN_PLACE } from "./node.js";
import {
  checkKeys,
  type DelayedCallOptions,
  type DelayedOptions,
  type ResolvedOptions,
  resolveModule,
  resolveName,
  resolveOptions,
} from "./options.js";
import { placeOfCall } from "./place.js";
import { isPlainObject } from "./plain-object.js";
import { registerFunction } from "./registry.js";
import { isDelayed, makeDelayed, type SurfaceOptions } from "./surface.js";

/** A function whose calls are submitted. Changing nothing, `with` and `options` give new ones. */
export interface DelayedFn<A extends unknown[] = never[], R = unknown> {
  /**
   * Submits a call and returns at once: to a worker if a resource is bound, else in this process.
   *
   * @throws Error outside of a run
   * @throws TypeError when an argument is a `Delayed`, or a worker could not find the function
   */
  (...args: A): Delayed<R>;
  /** By which workers find it. */
  readonly name: string;
  /**
   * Binds resources, on top of those it has: its calls run on workers.
   *
   * @throws ResourceError when two of them are of one kind
   * @example
   * energy.with(cores(2), memory("4G"))(0.7)
   */
  with(...resources: readonly ResourceLike[]): DelayedFn<A, R>;
  /** Changes options, keeping the others. */
  options(options: DelayedCallOptions<A>): DelayedFn<A, R>;
  /** Submits one call per item. */
  map(items: Iterable<A[0]>): Delayed<R>[];
}

type ArgumentsOf<F> = F extends (...args: infer A) => unknown ? A : never;
type ResultOf<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never;

/** What a DelayedFn is made of. */
interface Bound {
  readonly definition: FunctionDefinition;
  readonly options: ResolvedOptions;
  readonly resources: readonly ResourceLike[];
  readonly request: Request | undefined;
  /** Of the `Delayed` of its calls: one object for all of them. */
  readonly surface: SurfaceOptions;
}

const bounds = new WeakMap<object, Bound>();

/** Whether a value was made by `delayed`. */
export function isDelayedFn(value: unknown): value is DelayedFn<unknown[]> {
  return typeof value === "function" && bounds.has(value);
}

/**
 * Wraps a function. Calling the result inside `run` submits a call and gives a `Delayed` at once.
 *
 * To run on workers the function must be wrapped while its module is loaded, at the top level; it may
 * use what the module imports and declares.
 *
 * @param fn sync or async; its arguments and result must be cloneable to run on a worker
 * @throws TypeError for a function without a name, a bad option, or a second function of one name in a file
 * @example
 * const energy = delayed(async function energy(distance: number) {
 *   return distance ** 2;
 * });
 * await run(async () => console.log(await energy.with(cores(1))(0.7)));
 */
// F has no call signature to be inferred against, so that `(x: number, n = 1)` keeps the type of n.
export function delayed<F extends Function>(
  fn: F,
  options: DelayedOptions<ArgumentsOf<F>> = {},
): DelayedFn<ArgumentsOf<F>, ResultOf<F>> {
  if (isDelayedFn(fn))
    throw new TypeError(`delayed: ${fn.name} is a delayed function already; use .options to change it.`);
  if (typeof fn !== "function" || isDelayed(fn))
    throw new TypeError(`delayed takes a function, not ${typeOf(fn)}.`);
  checkKeys("delayed", options, true);
  const name = resolveName(fn, options.name);
  const resolved = resolveOptions("delayed", options);
  const module = resolveModule(options.module);
  const place = placeOfCall(delayed, scopes.getStore() !== undefined);
  const definition: FunctionDefinition = {
    name,
    fn: fn as unknown as FunctionDefinition["fn"],
    module: module ?? place.file,
    place: place.text,
    topLevel: module !== undefined || place.topLevel,
    options: resolved.call,
  };
  registerFunction(definition, place.origin);
  const surface = surfaceOf(resolved);
  return makeFunction({ definition, options: resolved, resources: [], request: undefined, surface });
}

function makeFunction<A extends unknown[], R>(bound: Bound): DelayedFn<A, R> {
  const { name } = bound.definition;
  const call = (...args: A): Delayed<R> => submit(bound, args) as Delayed<R>;
  const methods: Pick<DelayedFn<A, R>, "name" | "with" | "options" | "map"> = {
    name,
    with(...resources) {
      const named = resources.filter((resource) => !isNothing(resource));
      if (named.length === 0) return fn;
      const all = [...bound.resources, ...named];
      return makeFunction({ ...bound, resources: all, request: toRequest(...all) });
    },
    options(options) {
      checkKeys(`${name}.options`, options, false);
      const resolved = resolveOptions(`${name}.options`, options, bound.options);
      return makeFunction({
        ...bound,
        options: resolved,
        definition: { ...bound.definition, options: resolved.call },
        surface: surfaceOf(resolved),
      });
    },
    map(items) {
      if (
        isDelayed(items) ||
        typeof (items as Partial<Iterable<unknown>> | undefined)?.[Symbol.iterator] !== "function"
      )
        throw new TypeError(`${name}.map takes an iterable with one item per call, not ${typeOf(items)}.`);
      return Array.from(items, (item) => submit(bound, [item]) as Delayed<R>);
    },
  };
  for (const [key, value] of Object.entries(methods)) Object.defineProperty(call, key, { value });
  const fn = call as DelayedFn<A, R>;
  bounds.set(fn, bound);
  return fn;
}

function surfaceOf({ copyOnSetItem, nout }: ResolvedOptions): SurfaceOptions {
  return { flags: copyOnSetItem ? 0 : IN_PLACE, length: nout };
}

/** `{}` asks for nothing: the call stays local. */
function isNothing(resource: ResourceLike): boolean {
  return isPlainObject(resource) && Object.values(resource).every((value) => value === undefined);
}

function submit(bound: Bound, args: readonly unknown[]): unknown {
  const { definition, request } = bound;
  const scope = currentScope(definition.name);
  checkArguments(definition.name, args);
  if (request !== undefined && !definition.topLevel)
    throw new TypeError(
      `${definition.name} was made inside another function (${definition.place}), where a worker cannot find it; move delayed(…) to the top level of its module, or call it without a resource to run it here.`,
    );
  if (request === undefined && definition.options.cacheKey !== undefined)
    throw new TypeError(
      `${definition.name}: cacheKey is for calls with a resource, which run on workers: give it one, as ${definition.name}.with(cores(1))(…), or leave cacheKey out.`,
    );
  const { number, completion } = scope.spawn({ definition, request, args });
  return makeDelayed(SOURCE, completion, definition.name, number, bound.surface);
}

/**
 * The run that the caller belongs to.
 *
 * @throws Error when there is none, saying where to call
 */
export function currentScope(name: string): Scope {
  const scope = scopes.getStore();
  if (scope !== undefined) return scope;
  if (executorHost() !== undefined)
    throw new Error(
      `${name} was called inside a task on a worker: delayed functions are called by the client program, inside run; let the task return its value and call ${name} there.`,
    );
  throw new Error(
    `${name} was called outside of a run; call it inside run(async () => …), or inside session.run for a session of connect().`,
  );
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (isDelayed(value)) return "a Delayed";
  return typeof value === "object" ? "an object" : `${typeof value}`;
}
