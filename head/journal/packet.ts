/**
 * A batch of changes as one piece of memory, which goes to another thread without being copied.
 *
 *   key length (4) | bytes with checksum (4; all ones: delete) | key | room for the checksum (4) | bytes
 */

import type { Batch } from "./changes.js";
import { CHECKSUM_BYTES } from "./record.js";

const DELETE = 0xffff_ffff;
const HEADER_BYTES = 8;

/** Lays a batch out. The checksums are filled in by whoever writes it. */
export function packetOf(batch: Batch): Uint8Array {
  const items: { readonly key: string; readonly keyBytes: number; readonly bytes: Uint8Array | undefined }[] =
    [];
  let total = 0;
  for (const [key, entry] of batch) {
    const bytes = entry?.encode?.();
    // Keys are ASCII.
    items.push({ key, keyBytes: key.length, bytes });
    total += HEADER_BYTES + key.length + (bytes === undefined ? 0 : CHECKSUM_BYTES + bytes.byteLength);
  }
  const packet = Buffer.from(new ArrayBuffer(total));
  let at = 0;
  for (const { key, keyBytes, bytes } of items) {
    packet.writeUInt32LE(keyBytes, at);
    packet.writeUInt32LE(bytes === undefined ? DELETE : CHECKSUM_BYTES + bytes.byteLength, at + 4);
    packet.write(key, at + HEADER_BYTES, "latin1");
    at += HEADER_BYTES + keyBytes;
    if (bytes === undefined) continue;
    packet.set(bytes, at + CHECKSUM_BYTES);
    at += CHECKSUM_BYTES + bytes.byteLength;
  }
  return packet;
}

/** The changes of a batch. `stored`: what is to be under the key; undefined: nothing. */
export function* changesIn(packet: Uint8Array): Generator<{ key: string; stored: Buffer | undefined }> {
  const bytes = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength);
  for (let at = 0; at < bytes.byteLength; ) {
    const keyBytes = bytes.readUInt32LE(at);
    const length = bytes.readUInt32LE(at + 4);
    at += HEADER_BYTES;
    const key = bytes.toString("latin1", at, at + keyBytes);
    at += keyBytes;
    if (length === DELETE) yield { key, stored: undefined };
    else {
      yield { key, stored: bytes.subarray(at, at + length) };
      at += length;
    }
  }
}
