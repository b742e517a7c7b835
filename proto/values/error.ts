/**
 * Errors as bytes: what a task threw, on its way to the caller. Unlike structured
 * clone this keeps an error's own fields, its class where both ends know it, and
 * nested errors; and it always succeeds, leaving out what cannot be sent.
 */

import { inspect, types } from "node:util";
import * as ourErrors from "../errors.js";
import { messageOf, SerializationError } from "../errors.js";
import { decodeValue } from "./decode.js";
import { encodeValue } from "./encode.js";
import { joinParts } from "./encoded.js";

/** Causes of causes beyond this are left out. */
const MAX_NESTING = 50;
/** Longer messages and stacks are cut, larger fields are replaced by a short text. */
const MAX_FIELD_BYTES = 1_048_576;
/** Of a larger error only name, message and stack are kept. */
const MAX_ERROR_BYTES = 8_388_608;

type ErrorClass = new (message: string) => Error;

/** Classes that both ends know; subclasses before the classes they extend. */
const CLASSES: readonly (readonly [name: string, type: Function, make: (record: ErrorRecord) => Error])[] = [
  ...[
    ourErrors.TaskError,
    ourErrors.TaskTimeoutError,
    ourErrors.TaskCancelledError,
    ourErrors.WorkerLostError,
    ourErrors.InfeasibleError,
    ourErrors.ConnectionError,
    ourErrors.AuthError,
    ourErrors.ConfigError,
    ourErrors.ResourceError,
    ourErrors.SerializationError,
    ourErrors.ProgramError,
    ourErrors.GrainError,
    TypeError,
    RangeError,
    SyntaxError,
    ReferenceError,
    EvalError,
    URIError,
  ].map((type: ErrorClass) => [type.name, type, ({ message }: ErrorRecord) => new type(message)] as const),
  ["AggregateError", AggregateError, ({ message }) => new AggregateError([], message)],
  ["DOMException", DOMException, ({ message, name }) => new DOMException(message, name)],
];

/** A thrown thing: an error, or any other value as it is. */
type Thrown = { readonly error: ErrorRecord } | { readonly value: unknown };

interface ErrorRecord {
  /** The nearest class that both ends know; empty: Error. */
  type: string;
  name: string;
  message: string;
  stack: string | undefined;
  /** Own fields, name by name. */
  fields: [string, Thrown][];
  cause: Thrown | undefined;
  /** Of an AggregateError. */
  errors: Thrown[] | undefined;
}

/**
 * Encodes what was thrown. Never throws; fields that cannot be sent become their printed form.
 *
 * @param error anything, an Error or not
 * @example
 * reviveError(encodeError(new TypeError("no", { cause: "why" }))) // TypeError: no, with cause "why"
 */
export function encodeError(error: unknown): Uint8Array {
  try {
    const encoded = encodeValue(new Recorder().thrown(error, 0), "error");
    if (encoded.byteLength <= MAX_ERROR_BYTES) return joinParts(encoded);
  } catch {
    // Falls through to what can always be encoded.
  }
  return joinParts(encodeValue({ error: bareRecord(error) }, "error"));
}

/** Turns errors into records, each error into one: cycles and sharing stay as they are. */
class Recorder {
  readonly #records = new Map<object, ErrorRecord>();

  thrown(thrown: unknown, nesting: number): Thrown {
    return isError(thrown) ? { error: this.#record(thrown, nesting) } : { value: sendable(thrown) };
  }

  #record(error: Error, nesting: number): ErrorRecord {
    const known = this.#records.get(error);
    if (known !== undefined) return known;
    const record = bareRecord(error);
    this.#records.set(error, record);
    if (nesting >= MAX_NESTING) return record;
    const errors = read(error, "errors");
    const isAggregate = error instanceof AggregateError && Array.isArray(errors);
    if (isAggregate) record.errors = errors.map((item) => this.thrown(item, nesting + 1));
    if (hasOwn(error, "cause")) record.cause = this.thrown(read(error, "cause"), nesting + 1);
    for (const key of ownKeys(error)) {
      if (["name", "message", "stack", "cause"].includes(key) || (isAggregate && key === "errors")) continue;
      record.fields.push([key, this.thrown(read(error, key), nesting + 1)]);
    }
    return record;
  }
}

