/** Values into bytes: chooses the format and reports what cannot be sent. */

import { messageOf, SerializationError } from "../errors.js";
import { EMPTY, type Encoded, MAX_VALUE_BYTES } from "./encoded.js";
import { encodePlain, isPlain } from "./plain.js";
import { encodeRich } from "./rich.js";
import { survey } from "./survey.js";

const GIB = 2 ** 30;

/**
 * Encodes the arguments of a call.
 *
 * @param args what structured clone takes, up to 4 GiB together; no arguments are no bytes
 * @throws SerializationError for what cannot be sent, with its place, e.g. `args[0].callback`
 * @example
 * decodeArgs(joinParts(encodeArgs([17, new Map([["a", 1n]])]))) // [17, new Map([["a", 1n]])]
 */
export function encodeArgs(args: readonly unknown[]): Encoded {
  return args.length === 0 ? EMPTY : encode(args, "args");
}

/**
 * Encodes one value, such as a result.
 *
 * @param value what structured clone takes, up to 4 GiB; `undefined` is no bytes
 * @param root what it is called in messages, e.g. "result"
 * @throws SerializationError for what cannot be sent, with its place, e.g. `result.items[3]`
 * @example
 * encodeValue({ energy: -1.5 }, "result").byteLength // 17
 */
export function encodeValue(value: unknown, root: string): Encoded {
  return value === undefined ? EMPTY : encode(value, root);
}

function encode(value: unknown, root: string): Encoded {
  const encoded = isPlain(value) ? encodePlainOrRich(value, root) : surveyAndEncode(value, root);
  if (encoded.byteLength > MAX_VALUE_BYTES) {
    const size = (encoded.byteLength / GIB).toFixed(1);
    throw refused(
      root,
      `takes ${size} GiB, and at most 4 GiB can be sent: pass it in several pieces, or as a file's name`,
    );
  }
  return encoded;
}

function encodePlainOrRich(value: unknown, root: string): Encoded {
  try {
    const bytes = encodePlain(value);
    return { byteLength: bytes.byteLength, parts: [bytes] };
  } catch {
    // Too large for one buffer of the packer.
    return surveyAndEncode(value, root);
  }
}

function surveyAndEncode(value: unknown, root: string): Encoded {
  let found = survey(value, root);
  if (found.hasAccessors) {
    // Computed properties are read once only: by making a copy that has none.
    value = cloned(value, root);
    found = survey(value, root);
  }
  try {
    return encodeRich(value, found.buffers);
  } catch (error) {
    throw refused(root, `cannot be sent (${messageOf(error)}): pass plain data`, error);
  }
}

function cloned(value: unknown, root: string): unknown {
  try {
    return structuredClone(value);
  } catch (error) {
    throw refused(
      root,
      `cannot be sent, because one of its accessors failed or gave what cannot be sent (${messageOf(error)}): pass plain data`,
      error,
    );
  }
}

function refused(path: string, what: string, cause?: unknown): SerializationError {
  return new SerializationError(`${path} ${what}.`, { path, cause });
}
