/** Bytes into values. */

import { messageOf, SerializationError } from "../errors.js";
import { type Encoded, PLAIN_FORMAT, RICH_FORMAT } from "./encoded.js";
import { decodePlain } from "./plain.js";
import { decodeRich } from "./rich.js";

/**
 * Decodes a value.
 *
 * @param encoded the parts of an encoded value, joined: nothing of the value refers to them after; or as a `Scatter` has
 *   received them: the value owns them then. No bytes: `undefined`
 * @throws SerializationError when they are no encoded value
 * @example
 * decodeValue(joinParts(encodeValue(new Set([1, 2]), "result"))) // new Set([1, 2])
 */
export function decodeValue(encoded: Uint8Array | Encoded): unknown {
  if (encoded.byteLength === 0) return undefined;
  const [bytes, ...apart] = encoded instanceof Uint8Array ? [encoded] : encoded.parts;
  const format = bytes?.[0];
  try {
    if (format === PLAIN_FORMAT) return decodePlain(bytes!);
    if (format === RICH_FORMAT) return decodeRich(bytes!, apart.length === 0 ? undefined : apart);
  } catch (error) {
    throw malformed(encoded, messageOf(error), error);
  }
  throw malformed(encoded, `format ${format} is not known`);
}

/**
 * Decodes the arguments of a call.
 *
 * @param encoded like those of `decodeValue`; none: no arguments
 * @throws SerializationError when they are no encoded arguments
 * @example
 * decodeArgs(joinParts(encodeArgs([1, "a"]))) // [1, "a"]
 */
export function decodeArgs(encoded: Uint8Array | Encoded): unknown[] {
  if (encoded.byteLength === 0) return [];
  const args = decodeValue(encoded);
  if (!Array.isArray(args)) throw malformed(encoded, "it is no list of arguments");
  return args;
}

function malformed({ byteLength }: { byteLength: number }, why: string, cause?: unknown): SerializationError {
  return new SerializationError(
    `A received value of ${byteLength} bytes cannot be read (${why}): check that all processes run the same version of grain-scheduler and of Node.js.`,
    { cause },
  );
}