function bareRecord(error: unknown): ErrorRecord {
  const stack = read(error, "stack");
  const name = read(error, "name");
  const message = read(error, "message");
  return {
    type: nameOfClass(error),
    name: typeof name === "string" && name !== "" ? cut(name) : "Error",
    message: cut(typeof message === "string" ? message : messageOf(error)),
    stack: typeof stack === "string" ? cut(stack) : undefined,
    fields: [],
    cause: undefined,
    errors: undefined,
  };
}

function isError(value: unknown): value is Error {
  try {
    return types.isNativeError(value) || value instanceof Error;
  } catch {
    return false;
  }
}

function nameOfClass(error: unknown): string {
  try {
    return CLASSES.find(([, type]) => error instanceof type)?.[0] ?? "";
  } catch {
    return "";
  }
}

/** A property; undefined when reading it fails. */
function read(object: unknown, key: string): unknown {
  try {
    return (object as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

function hasOwn(object: object, key: string): boolean {
  try {
    return Object.hasOwn(object, key);
  } catch {
    return false;
  }
}

function ownKeys(object: object): string[] {
  try {
    return Object.keys(object);
  } catch {
    return [];
  }
}

/** The value itself, or its printed form when it cannot be sent or is too large. */
function sendable(value: unknown): unknown {
  try {
    if (encodeValue(value, "error").byteLength <= MAX_FIELD_BYTES) return value;
  } catch {
    // Printed instead.
  }
  try {
    return cut(inspect(value, { customInspect: false, maxStringLength: 10_000 }));
  } catch {
    return messageOf(value);
  }
}

function cut(text: string): string {
  return text.length <= MAX_FIELD_BYTES ? text : `${text.slice(0, MAX_FIELD_BYTES)}...`;
}

/**
 * Makes again what `encodeError` was given: errors of known classes as instances
 * of them, others as `Error` with their name.
 *
 * @param bytes of `encodeError`; none: `undefined`
 * @returns what was thrown; a SerializationError when the bytes are malformed
 * @example
 * throw new TaskError("…", { cause: reviveError(failure.error) });
 */
export function reviveError(bytes: Uint8Array): unknown {
  if (bytes.byteLength === 0) return undefined;
  try {
    return new Reviver().thrown(decodeValue(bytes) as Thrown);
  } catch (error) {
    return new SerializationError(
      `A received error of ${bytes.byteLength} bytes cannot be read (${messageOf(error)}): check that all processes run the same version of grain-scheduler.`,
      { cause: error },
    );
  }
}

/** Turns records back into errors, each record into one. */
class Reviver {
  readonly #errors = new Map<ErrorRecord, Error>();

  thrown(thrown: Thrown): unknown {
    if ("error" in thrown) return this.#error(thrown.error);
    if ("value" in thrown) return thrown.value;
    throw new TypeError("it is no error record");
  }

  #error(record: ErrorRecord): Error {
    const known = this.#errors.get(record);
    if (known !== undefined) return known;
    const make = CLASSES.find(([name]) => name === record.type)?.[2];
    const error = make === undefined ? new Error(record.message) : make(record);
    this.#errors.set(record, error);
    if (error.name !== record.name) define(error, "name", record.name, false);
    define(error, "stack", record.stack, false);
    for (const [key, field] of record.fields) define(error, key, this.thrown(field), true);
    if (record.cause !== undefined) define(error, "cause", this.thrown(record.cause), false);
    if (record.errors !== undefined) {
      const errors = record.errors.map((item) => this.thrown(item));
      define(error, "errors", errors, false);
    }
    return error;
  }
}

/** As a field of the error itself, whatever its class says about that name. */
function define(error: Error, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true });
}
