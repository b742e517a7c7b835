/** Files with one encoded value each: written once, in one go; read into the memory that the value will own. */

import {
  close,
  closeSync,
  constants,
  fstatSync,
  openSync,
  read,
  readSync,
  unlinkSync,
  writevSync,
} from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { promisify } from "node:util";
import { ConnectionError } from "../errors.js";
import type { BlobRef } from "../grain.js";
import { type Digest, digestLike, newValueDigest } from "../hash.js";
import type { Encoded } from "../values/encoded.js";
import { Scatter } from "../values/scatter.js";

/** So much is read and checked at a time: it is still in the processor's cache when it is checked. */
const PIECE_BYTES = 256 * 1024;
/** Values up to this are read at once, larger ones in pieces that others may come between. */
export const AT_ONCE_BYTES = 2 * 1024 * 1024;
/** Large values are read by other threads in pieces of so many bytes, so many at a time while the pieces before them are checked. */
const AHEAD_BYTES = 2 * 1024 * 1024;
const AHEAD_PIECES = 2;
/** One call of the system writes at most about 2 GiB, of at most 1024 pieces. */
const WRITE_BYTES = 256 * 1024 * 1024;
const WRITE_PARTS = 512;

const readAsync = promisify(read);
const closeAsync = promisify(close);

const READ = constants.O_RDONLY | constants.O_NOFOLLOW;
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Writes a value to a new file; of one that cannot be written nothing stays.
 *
 * @throws Error of the system, e.g. with code ENOSPC
 */
export function writeValue(path: string, parts: readonly Uint8Array[]): void {
  writeNew(path, (fd) => writeAll(fd, parts));
}

/**
 * Writes a value that has no name yet, and names it: each piece is written while it is in the processor's cache.
 *
 * @param key as for `valueRefOf`
 * @throws Error as `writeValue`
 */
export function writeAndName(path: string, key: string, parts: readonly Uint8Array[]): BlobRef {
  const digest = newValueDigest(key);
  let byteLength = 0;
  writeNew(path, (fd) => {
    for (const part of parts) {
      for (let at = 0; at < part.byteLength; at += PIECE_BYTES) {
        const piece = part.subarray(at, at + PIECE_BYTES);
        digest.update(piece);
        writeAll(fd, [piece]);
      }
      byteLength += part.byteLength;
    }
  });
  return { hash: digest.name(), byteLength };
}

function writeNew(path: string, write: (fd: number) => void): void {
  const fd = openSync(path, CREATE, 0o600);
  try {
    write(fd);
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Whether what could not be written in one directory may be in another: it is full, or has gone with its head. */
export function isElsewherePossible(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOSPC" || code === "ENOENT";
}

/** Removes a file, if it is there. */
export function removeValue(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/**
 * Reads a value.
 *
 * @returns its parts, for `decodeValue`
 * @throws Error when there is no such file (code ENOENT), or its bytes are not those that the name promises
 */
export function readValueSync(path: string, ref: BlobRef): Encoded {
  const fd = openSync(path, READ);
  try {
    refuseLength(fstatSync(fd).size, ref);
    const digest = digestLike(ref.hash);
    const scatter = new Scatter(ref.byteLength);
    for (let room = scatter.room; room.byteLength > 0; room = scatter.room) {
      const read = readSync(fd, room, 0, Math.min(room.byteLength, PIECE_BYTES), null);
      if (read === 0) throw damaged(ref);
      digest.update(room.subarray(0, read));
      scatter.filled(read);
    }
    refuseOther(digest, ref);
    return scatter.value;
  } finally {
    closeSync(fd);
  }
}

/** Like {@link readValueSync}; large values are read by another thread. */
export async function readValue(path: string, ref: BlobRef): Promise<Encoded> {
  if (ref.byteLength <= AT_ONCE_BYTES) return readValueSync(path, ref);
  const file = await open(path, READ);
  try {
    refuseLength((await file.stat()).size, ref);
    const digest = digestLike(ref.hash);
    const scatter = new Scatter(ref.byteLength);
    await fillAll(file, scatter, digest, ref);
    refuseOther(digest, ref);
    return scatter.value;
  } finally {
    await file.close();
  }
}

/** The bytes of a file in pieces, each its reader's to keep. From the first piece on the file may be removed. */
export async function* piecesOf(path: string, pieceBytes: number): AsyncGenerator<Buffer, void, undefined> {
  const fd = openSync(path, READ);
  try {
    for (;;) {
      const piece = Buffer.allocUnsafeSlow(pieceBytes);
      const { bytesRead } = await readAsync(fd, piece, 0, pieceBytes, null);
      if (bytesRead === 0) return;
      yield piece.subarray(0, bytesRead);
    }
  } finally {
    await closeAsync(fd);
  }
}

async function fillAll(file: FileHandle, scatter: Scatter, digest: Digest, ref: BlobRef): Promise<void> {
  // What is in it says where the rest belongs.
  const first = scatter.room;
  await fill(file, first, 0, ref);
  digest.update(first);
  scatter.filled(first.byteLength);
  let at = first.byteLength;
  const reading: { readonly piece: Uint8Array; readonly done: Promise<void> }[] = [];
  const check = async () => {
    const { piece, done } = reading[0]!;
    await done;
    reading.shift();
    digest.update(piece);
  };
  try {
    for (let room = scatter.room; room.byteLength > 0; room = scatter.room) {
      const piece = room.subarray(0, AHEAD_BYTES);
      scatter.filled(piece.byteLength);
      const done = fill(file, piece, at, ref);
      // Awaited in its turn: until then a failure must not pass for one that nobody handles.
      done.catch(() => {});
      reading.push({ piece, done });
      at += piece.byteLength;
      if (reading.length > AHEAD_PIECES) await check();
    }
    while (reading.length > 0) await check();
  } finally {
    // Nothing is read any more when the file is closed.
    await Promise.allSettled(reading.map(({ done }) => done));
  }
}

async function fill(file: FileHandle, piece: Uint8Array, at: number, ref: BlobRef): Promise<void> {
  for (let filled = 0; filled < piece.byteLength; ) {
    const { bytesRead } = await file.read(piece, filled, piece.byteLength - filled, at + filled);
    if (bytesRead === 0) throw damaged(ref);
    filled += bytesRead;
  }
}

function writeAll(fd: number, parts: readonly Uint8Array[]): void {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  const flush = () => {
    while (batch.length > 0) {
      let written = writevSync(fd, batch);
      while (batch.length > 0 && written >= batch[0]!.byteLength) written -= batch.shift()!.byteLength;
      if (written > 0) batch[0] = batch[0]!.subarray(written);
    }
    bytes = 0;
  };
  for (const part of parts) {
    for (let at = 0; at < part.byteLength; at += WRITE_BYTES) {
      const piece = part.subarray(at, at + WRITE_BYTES);
      batch.push(piece);
      bytes += piece.byteLength;
      if (bytes >= WRITE_BYTES || batch.length >= WRITE_PARTS) flush();
    }
  }
  flush();
  batch = [];
}

function refuseLength(byteLength: number, ref: BlobRef): void {
  if (byteLength !== ref.byteLength) throw damaged(ref);
}

function refuseOther(digest: Digest, ref: BlobRef): void {
  if (digest.name() !== ref.hash) throw damaged(ref);
}

function damaged(ref: BlobRef): ConnectionError {
  return new ConnectionError(
    `The file of the value ${ref.hash} is damaged: its bytes are not the ${ref.byteLength} that were written.`,
  );
}
