/**
 * What can be wrong with the columns of a message. Each function answers with a
 * phrase for the refusal, or undefined when nothing is wrong.
 *
 * Not its job: whether the tasks exist; the core drops what it does not know.
 */

import type { BlobAt } from "./grain.js";
import { isBlobName } from "./hash.js";

/** What is wrong, as a phrase; undefined when nothing is. */
export type Complaint = string | undefined;

/** Values are at most 4 GiB each. */
export const MAX_BLOB_BYTES = 4 * 1024 ** 3;

/** Whether a number fits an unsigned 32-bit field. */
export function isUint32(value: number): boolean {
  return value >>> 0 === value;
}

/** Task numbers: from 1, at most `last`. */
export function wrongTasks(tasks: readonly number[], last = 0xffff_ffff): Complaint {
  for (let i = 0; i < tasks.length; i++) {
    const task = tasks[i]!;
    if (!isUint32(task) || task === 0) return `task number ${task} is not a whole number from 1`;
    if (task > last) return `task ${task} was never submitted`;
  }
  return undefined;
}

/** Whether a number counts something. */
export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Whether a number can be a time or an amount. */
export function isQuantity(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}

/** Attempts: none, or one for each task. */
export function wrongAttempts(attempts: readonly number[], count: number): Complaint {
  if (attempts.length === 0) return undefined;
  if (attempts.length !== count) return `it has ${attempts.length} attempts for ${count} tasks`;
  for (let i = 0; i < attempts.length; i++) {
    const attempt = attempts[i]!;
    if (!isUint32(attempt) || attempt === 0) return `attempt ${attempt} is not a whole number from 1`;
  }
  return undefined;
}

/** Sizes must add up to the bytes that are there. */
export function wrongSizes(sizes: readonly number[], bytes: Uint8Array): Complaint {
  let total = 0;
  for (let i = 0; i < sizes.length; i++) {
    const size = sizes[i]!;
    if (!isUint32(size)) return `size ${size} is not a number of bytes`;
    total += size;
  }
  if (total !== bytes.byteLength) return `its sizes add up to ${total} bytes, but it has ${bytes.byteLength}`;
  return undefined;
}

/** Blobs stand for items of size 0, one each, in the order of the items. */
export function wrongBlobs(blobs: readonly BlobAt[], sizes: readonly number[]): Complaint {
  if (blobs.length === 0) return undefined;
  let last = -1;
  for (const { index, ref } of blobs) {
    if (!isUint32(index) || index >= sizes.length)
      return `blob index ${index} is beyond its ${sizes.length} items`;
    if (index === last) return `item ${index} has two blobs`;
    if (index < last) return `the blob of item ${index} comes after that of item ${last}`;
    last = index;
    if (sizes[index] !== 0) return `item ${index} has both bytes and a blob`;
    if (ref === undefined || !isBlobName(ref.hash)) return `the blob of item ${index} has no valid hash`;
    if (!isByteLength(ref.byteLength)) return `the blob of item ${index} has ${ref.byteLength} bytes`;
  }
  return undefined;
}

/** Whether a number can be a blob's length. */
export function isByteLength(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= MAX_BLOB_BYTES;
}
