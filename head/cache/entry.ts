/** A stored result: what is known of it, and the name it is stored under. */

import { createHash } from "node:crypto";
import type { BlobRef, CacheEntry } from "../../proto/grain.js";

/** What is kept of a stored result beside its bytes. */
export interface EntryRecord {
  /** The credential of the program that it is of; empty: none was needed. Nobody else gets it. */
  readonly owner: string;
  readonly function: string;
  readonly byteLength: number;
  /** Milliseconds since 1970. */
  readonly storedMs: number;
  /** When it was stored or asked for last. */
  readonly usedMs: number;
  /** The name of the detached program that it waits for; empty: it is stored until it gets too old. */
  readonly detached: string;
  /** A large one is a file of this name; undefined: it is in the database. */
  readonly ref: BlobRef | undefined;
}

/** What a result is stored under. */
export interface Identity {
  readonly owner: string;
  /** Of the function's code; undefined: the module's name and the function's stand for it. */
  readonly code: Uint8Array | undefined;
  readonly module: string;
  readonly function: string;
  readonly detached: string;
  readonly key: Uint8Array;
}

/** Bytes of a key within a code, as on the wire. */
export const KEY_BYTES = 32;

/** The id of a result: 64 hexadecimal digits. */
export function idOf({ owner, code, module, function: name, detached, key }: Identity): string {
  const hash = createHash("sha256");
  const what = code === undefined ? ["name", module, name] : ["code", Buffer.from(code).toString("hex")];
  hash.update(JSON.stringify([owner, detached, ...what])).update(key);
  return hash.digest("hex");
}

/** An entry as it is told. */
export function toMessage(id: string, record: EntryRecord): CacheEntry {
  const { owner, byteLength, storedMs, usedMs, detached } = record;
  return { id, owner, function: record.function, byteLength, storedMs, usedMs, detached };
}

/**
 * Which entries a pattern means: by the function's name or the beginning of the id; `*` is anything.
 *
 * @param pattern empty: all
 */
export function matcher(pattern: string): (id: string, record: EntryRecord) => boolean {
  if (pattern === "") return () => true;
  const text = pattern.split("*").map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  const whole = new RegExp(`^${text.join(".*")}$`, "s");
  const isId = /^[0-9a-f]{6,64}$/.test(pattern);
  return (id, record) => whole.test(record.function) || (isId && id.startsWith(pattern));
}
