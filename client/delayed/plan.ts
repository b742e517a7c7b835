/**
 * Arguments that may hold `Delayed` anywhere in arrays and plain objects: what to put
 * where once their values are there.
 *
 * Arrays and objects without a `Delayed` inside are passed on as they are; others are copied.
 */

import type { DelayedNode } from "./node.js";
import { isPlainObject } from "./plain-object.js";

/** Writes a value with the operands' values filled in. */
interface Plan {
  fill(values: readonly unknown[]): unknown;
}

class Slot implements Plan {
  readonly #index: number;

  constructor(index: number) {
    this.#index = index;
  }

  fill(values: readonly unknown[]): unknown {
    return values[this.#index];
  }
}

class ArrayPlan implements Plan {
  readonly #items: readonly unknown[];

  constructor(items: readonly unknown[]) {
    this.#items = items;
  }

  fill(values: readonly unknown[]): unknown {
    return this.#items.map((item) => fill(item, values));
  }
}

class ObjectPlan implements Plan {
  readonly #prototype: object | null;
  readonly #entries: readonly (readonly [string, unknown])[];

  constructor(prototype: object | null, entries: readonly (readonly [string, unknown])[]) {
    this.#prototype = prototype;
    this.#entries = entries;
  }

  fill(values: readonly unknown[]): unknown {
    const copy = Object.create(this.#prototype) as object;
    for (const [key, item] of this.#entries) {
      const value = fill(item, values);
      Object.defineProperty(copy, key, { value, writable: true, enumerable: true, configurable: true });
    }
    return copy;
  }
}

/** Tells a `Delayed`'s node, as an operand; undefined for any other value. */
export type ToOperand = (value: unknown) => DelayedNode | undefined;

/**
 * Plans one value. Recursive data is followed once around: a cycle cannot hold a `Delayed`
 * that is not found on the way.
 *
 * @param operands where the nodes found are put; a slot is an index into it
 * @returns a plan, or the value itself when there is nothing to fill in
 */
export function plan(
  value: unknown,
  toOperand: ToOperand,
  operands: DelayedNode[],
  within: readonly object[] = [],
): unknown {
  const node = toOperand(value);
  if (node !== undefined) return new Slot(operands.push(node) - 1);
  if (typeof value !== "object" || value === null || within.includes(value)) return value;
  const before = operands.length;
  if (Array.isArray(value)) {
    const inner = [...within, value];
    const items = value.map((item) => planItem(item, toOperand, operands, inner));
    return operands.length === before ? value : new ArrayPlan(items);
  }
  if (!isPlainObject(value)) return value;
  const inner = [...within, value];
  const entries = Object.entries(value).map(
    ([key, item]) => [key, planItem(item, toOperand, operands, inner)] as const,
  );
  return operands.length === before ? value : new ObjectPlan(Object.getPrototypeOf(value), entries);
}

/** As `plan`, and cheap for the numbers and texts that long arrays are made of. */
function planItem(
  value: unknown,
  toOperand: ToOperand,
  operands: DelayedNode[],
  within: readonly object[],
): unknown {
  if (typeof value !== "object" && typeof value !== "function") return value;
  return plan(value, toOperand, operands, within);
}

/** Carries a plan out. */
export function fill(planned: unknown, values: readonly unknown[]): unknown {
  if (planned instanceof Slot || planned instanceof ArrayPlan || planned instanceof ObjectPlan)
    return planned.fill(values);
  return planned;
}
