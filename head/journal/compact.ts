/**
 * Gives back space. LMDB uses the pages of what was deleted again, but its file never gets smaller: so
 * when a head starts with a large file that is mostly free, what there is is written into a new one.
 */

import { open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Batch, Entry } from "./changes.js";
import { packetOf } from "./packet.js";
import type { StoredRecord } from "./recover.js";
import { DATABASE } from "./store-options.js";
import { Writer } from "./writer.js";

/** A file that is smaller stays as it is… */
const LARGE_BYTES = 16 * 1024 * 1024;
/** …and one of which more than this part is used. */
const USED_PART = 0.25;
const BATCH_BYTES = 8 * 1024 * 1024;

const COMPACT = "records-compact";

/**
 * Writes the database anew if it is worth it. Nobody may have it open.
 *
 * @param records all that it holds, in order
 * @returns whether it was
 */
export async function compactIfLoose(directory: string, records: readonly StoredRecord[]): Promise<boolean> {
  const target = join(directory, COMPACT);
  // Of an attempt that was interrupted.
  await rm(target, { recursive: true, force: true });
  const file = join(directory, DATABASE, "data.mdb");
  const { size } = await stat(file);
  let used = 0;
  for (const [key, bytes] of records) {
    // What is damaged is left as it is.
    if (bytes === undefined) return false;
    used += key.length + bytes.byteLength;
  }
  if (size < LARGE_BYTES || used > size * USED_PART) return false;
  try {
    await writeAll({ directory, database: COMPACT }, records);
    await rename(join(target, "data.mdb"), file);
    await sync(join(directory, DATABASE));
    return true;
  } catch {
    // No room for it: the old file is as good.
    return false;
  } finally {
    await rm(target, { recursive: true, force: true });
  }
}

async function writeAll(
  place: { readonly directory: string; readonly database: string },
  records: readonly StoredRecord[],
): Promise<void> {
  const writer = new Writer(place);
  try {
    for (const batch of batchesOf(records)) await writer.commit(packetOf(batch));
  } finally {
    await writer.close();
  }
}

function* batchesOf(records: readonly StoredRecord[]): Generator<Batch> {
  let batch = new Map<string, Entry>();
  let weight = 0;
  for (const [key, bytes] of records) {
    batch.set(key, new Entry(key, () => bytes!));
    weight += bytes!.byteLength;
    if (weight < BATCH_BYTES) continue;
    yield batch;
    batch = new Map();
    weight = 0;
  }
  if (batch.size > 0) yield batch;
}

async function sync(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
