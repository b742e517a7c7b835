/** The options of `delayed`: what each may be, and what a bad one is told. */

import { inspect } from "node:util";
import { parseDuration } from "../../proto/duration.js";
import { NO_RETRIES, type Retries } from "../../proto/retries.js";
import type { CallOptions } from "../call.js";
import { toPath } from "./place.js";

/** Which failures are followed by another try. */
export interface RetryOptions {
  /** How often a call is repeated; what ran out of memory is counted apart. */
  readonly max: number;
  /** Before the first repetition, doubled for each further one up to 64 times: seconds, or a text such as "10s". Default: at once. */
  readonly backoff?: number | string | undefined;
  /**
   * Which failures: names of errors ("TimeoutError"), "exit" or "exit 3" (its process ended so), "signal" or
   * "SIGKILL", "outOfMemory". Default: all but those that ran out of memory.
   */
  readonly on?: readonly string[] | undefined;
}

/** Options that can be set for a function and changed with `.options`. */
export interface DelayedCallOptions<A extends readonly unknown[] = never[]> {
  /** The value is an iterable of that many items, so that the `Delayed` can be unpacked. Default: it cannot. */
  readonly nout?: number | undefined;
  /** Whether `r[1] = 9` copies the value first. Default: true. */
  readonly copyOnSetItem?: boolean | undefined;
  /** How often, and after what, a call is repeated that failed. Default: 0. */
  readonly retries?: number | RetryOptions | undefined;
  /** A call that takes longer fails: seconds, or a text such as "1h30m". Default: no limit. */
  readonly timeout?: number | string | undefined;
  /** Higher goes first within the program's queue; a whole number. Default: 0. */
  readonly priority?: number | undefined;
  /** Whether a task's programs are bound to the cores it was granted. Default: false. */
  readonly pin?: boolean | undefined;
  /** Whether a call that no worker could ever take fails with `InfeasibleError` instead of waiting. Default: false. */
  readonly failInfeasible?: boolean | undefined;
  /**
   * Whether results outlive the program: they are stored under the function's code and this key, and a call
   * whose result is stored is not run. `true`: all arguments are the key; a function of the arguments: what
   * it gives. For calls with a resource. Default: they are not stored.
   */
  readonly cacheKey?: boolean | ((...args: A) => unknown) | undefined;
}

/** Options of `delayed`. */
export interface DelayedOptions<A extends readonly unknown[] = never[]> extends DelayedCallOptions<A> {
  /** By which workers find the function, and which messages show. Default: `fn.name`. */
  readonly name?: string | undefined;
  /** The file that workers load to find the function: `import.meta.url` or an absolute path. Default: the file that calls `delayed`. */
  readonly module?: string | URL | undefined;
}

/** The options of a call, all there, with what only the `Delayed` needs. */
export interface ResolvedOptions {
  readonly nout: number;
  readonly copyOnSetItem: boolean;
  readonly call: CallOptions;
}

/** What holds when an option is absent. */
export const DEFAULTS: ResolvedOptions = {
  nout: -1,
  copyOnSetItem: true,
  call: { retries: NO_RETRIES, timeoutMs: 0, priority: 0, pin: false, failInfeasible: false },
};

/** 2³¹ - 1: what fits into a message. */
const INT_LIMIT = 0x7fff_ffff;

const CALL_KEYS = new Set<string>([
  "nout",
  "copyOnSetItem",
  "retries",
  "timeout",
  "priority",
  "pin",
  "failInfeasible",
  "cacheKey",
] satisfies (keyof DelayedCallOptions)[]);
const FUNCTION_KEYS = new Set<string>(["name", "module"] satisfies (keyof DelayedOptions)[]);

/**
 * Checks options and fills in what is absent.
 *
 * @param where how messages begin: "delayed" or "energy.options"
 * @param base what holds for absent ones
 * @throws TypeError that names the option and what it may be
 */
export function resolveOptions(
  where: string,
  options: DelayedCallOptions,
  base: ResolvedOptions = DEFAULTS,
): ResolvedOptions {
  const { call } = base;
  const isFlag = (value: unknown) => typeof value === "boolean";
  const read = <T>(
    name: keyof DelayedCallOptions,
    fallback: T,
    isValid: (value: unknown) => boolean,
    allowed: string,
  ): T => {
    const value: unknown = options[name];
    if (value === undefined) return fallback;
    if (!isValid(value)) throw refusal(where, name, value, allowed);
    return value as T;
  };
  const cacheKey = readCacheKey(where, options.cacheKey);
  return {
    nout: read("nout", base.nout, isWhole(0), "a whole number of 0 or more"),
    copyOnSetItem: read("copyOnSetItem", base.copyOnSetItem, isFlag, "true or false"),
    call: {
      retries: readRetries(where, options.retries) ?? call.retries,
      timeoutMs: readTimeout(where, options.timeout) ?? call.timeoutMs,
      priority: read("priority", call.priority, isWhole(-INT_LIMIT), "a whole number"),
      pin: read("pin", call.pin, isFlag, "true or false"),
      failInfeasible: read("failInfeasible", call.failInfeasible, isFlag, "true or false"),
      cacheKey: cacheKey === undefined ? call.cacheKey : cacheKey || undefined,
    },
  };
}

