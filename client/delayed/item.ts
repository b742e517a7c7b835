/**
 * Items of values: reading, unpacking, copying and assigning them, by the value's type.
 *
 * Knows nothing of `Delayed`.
 */

import { isPlainObject } from "./plain-object.js";

type TypedArray = Float64Array;

function isTypedArray(value: unknown): value is TypedArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

/**
 * Reads one item: of a map by key, of anything else as a property.
 *
 * @throws TypeError for undefined and null
 */
export function readItem(value: unknown, key: unknown): unknown {
  if (value instanceof Map) return value.get(key);
  if (value === undefined || value === null)
    throw new TypeError(`op.getItem: cannot read ${showKey(key)} of ${value}.`);
  return (value as Record<PropertyKey, unknown>)[key as PropertyKey];
}

/** Items of iterables without an index; kept, since some can be iterated only once. */
const unpacked = new WeakMap<object, unknown[]>();

/**
 * One of the values that unpacking gives.
 *
 * @param index from 0
 * @param length how many the value is to have (`nout`)
 * @throws TypeError when it is no iterable, or shorter
 */
export function unpackItem(value: unknown, index: number, length: number): unknown {
  const items = itemsOf(value);
  if (items === undefined)
    throw new TypeError(
      `nout is ${length}, but the value is not iterable: ${typeof value}; return an array.`,
    );
  if (items.length < length)
    throw new TypeError(
      `nout is ${length}, but the value has only ${items.length} items; return as many as nout says.`,
    );
  return items[index];
}

function itemsOf(value: unknown): ArrayLike<unknown> | undefined {
  if (Array.isArray(value) || isTypedArray(value)) return value;
  if (typeof value === "string") return [...value];
  if (typeof value !== "object" || value === null) return undefined;
  if (typeof (value as Partial<Iterable<unknown>>)[Symbol.iterator] !== "function") return undefined;
  let items = unpacked.get(value);
  if (items === undefined) {
    items = [...(value as Iterable<unknown>)];
    unpacked.set(value, items);
  }
  return items;
}

/**
 * A shallow copy to assign items to.
 *
 * @throws TypeError for what has no items or cannot be copied
 */
export function copyForAssignment(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice();
  // Not value.slice(): that of a Buffer shares its memory.
  if (isTypedArray(value)) return Float64Array.prototype.slice.call(value);
  if (value instanceof Map) return new Map(value);
  if (isPlainObject(value)) return Object.assign(Object.create(Object.getPrototypeOf(value)), value);
  if (typeof value !== "object" || value === null)
    throw new TypeError(
      `cannot assign an item of ${showType(value)}; arrays, typed arrays, maps and objects have items.`,
    );
  throw new TypeError(
    `cannot copy ${showType(value)} to assign an item: only arrays, typed arrays, maps and plain objects can be copied; set copyOnSetItem: false to assign in place.`,
  );
}

/**
 * Assigns one item in place.
 *
 * @throws TypeError for what has no items; RangeError beyond the end of a typed array
 */
export function assignItem(value: unknown, key: unknown, item: unknown): void {
  if (value instanceof Map) {
    value.set(key, item);
    return;
  }
  if (typeof value !== "object" || value === null || value instanceof Set)
    throw new TypeError(
      `cannot assign an item of ${showType(value)}; arrays, typed arrays, maps and objects have items.`,
    );
  if (
    isTypedArray(value) &&
    !(Number.isInteger(key) && (key as number) >= 0 && (key as number) < value.length)
  )
    throw new RangeError(
      `cannot assign item ${showKey(key)}: the ${value.constructor.name} has ${value.length} items.`,
    );
  if (Array.isArray(value) && !(Number.isInteger(key) && (key as number) >= 0))
    throw new TypeError(`cannot assign item ${showKey(key)} of an array; give an index of 0 or more.`);
  if (key === "__proto__") throw new TypeError('cannot assign item "__proto__"; give it another name.');
  (value as Record<PropertyKey, unknown>)[key as PropertyKey] = item;
}

function showType(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  return `an object of class ${value.constructor?.name ?? "Object"}`;
}

function showKey(key: unknown): string {
  return typeof key === "string" ? JSON.stringify(key) : String(key);
}
