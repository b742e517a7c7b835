/** The form in which encoded values are handed on: bytes in several parts, none of them joined without need. */

/** The bytes of an encoded value, in order. */
export interface Encoded {
  /** Length of all parts together. */
  readonly byteLength: number;
  /**
   * The bytes. Large typed arrays appear as views onto the caller's memory: what
   * is changed there before the parts are sent, is sent changed.
   */
  readonly parts: readonly Uint8Array[];
}

/** A value longer than this is moved as a blob, no longer inside a batch. */
export const INLINE_LIMIT_BYTES = 65_536;

/** The longest value that can be sent. */
export const MAX_VALUE_BYTES = 2 ** 32;

/** First byte of a value of plain data, see plain.ts. */
export const PLAIN_FORMAT = 1;

/** First byte of any other value, see rich.ts. */
export const RICH_FORMAT = 2;

/** No bytes: no arguments, or `undefined`. */
export const EMPTY: Encoded = Object.freeze({ byteLength: 0, parts: Object.freeze([]) });

const NO_BYTES = new Uint8Array(0);

/**
 * The bytes of an encoded value in one piece. Copies unless there is one part only.
 *
 * @param encoded what `encodeArgs` or `encodeValue` returned
 * @returns its bytes; of a single part that part itself
 * @example
 * decodeValue(joinParts(encodeValue({ a: 1 }, "result"))) // { a: 1 }
 */
export function joinParts(encoded: Encoded): Uint8Array {
  const { parts } = encoded;
  if (parts.length === 1) return parts[0]!;
  if (parts.length === 0) return NO_BYTES;
  const joined = new Uint8Array(encoded.byteLength);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.byteLength;
  }
  return joined;
}
