/**
 * Whether the file of a database is sound. LMDB reads its file as memory and trusts it: one that is shorter
 * than it says, or torn, would end the process. So where there is reason to doubt, another process reads it first.
 */

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { type FileHandle, open as openFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Place, storeOptions } from "./store-options.js";

/** How thoroughly it is looked at. */
export interface DamageOptions {
  /** Whoever had it did not end in order: all of it is read. */
  readonly doubtful?: boolean;
  /** The databases inside it. Default: it has none, only records. */
  readonly names?: readonly string[];
}

/** Where LMDB's first two pages say what the file is (MDB_meta behind the header of a page). */
const META = { magic: 24, pageBytes: 48, lastPage: 144, end: 168 } as const;
const MAGIC = 0xbeefc0de;

/** What is wrong with a database; undefined: nothing, or there is none. */
export async function damageOf(place: Place, options: DamageOptions = {}): Promise<string | undefined> {
  const path = join(place.directory, place.database, "data.mdb");
  if (!existsSync(path)) return undefined;
  const file = await openFile(path, "r");
  try {
    const { size } = await file.stat();
    if (size === 0) return undefined;
    const first = await metaAt(file, 0);
    const second = first && (await metaAt(file, first.pageBytes));
    if (first === undefined || second === undefined) return "it is no database";
    // Of a sound file pages at the end may be missing that are not in use.
    const whole = (Math.max(first.lastPage, second.lastPage) + 1) * first.pageBytes;
    if (size >= whole && options.doubtful !== true) return undefined;
    if (await isReadable(place, options.names ?? [])) return undefined;
    return size < whole ? `${size} of ${whole} bytes are there` : "it cannot be read to its end";
  } finally {
    await file.close();
  }
}

const READ_ALL = `
const [lmdb, options, ...names] = process.argv.slice(1);
const root = require(lmdb).open(JSON.parse(options));
const all = names.length === 0 ? [root] : names.map((name) => root.openDB({ name, encoding: "binary" }));
let bytes = 0;
for (const db of all) for (const { value } of db.getRange({})) bytes += value.at(-1) ?? 0;
process.exit(0);
`;

function isReadable(place: Place, names: readonly string[]): Promise<boolean> {
  const lmdb = createRequire(import.meta.url).resolve("lmdb");
  const options = JSON.stringify({ ...storeOptions(place), maxDbs: names.length, readOnly: true });
  return new Promise((resolve) => {
    execFile(process.execPath, ["-e", READ_ALL, lmdb, options, ...names], (error) => resolve(error === null));
  });
}

async function metaAt(
  file: FileHandle,
  at: number,
): Promise<{ readonly pageBytes: number; readonly lastPage: number } | undefined> {
  const page = Buffer.alloc(META.end);
  const { bytesRead } = await file.read(page, 0, META.end, at);
  const pageBytes = page.readUInt32LE(META.pageBytes);
  if (bytesRead < META.end || page.readUInt32LE(META.magic) !== MAGIC) return undefined;
  if (pageBytes < 512 || pageBytes > 65_536) return undefined;
  return { pageBytes, lastPage: Number(page.readBigUInt64LE(META.lastPage)) };
}
