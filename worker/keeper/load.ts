/** Finds what a context or service module exports, and checks what its functions return. */

import { messageOf } from "../../proto/errors.js";
import { formatMemoryShort } from "../../proto/resource/amount.js";
import { encodeValue, joinParts } from "../../proto/values/value.js";
import type { PartKind } from "../executor/message.js";

/** A user's function, or what it would have returned. */
type Maker = (...args: unknown[]) => unknown;

/** What a module exports that concerns us. */
export interface Exports {
  /** Sets the worker's own part up; of a service that has no server: undefined. */
  readonly once: Maker | undefined;
  /** Sets up the part of each process that runs tasks. */
  readonly each: Maker | undefined;
}

/** What one of its functions returned. */
export interface Holding {
  readonly value: unknown;
  readonly ended: PromiseLike<unknown> | undefined;
  dispose(): Promise<void>;
}

/** Values are sent to each process through its pipe; what is larger belongs in a file. */
export const MOST_VALUE_BYTES = 16 * 1024 * 1024;

/**
 * The exports of a loaded module.
 *
 * @throws Error that says, as a clause, what it lacks
 */
export function exportsOf(kind: PartKind, module: unknown): Exports {
  const all = unwrap(module);
  if (kind === "context") {
    const { default: main, executor } = all;
    if (main === undefined)
      throw new Error(
        `it has no default export; write: export default async function setUp() { … }${found(all)}`,
      );
    const isMaker = typeof main === "function";
    if (!isMaker && disposerOf(main) === undefined)
      throw new Error(
        `its default export is ${nameOf(main)}; it must be a function that returns an async disposable, or one`,
      );
    return { once: isMaker ? (main as Maker) : () => main, each: functionOf(all, "executor", executor) };
  }
  const start = functionOf(all, "start", all.start);
  const connect = functionOf(all, "connect", all.connect);
  if (start === undefined && connect === undefined)
    throw new Error(
      `it exports neither "start", which starts the server, nor "connect", which makes the client${found(all)}`,
    );
  return { once: start, each: connect };
}

/**
 * Checks what a module's function returned.
 *
 * @param field where in it the value is
 * @throws Error that says, as a clause, what is wrong with it
 */
export function holdingOf(made: unknown, what: string, field: "value" | "connection"): Holding {
  const dispose = disposerOf(made);
  if (dispose === undefined)
    throw new Error(
      `${what} returned ${nameOf(made)}, which cannot be torn down; return { ${field}: …, async [Symbol.asyncDispose]() { … } }`,
    );
  const holder = made as Record<string, unknown>;
  if (!(field in holder)) {
    const others = Object.keys(holder);
    if (others.length > 0)
      throw new Error(
        `what ${what} returned has no "${field}": put what tasks are to get there (it has ${others.join(", ")})`,
      );
  }
  const { ended } = holder;
  const isPromise = typeof (ended as PromiseLike<unknown> | undefined)?.then === "function";
  if (field === "connection" && ended !== undefined && !isPromise)
    throw new Error(`"ended" of what ${what} returned is ${nameOf(ended)}; it must be a promise`);
  return {
    value: holder[field],
    ended: isPromise ? (ended as PromiseLike<unknown>) : undefined,
    dispose: async () => void (await dispose.call(made)),
  };
}

/**
 * A value as it is sent to the processes that run tasks.
 *
 * @param root what it is called in messages
 * @throws Error that names the place inside the value which cannot be sent, or is too large
 */
export function encodeShared(value: unknown, root: string): Uint8Array {
  const encoded = encodeValue(value, root);
  if (encoded.byteLength <= MOST_VALUE_BYTES) return joinParts(encoded);
  const [path, bytes] = largest(value, root, encoded.byteLength);
  throw new Error(
    `${path} takes ${formatMemoryShort(bytes)}, and ${root} at most ${formatMemoryShort(MOST_VALUE_BYTES)}: write it to a file and give the file's path`,
  );
}

/** Where most of a value is. */
function largest(value: unknown, path: string, byteLength: number): [string, number] {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return [path, byteLength];
  for (const [key, member] of Object.entries(value)) {
    const bytes = encodeValue(member, path).byteLength;
    const place = Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`;
    if (bytes * 2 > byteLength) return largest(member, place, bytes);
  }
  return [path, byteLength];
}

function disposerOf(made: unknown): (() => unknown) | undefined {
  if (made === null || (typeof made !== "object" && typeof made !== "function")) return undefined;
  const holder = made as Record<symbol, unknown>;
  const dispose = holder[Symbol.asyncDispose] ?? holder[Symbol.dispose];
  return typeof dispose === "function" ? (dispose as () => unknown) : undefined;
}

/** Past what a CommonJS module is wrapped in. */
function unwrap(module: unknown): Record<string, unknown> {
  const all = module as Record<string, unknown>;
  const inner = all.default as Record<string, unknown> | undefined;
  if (typeof inner !== "object" || inner === null) return all;
  return inner.__esModule === true || typeof inner.default === "function" ? inner : all;
}

function functionOf(all: Record<string, unknown>, name: string, value: unknown): Maker | undefined {
  if (value === undefined && !(name in all)) return undefined;
  if (typeof value === "function") return value as Maker;
  throw new Error(`its export "${name}" is ${nameOf(value)}; it must be a function`);
}

function found(all: Record<string, unknown>): string {
  const names = Object.keys(all).filter((name) => name !== "__esModule" && name !== "module.exports");
  return names.length === 0 ? "" : ` (it exports ${names.join(", ")})`;
}

function nameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** An error's message as the end of a line: compilers write several. */
export function clauseOf(error: unknown): string {
  return messageOf(error).replace(/\s*\n\s*/g, " ");
}

/** What stands before a clause about a module: "The context /home/me/context.ts". */
export function titleOf(kind: PartKind, file: string): string {
  return `The ${kind} ${file}`;
}
