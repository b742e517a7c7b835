/**
 * What a journal consists of: records by key, each with a checksum over its key and its bytes.
 *
 *   format                         which format this is
 *   head                           the head's own numbers
 *   session/S                      a session as its client opened it, and how far it has been heard
 *   spec/S/N                       a function with what its calls ask for
 *   submit/S/FIRST/COUNT           one message's tasks with their arguments
 *   acked/S/FIRST/CHUNK            which of them have ended and been acknowledged, 4,096 to a chunk
 *   result/S/ID                    how tasks ended, until the client has acknowledged all of them
 *   task/S/N                       a task that has come back from a worker, or is being stopped
 *   placed/ID                      tasks that were sent to a worker together
 *   worker/W                       a worker that has tasks
 *   group/NAME, estimate/S/N       what has been learnt of run times
 */

import { crc32 } from "node:zlib";

/** The format that this code reads and writes. */
export const FORMAT = 1;

/** Bytes in front of each record's own. */
export const CHECKSUM_BYTES = 4;

/** A key: its kind, then numbers (so that the order of keys is theirs) or a name. */
export function keyOf(kind: string, ...parts: readonly (number | string)[]): string {
  let key = kind;
  for (const part of parts) {
    key +=
      typeof part === "number" ? `/${part.toString().padStart(10, "0")}` : `/${encodeURIComponent(part)}`;
  }
  return key;
}

/** The parts of a key behind its kind. */
export function partsOf(key: string): string[] {
  return key.split("/").slice(1).map(decodeURIComponent);
}

/** The checksum of a record whose own bytes are these. */
export function checksum(key: string, bytes: Uint8Array): number {
  return crc32(bytes, crc32(key));
}

/** A record's own bytes. @returns undefined when they are not those that were written under this key */
export function unsealed(key: string, stored: Uint8Array): Uint8Array | undefined {
  if (stored.byteLength < CHECKSUM_BYTES) return undefined;
  const bytes = stored.subarray(CHECKSUM_BYTES);
  const view = new DataView(stored.buffer, stored.byteOffset, CHECKSUM_BYTES);
  return view.getUint32(0) === checksum(key, bytes) ? bytes : undefined;
}