/**
 * Refuses what is no options object, and keys that do not exist.
 *
 * @throws TypeError that names the key and those there are
 */
export function checkKeys(where: string, options: unknown, takesFunctionKeys: boolean): void {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new TypeError(`${where}: options must be an object, not ${inspect(options, { depth: 0 })}.`);
  for (const key of Object.keys(options)) {
    if (CALL_KEYS.has(key)) continue;
    if (FUNCTION_KEYS.has(key)) {
      if (takesFunctionKeys) continue;
      throw new TypeError(`${where}: ${key} belongs to the function; give it to delayed(fn, { ${key} }).`);
    }
    const known = [...CALL_KEYS, ...(takesFunctionKeys ? FUNCTION_KEYS : [])].join(", ");
    throw new TypeError(`${where}: there is no option ${JSON.stringify(key)}; there are ${known}.`);
  }
}

/**
 * The name of a function.
 *
 * @throws TypeError when there is none, telling how to give it one
 */
export function resolveName(fn: { readonly name: string }, name: unknown): string {
  if (name !== undefined && (typeof name !== "string" || name === ""))
    throw refusal("delayed", "name", name, "a text that is not empty");
  const resolved = name ?? fn.name;
  if (typeof resolved === "string" && resolved !== "") return resolved;
  throw new TypeError(
    'delayed: the function has no name; name it, as delayed(async function energy(x) { … }), or give one, as delayed(fn, { name: "energy" }).',
  );
}

/**
 * What the `module` option names: a file, or a module baked into the workers.
 *
 * @throws TypeError when it is no text
 */
export function resolveModule(module: unknown): string | undefined {
  if (module === undefined) return undefined;
  const text = module instanceof URL ? module.href : module;
  if (typeof text !== "string" || text === "") {
    throw refusal(
      "delayed",
      "module",
      module,
      "import.meta.url, a file URL, a path, or the name of a module the workers were started with (--import)",
    );
  }
  return toPath(text) ?? text;
}

function refusal(where: string, name: string, value: unknown, allowed: string): TypeError {
  return new TypeError(`${where}: ${name} must be ${allowed}, not ${inspect(value, { depth: 0 })}.`);
}

function isWhole(least: number): (value: unknown) => boolean {
  return (value) => Number.isInteger(value) && (value as number) >= least && (value as number) <= INT_LIMIT;
}

function readTimeout(where: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const allowed = 'seconds above 0 or a text such as "90s", "1h30m" or "1:30:00"';
  const timeoutMs = readDurationMs(where, "timeout", value, allowed);
  // 0 would mean none.
  if (timeoutMs === 0) throw refusal(where, "timeout", value, allowed);
  return timeoutMs;
}

function readDurationMs(where: string, name: string, value: unknown, allowed: string): number {
  if (typeof value !== "number" && typeof value !== "string") throw refusal(where, name, value, allowed);
  try {
    return parseDuration(value);
  } catch (error) {
    if (error instanceof RangeError) throw refusal(where, name, value, allowed);
    throw error;
  }
}

const RETRIES = 'a whole number of 0 or more, or { max, backoff, on } such as { max: 3, backoff: "10s" }';

function readRetries(where: string, value: unknown): Retries | undefined {
  if (value === undefined) return undefined;
  if (isWhole(0)(value)) return { ...NO_RETRIES, max: value as number };
  if (typeof value === "number") throw refusal(where, "retries", value, "a whole number of 0 or more");
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw refusal(where, "retries", value, RETRIES);
  const { max, backoff, on = [], ...unknown }: { [key: string]: unknown } = { ...value };
  const [extra] = Object.keys(unknown);
  if (extra !== undefined)
    throw refusal(where, `retries.${extra}`, unknown[extra], "absent: there are max, backoff and on");
  if (!isWhole(0)(max)) throw refusal(where, "retries.max", max, "a whole number of 0 or more");
  if (!Array.isArray(on) || !on.every((label) => typeof label === "string" && label !== ""))
    throw refusal(
      where,
      "retries.on",
      on,
      'a list such as ["TimeoutError", "exit 3", "SIGKILL", "outOfMemory"]',
    );
  const backoffMs =
    backoff === undefined
      ? 0
      : readDurationMs(where, "retries.backoff", backoff, 'seconds or a text such as "10s" or "1m"');
  return { max: max as number, backoffMs, on };
}

function readCacheKey(where: string, value: unknown): false | CallOptions["cacheKey"] {
  if (value === undefined || typeof value === "boolean") return value;
  if (typeof value === "function") return value as CallOptions["cacheKey"];
  throw refusal(where, "cacheKey", value, "true, false or a function of the arguments");
}
