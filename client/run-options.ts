/** The options of `run` and `connect`, and what is wrong with them. */

import { messageOf, ResourceError } from "../proto/errors.js";
import { type Pool, type ResourceLike, resourceToPool } from "../proto/resource/index.js";

/** Options of `run`. Which head, first that applies: `local` · `address` · GRAIN_ADDRESS · the configuration's `address` · embedded. */
export interface RunOptions {
  /** An embedded head and worker with these resources. */
  readonly local?: ResourceLike | undefined;
  /** The head's address: "host:port" or "unix:///path". */
  readonly address?: string | undefined;
  /** A configuration file; `false`: none. Default: GRAIN_CONFIG, or `grain.toml` in the working directory if there is one. */
  readonly configFile?: string | false | undefined;
  /** Shown to people, and in the head's log. Default: the program's file name. */
  readonly name?: string | undefined;
  /**
   * Whether its tasks, once submitted, go on at the head when the program is gone, and are found again by
   * a later program of the same `name`: see docs/results.md. Default: false.
   */
  readonly detach?: boolean | undefined;
  /** Its tasks go before those of all programs that are not. Default: false. */
  readonly prioritized?: boolean | undefined;
  /** Added to the priority of each function; higher goes first. Default: 0. */
  readonly priority?: number | undefined;
  /** Cancels everything when it fires; the run rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Whether a line on standard error tells how far it is. Default: when that is a terminal. */
  readonly progress?: boolean | undefined;
  /** Whether what tasks print is printed here. Default: true. */
  readonly logs?: boolean | undefined;
}

/** Options of `connect`: those of `run`. Its `signal` gives up connecting, and later cancels the session's runs. */
export type ConnectOptions = RunOptions;

/** Options of a run on a session that exists: `session.run`, and `run` inside a run. */
export type SubrunOptions = Pick<RunOptions, "signal">;

type Check = readonly [expected: string, holds: (value: unknown) => boolean];

const isBoolean: Check = ["true or false", (value) => typeof value === "boolean"];
const isText: Check = ["a non-empty text", (value) => typeof value === "string" && value !== ""];

const CHECKS: Readonly<Record<keyof RunOptions, Check>> = {
  local: [
    "a resource, such as cores(4) or { cores: 4 }",
    (value) => typeof value === "object" && value !== null,
  ],
  address: isText,
  configFile: ["a path or false", (value) => value === false || isText[1](value)],
  name: isText,
  detach: isBoolean,
  prioritized: isBoolean,
  priority: [
    "a whole number from -2147483648 to 2147483647",
    (value) => Number.isInteger(value) && (value as number) === ((value as number) | 0),
  ],
  signal: ["an AbortSignal", (value) => value instanceof AbortSignal],
  progress: isBoolean,
  logs: isBoolean,
};

/**
 * Refuses unknown options and wrong values.
 *
 * @param options what the caller gave; undefined: none
 * @param where the function's name, for messages
 * @param allowed options that make sense there
 * @throws TypeError that names the option and what is allowed; ResourceError for a `local` that no worker can own
 */
export function checkOptions<K extends keyof RunOptions>(
  options: unknown,
  where: string,
  allowed: readonly K[],
): Pick<RunOptions, K> {
  if (options === undefined) return {} as Pick<RunOptions, K>;
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `${where}: options must be an object, not ${options === null ? "null" : typeof options}.`,
    );
  }
  for (const [key, value] of Object.entries(options)) {
    if (!(allowed as readonly string[]).includes(key)) throw unknownOption(key, where, allowed);
    const [expected, holds] = CHECKS[key as K];
    if (value !== undefined && !holds(value)) {
      throw new TypeError(`${where}: the option ${key} must be ${expected}, not ${show(value)}.`);
    }
  }
  const checked = options as Pick<RunOptions, K>;
  checkLocal((checked as RunOptions).local, where);
  checkDetach(checked, where);
  return checked;
}

function checkDetach({ detach, name, local }: RunOptions, where: string): void {
  if (detach !== true) return;
  if (name === undefined)
    throw new TypeError(
      `${where}: the option detach needs a name, by which a later program finds what this one has left: { name: "sweep", detach: true }.`,
    );
  if (local !== undefined)
    throw new TypeError(
      `${where}: detach and local exclude each other: tasks outlive a program only at a head of its own.`,
    );
}

/** A machine of which nothing is known: what `local` names is owned whatever it has. */
const ANY_MACHINE: Pool = { cores: [], gpus: [], memoryBytes: 0, others: [], tokens: [], numa: [] };

/** Now, not when the first remote call starts the embedded worker. */
function checkLocal(local: ResourceLike | undefined, where: string): void {
  if (local === undefined) return;
  try {
    resourceToPool(local, ANY_MACHINE);
  } catch (error) {
    throw new ResourceError(`${where}: the option local: ${messageOf(error)}`, { cause: error });
  }
}

/** All options of `run` and `connect`. */
export const RUN_OPTIONS = Object.keys(CHECKS) as (keyof RunOptions)[];

/** All options of a run on a session that exists. */
export const SUBRUN_OPTIONS = ["signal"] as const;

function unknownOption(key: string, where: string, allowed: readonly string[]): TypeError {
  if (key in CHECKS) {
    return new TypeError(
      `${where}: the option ${key} belongs to the session, which exists already; allowed here: ${allowed.join(", ")}.`,
    );
  }
  const near = nearest(key, allowed);
  const advice = near === undefined ? "" : ` Did you mean ${near}?`;
  return new TypeError(`${where}: there is no option ${key}.${advice} Allowed: ${allowed.join(", ")}.`);
}

function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "object" || typeof value === "function"
    ? value === null
      ? "null"
      : `a ${typeof value}`
    : String(value);
}

/** The candidate that takes the fewest edits, if they are few for a word of that length. */
function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let fewest = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const edits = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (edits < fewest) {
      fewest = edits;
      best = candidate;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}
