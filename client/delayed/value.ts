/** `delayedVal`: a ready value as a `Delayed`. */

import type { Delayed } from "./delayed.js";
import { IN_PLACE, type Kind } from "./node.js";
import { isDelayed, makeDelayed } from "./surface.js";

/** Options of {@link delayedVal}. */
export interface DelayedValOptions {
  /** How many items unpacking gives. Default: it cannot be unpacked. */
  readonly length?: number | undefined;
  /** Whether `r[1] = 9` copies the value first. Default: true; false changes `v` itself. */
  readonly copyOnSetItem?: boolean | undefined;
}

const VALUE: Kind = {
  label: "value",
  isReady: true,
  keepsRight: true,
  compute: (node) => node.left,
  text: () => "value",
};

/**
 * Makes a `Delayed` of a value that is there already.
 *
 * @param value any value; a `Delayed` is given back as it is
 * @throws TypeError when an option makes no sense
 * @example
 * const [a, b] = delayedVal([3, 4], { length: 2 });
 */
export function delayedVal<T>(value: T, options: DelayedValOptions = {}): Delayed<Awaited<T>> {
  const { length, copyOnSetItem = true } = options;
  if (length !== undefined && !(Number.isSafeInteger(length) && length >= 0))
    throw new TypeError(`delayedVal: length must be a whole number of 0 or more, not ${String(length)}.`);
  if (typeof copyOnSetItem !== "boolean")
    throw new TypeError(`delayedVal: copyOnSetItem must be true or false, not ${String(copyOnSetItem)}.`);
  if (isDelayed(value)) return value as Delayed<Awaited<T>>;
  const flags = copyOnSetItem ? 0 : IN_PLACE;
  return makeDelayed(VALUE, value, undefined, undefined, { flags, length: length ?? -1 }) as Delayed<
    Awaited<T>
  >;
}
