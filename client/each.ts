/** `each`: waits for many at once. */

import type { DelayedBase } from "./delayed/delayed.js";
import { GATHER, promiseOf } from "./delayed/evaluate.js";
import { DelayedNode, isThenable, type Kind } from "./delayed/node.js";
import { isDelayed, operandOf } from "./delayed/surface.js";

/** A promise among the values; `left` is the promise. */
const PROMISE: Kind = { label: "promise", compute: (node) => node.left };

/**
 * Waits for the items of an iterable, or for all arguments: `Delayed`, promises or plain values.
 *
 * @returns their values in order; of arguments as a tuple
 * @throws the first error in time; later ones count as observed
 * @example
 * const [a, b] = await each(f(1), g("x"));
 * const energies = await each(grid.map((d) => energy(d)));
 */
export function each<T>(value: DelayedBase<T>): Promise<[T]>;
export function each<const T extends readonly unknown[]>(
  values: T,
): Promise<{ -readonly [I in keyof T]: Awaited<T[I]> }>;
export function each<T>(values: Iterable<T>): Promise<Awaited<T>[]>;
export function each<T extends readonly unknown[]>(
  ...values: T
): Promise<{ -readonly [I in keyof T]: Awaited<T[I]> }>;
export function each(...values: readonly unknown[]): Promise<unknown> {
  const [first] = values;
  return gather(values.length === 1 && isIterable(first) ? first : values);
}

function gather(values: Iterable<unknown>): Promise<unknown> {
  const operands: unknown[] = [];
  // An array is not iterated over: that would take three times as long until this is compiled, for which one call is too few.
  if (Array.isArray(values)) for (let i = 0; i < values.length; i++) operands.push(toWaiting(values[i]));
  else for (const value of values) operands.push(toWaiting(value));
  return promiseOf(new DelayedNode(GATHER, undefined, undefined, operands, 0));
}

function toWaiting(value: unknown): unknown {
  const operand = operandOf(value);
  if (operand !== undefined) return operand;
  return isThenable(value) ? new DelayedNode(PROMISE, value, undefined, undefined, 0) : value;
}

/** A Delayed is one value, even with `nout`; so is a string. */
function isIterable(value: unknown): value is Iterable<unknown> {
  if (typeof value !== "object" || value === null || isDelayed(value) || isThenable(value)) return false;
  return typeof (value as Partial<Iterable<unknown>>)[Symbol.iterator] === "function";
}
