/**
 * Format 1: plain data, by msgpackr. Covers what most calls pass: primitives, and
 * trees of plain objects and dense arrays. Tells quickly whether a value is such a
 * one; whatever msgpack would change (or might) is left to rich.ts.
 */

import { types } from "node:util";
// Not "msgpackr": that loads a native add-on, which would delay each start.
import { Packr, RESERVE_START_SPACE } from "msgpackr/pack";
import { PLAIN_FORMAT } from "./encoded.js";

/** Deeper trees are left to the iterative survey. */
const MAX_DEPTH = 64;
/** Longer strings are copied faster by the platform, and without reserving three bytes a character. */
const MAX_STRING_LENGTH = 65_536;
/** Of longer arrays of primitives, the names of all indices are not worth listing. */
const MAX_LISTED_LENGTH = 4096;
/** A larger result has its buffer for itself, so that small ones do not keep it alive. */
const POOL_LIMIT_BYTES = 65_536;
const POOL_BYTES = 8192;
/** From so many bytes on, the add-on that reads strings faster is worth loading. */
const NATIVE_FROM_BYTES = 16_384;
const BYTE_ORDER_MARK = 0xfeff;

const packr = new Packr({ useRecords: false, mapsAsObjects: true, variableMapSize: true });

/** Objects met by the walk under way: the first few in a list, more in a set. */
const FEW = 16;
const few: unknown[] = new Array(FEW).fill(undefined);
let fewCount = 0;
let more: Set<object> | undefined;

/**
 * Whether a value comes out of `encodePlain` and `decodePlain` exactly as out of
 * structured clone. False when in doubt, and always for values that are refused.
 *
 * @param value anything; its accessors are not called
 */
export function isPlain(value: unknown): boolean {
  try {
    return isPlainAt(value, 0);
  } finally {
    if (fewCount > 0) {
      few.fill(undefined, 0, fewCount);
      fewCount = 0;
      more = undefined;
    }
  }
}

function isPlainAt(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
      return isPlainString(value);
    case "number":
      return value !== 0 || 1 / value > 0;
    case "boolean":
    case "undefined":
      return true;
    case "object":
      if (value === null) return true;
      if (depth >= MAX_DEPTH || types.isProxy(value) || !isFirstVisit(value)) return false;
      return Array.isArray(value) ? isPlainArray(value, depth + 1) : isPlainObject(value, depth + 1);
    default:
      return false;
  }
}

function isPlainString(text: string): boolean {
  if (text.length > MAX_STRING_LENGTH) return false;
  // Lone surrogates have no UTF-8, and decoders may drop a byte order mark.
  return (
    text.charCodeAt(0) !== BYTE_ORDER_MARK && (text as string & { isWellFormed(): boolean }).isWellFormed()
  );
}

function isPlainArray(array: readonly unknown[], depth: number): boolean {
  if (Object.getPrototypeOf(array) !== Array.prototype) return false;
  const { length } = array;
  if (length > MAX_LISTED_LENGTH && typeof array[0] !== "object") return false;
  const keys = Object.keys(array);
  // Names of indices come first: as many as the length, the last an index, is dense and nothing more.
  if (keys.length !== length || (length > 0 && keys[length - 1] !== String(length - 1))) return false;
  for (let i = 0; i < length; i++) {
    if (!isPlainAt(array[i], depth)) return false;
  }
  return true;
}

function isPlainObject(object: object, depth: number): boolean {
  if (Object.getPrototypeOf(object) !== Object.prototype) return false;
  for (const key of Object.keys(object)) {
    // msgpackr looks at `constructor` to tell kinds of objects, and renames `__proto__`.
    if (key === "constructor" || key === "__proto__" || !isPlainString(key)) return false;
    const property = Object.getOwnPropertyDescriptor(object, key)!;
    if (property.get !== undefined || property.set !== undefined) return false;
    if (!isPlainAt(property.value, depth)) return false;
  }
  return true;
}

function isFirstVisit(object: object): boolean {
  for (let i = 0; i < fewCount; i++) {
    if (few[i] === object) return false;
  }
  if (fewCount < FEW) {
    few[fewCount++] = object;
    return true;
  }
  more ??= new Set();
  if (more.has(object)) return false;
  more.add(object);
  return true;
}

/**
 * Encodes a value for which `isPlain` holds.
 *
 * @returns its bytes, the format byte included
 * @throws Error when it needs more than about 2 GiB
 */
export function encodePlain(value: unknown): Uint8Array {
  const bytes = packr.pack(value, RESERVE_START_SPACE | 1);
  bytes[0] = PLAIN_FORMAT;
  if (bytes.byteLength > POOL_LIMIT_BYTES) packr.useBuffer(Buffer.allocUnsafeSlow(POOL_BYTES));
  return bytes;
}

/**
 * Decodes what `encodePlain` wrote.
 *
 * @param bytes with the format byte
 * @throws Error when they are malformed
 */
export function decodePlain(bytes: Uint8Array): unknown {
  if (bytes.byteLength >= NATIVE_FROM_BYTES) loadNative();
  // A view of its own: msgpackr leaves a property behind on the array it is given.
  return packr.unpack(Buffer.from(bytes.buffer, bytes.byteOffset + 1, bytes.byteLength - 1));
}

let isNativeAsked = false;

/** Where it is not built for this platform, everything works without. */
function loadNative(): void {
  if (isNativeAsked) return;
  isNativeAsked = true;
  import("msgpackr").catch(() => undefined);
}
