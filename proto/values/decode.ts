/** Bytes into values. */

import { messageOf, SerializationError } from "../errors.js";
import { PLAIN_FORMAT, RICH_FORMAT } from "./encoded.js";
import { decodePlain } from "./plain.js";
import { decodeRich } from "./rich.js";

/**
 * Decodes a value.
 *
 * @param bytes the parts of an encoded value, joined; none: `undefined`. Nothing of the value refers to them after
 * @throws SerializationError when they are no encoded value
 * @example
 * decodeValue(joinParts(encodeValue(new Set([1, 2]), "result"))) // new Set([1, 2])
 */
export function decodeValue(bytes: Uint8Array): unknown {
  if (bytes.byteLength === 0) return undefined;
  const format = bytes[0]!;
  try {
    if (format === PLAIN_FORMAT) return decodePlain(bytes);
    if (format === RICH_FORMAT) return decodeRich(bytes);
  } catch (error) {
    throw malformed(bytes, messageOf(error), error);
  }
  throw malformed(bytes, `format ${format} is not known`);
}

/**
 * Decodes the arguments of a call.
 *
 * @param bytes the parts of encoded arguments, joined; none: no arguments
 * @throws SerializationError when they are no encoded arguments
 * @example
 * decodeArgs(joinParts(encodeArgs([1, "a"]))) // [1, "a"]
 */
export function decodeArgs(bytes: Uint8Array): unknown[] {
  if (bytes.byteLength === 0) return [];
  const args = decodeValue(bytes);
  if (!Array.isArray(args)) throw malformed(bytes, "it is no list of arguments");
  return args;
}

function malformed(bytes: Uint8Array, why: string, cause?: unknown): SerializationError {
  return new SerializationError(
    `A received value of ${bytes.byteLength} bytes cannot be read (${why}): check that all processes run the same version of grain-scheduler and of Node.js.`,
    { cause },
  );
}
