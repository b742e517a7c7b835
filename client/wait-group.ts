/**
 * The older front end: calls are submitted into a group, and their results come in
 * submission order when the group is closed.
 */

import type { ResourceLike } from "../proto/resource/resource.js";
import type { FunctionDefinition } from "./call.js";
import type { Delayed } from "./delayed/delayed.js";
import { SOURCE } from "./delayed/evaluate.js";
import { currentScope, type DelayedFn, isDelayedFn } from "./delayed/function.js";
import { DEFAULTS } from "./delayed/options.js";
import { isPlainObject } from "./delayed/plain-object.js";
import { makeDelayed } from "./delayed/surface.js";

/** One resource, several, or none: `{}`, `[]`, undefined or null, which runs the call locally. */
export type Resources = ResourceLike | readonly ResourceLike[] | undefined | null;

/** A function for a group: wrapped by `delayed`, or a plain one that runs locally. */
export type GroupFn<A extends unknown[], R> = DelayedFn<A, R> | ((...args: A) => R | PromiseLike<R>);

/** Calls that belong together. */
export interface WaitGroup {
  /**
   * Submits a call.
   *
   * @throws TypeError when a plain function is given with resources: a worker could not find it
   * @throws Error once the group is closed; while `close` waits, what is under way may still submit
   */
  submit<A extends unknown[], R>(resources: Resources, fn: GroupFn<A, R>, ...args: A): Delayed<Awaited<R>>;
  /** Runs a function in this process, as part of the group; it may submit more. */
  startSubtask<A extends unknown[], R>(fn: GroupFn<A, R>, ...args: A): Delayed<Awaited<R>>;
  /**
   * Waits until everything in the group has ended.
   *
   * @returns the results in the order of submission
   * @throws the error of the one that failed; of several an AggregateError, in the order of submission
   */
  close(): Promise<unknown[]>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens a group inside a run.
 *
 * @example
 * await using wg = openWaitGroup();
 * for (const d of grid) wg.submit(cores(2), energy, d);
 * const energies = await wg.close();
 */
export function openWaitGroup(): WaitGroup {
  const members: Delayed<unknown>[] = [];
  let closing: Promise<unknown[]> | undefined;
  let isClosed = false;

  function add<R>(member: Delayed<R>): Delayed<R> {
    members.push(member as unknown as Delayed<unknown>);
    return member;
  }
  function checkOpen(what: string): void {
    if (isClosed) throw new Error(`${what}: this group is closed; open another one with openWaitGroup().`);
  }

  return {
    submit(resources, fn, ...args) {
      checkOpen("wg.submit");
      return add(submit("wg.submit", resources, fn, args));
    },
    startSubtask(fn, ...args) {
      checkOpen("wg.startSubtask");
      return add(submit("wg.startSubtask", undefined, fn, args));
    },
    close() {
      closing ??= collect(members, () => {
        isClosed = true;
      });
      return closing;
    },
    async [Symbol.asyncDispose]() {
      // Who closed the group has been told of its errors.
      if (closing === undefined) await this.close();
      else await closing.catch(() => undefined);
    },
  };
}

/**
 * Submits one call.
 *
 * @param resources one, several, or none to run it locally
 * @param fn wrapped by `delayed`; without resources a plain function will do
 * @throws TypeError when a plain function is given with resources
 * @example
 * const e = await exec1(cores(2), energy, 0.7);
 */
export function exec1<A extends unknown[], R>(
  resources: Resources,
  fn: GroupFn<A, R>,
  ...args: A
): Delayed<Awaited<R>> {
  return submit("exec1", resources, fn, args);
}

function submit<A extends unknown[], R>(
  where: string,
  resources: Resources,
  fn: GroupFn<A, R>,
  args: A,
): Delayed<Awaited<R>> {
  const list = toList(resources);
  if (isDelayedFn(fn)) return fn.with(...list)(...args) as Delayed<Awaited<R>>;
  if (typeof fn !== "function")
    throw new TypeError(
      `${where} takes a function, not ${fn === null ? "null" : typeof fn}; resources come before it.`,
    );
  if (list.length > 0)
    throw new TypeError(
      `${where}: ${fn.name || "the function"} is to run on a worker, which finds functions that delayed wrapped; wrap it at the top level, as const ${fn.name || "energy"} = delayed(…).`,
    );
  return runHere(where, fn as (...args: never[]) => unknown, args) as Delayed<Awaited<R>>;
}

/** A plain function is a local call, so that the run counts, cancels and shows it like the others. */
function runHere(where: string, fn: (...args: never[]) => unknown, args: readonly unknown[]): unknown {
  const name = fn.name || "subtask";
  const scope = currentScope(where);
  const definition: FunctionDefinition = {
    name,
    fn,
    module: undefined,
    place: where,
    topLevel: false,
    options: DEFAULTS.call,
  };
  const { number, completion } = scope.spawn({ definition, request: undefined, args });
  return makeDelayed(SOURCE, completion, name, number);
}

function toList(resources: Resources): readonly ResourceLike[] {
  if (resources === undefined || resources === null) return [];
  const list = Array.isArray(resources)
    ? (resources as readonly ResourceLike[])
    : [resources as ResourceLike];
  return list.filter((resource) => !(isPlainObject(resource) && Object.keys(resource).length === 0));
}

async function collect(members: readonly Delayed<unknown>[], onClosed: () => void): Promise<unknown[]> {
  // Subtasks that are under way may still submit: until the last has ended, the list can grow.
  const outcomes: PromiseSettledResult<unknown>[] = [];
  while (outcomes.length < members.length)
    outcomes.push(...(await Promise.allSettled(members.slice(outcomes.length))));
  onClosed();
  const errors = outcomes.flatMap((outcome) =>
    outcome.status === "rejected" ? [outcome.reason as unknown] : [],
  );
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1)
    throw new AggregateError(
      errors,
      `${errors.length} of ${members.length} calls in the group failed; see errors.`,
    );
  return outcomes.map((outcome) => (outcome.status === "fulfilled" ? outcome.value : undefined));
}
