/**
 * Stored results: a database of what is known of each and of the small ones, and a file for each large one.
 *
 * Several processes may have one open: each looks into the database, and keeps nothing of it. What was
 * removed, got lost or is damaged is as if it had never been stored. When results take more room than they
 * may, those go that were not used for longest; what was not used for a week goes anyway.
 */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Database, RootDatabase } from "lmdb";
import type { BlobRef } from "../../proto/grain.js";
import { pack, unpack } from "../journal/codec.js";
import { CHECKSUM_BYTES, checksum, unsealed } from "../journal/record.js";
import { storeOptions } from "../journal/store-options.js";
import type { EntryRecord } from "./entry.js";
import { ResultFiles } from "./files.js";

const DATABASE = "results";
const LIMIT_BYTES = 16 * 2 ** 30;
const KEEP_MS = 7 * 24 * 60 * 60_000;
/** Room is made down to this part of the limit, so that it need not be made for every result. */
const ROOM = 0.9;
/** When a result was used is written at most so often. */
const USED_MS = 1_000;
const SWEEP_MS = 60 * 60_000;

/** Bounds of the store. */
export interface ResultStoreOptions {
  /** All results together. Default: 16 GiB. */
  readonly limitBytes?: number;
  /** What was not used for so long is removed. Default: 7 days. */
  readonly keepMs?: number;
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly nowMs?: () => number;
}

/** A result to store. */
export type Value =
  | { readonly type: "bytes"; readonly bytes: Uint8Array }
  | { readonly type: "large"; readonly ref: BlobRef; readonly chunks: AsyncIterable<Uint8Array> };

/** A stored result: its bytes, or the file that has them. */
export type Found =
  | { readonly type: "bytes"; readonly bytes: Uint8Array }
  | { readonly type: "large"; readonly ref: BlobRef; readonly path: string };

/** What is said of a result that is stored. */
export type Description = Pick<EntryRecord, "owner" | "function" | "detached">;

type Bytes = Database<Buffer, string>;

/** Results by id. */
export class ResultStore {
  readonly limitBytes: number;
  readonly #root: RootDatabase<Buffer, string>;
  readonly #entries: Bytes;
  readonly #values: Bytes;
  readonly #files: ResultFiles;
  readonly #keepMs: number;
  readonly #nowMs: () => number;
  readonly #sweeping: NodeJS.Timeout;
  #totalBytes = 0;
  #used = new Map<string, number>();
  #usedTimer: NodeJS.Timeout | undefined;
  #work: Promise<unknown> = Promise.resolve();

  private constructor(root: RootDatabase<Buffer, string>, files: ResultFiles, options: ResultStoreOptions) {
    this.#root = root;
    this.#entries = root.openDB({ name: "entries", encoding: "binary" });
    this.#values = root.openDB({ name: "values", encoding: "binary" });
    this.#files = files;
    this.limitBytes = options.limitBytes ?? LIMIT_BYTES;
    this.#keepMs = options.keepMs ?? KEEP_MS;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#sweeping = setInterval(() => void this.#inOrder(() => this.#tidy()), SWEEP_MS).unref();
  }

  /** Opens the store in a directory, which is made if it is not there. */
  static async open(directory: string, options: ResultStoreOptions = {}): Promise<ResultStore> {
    await mkdir(join(directory, DATABASE), { recursive: true, mode: 0o700 });
    const { open } = await import("lmdb");
    const place = storeOptions({ directory, database: DATABASE });
    const root = open<Buffer, string>({ ...place, maxDbs: 2 });
    const store = new ResultStore(root, await ResultFiles.open(directory), options);
    await store.#inOrder(() => store.#tidy());
    return store;
  }

  /** A result; undefined: it is not there. */
  get(id: string): Found | undefined {
    const record = this.#record(id);
    if (record === undefined || this.#isOld(record)) return undefined;
    const found = this.#find(id, record);
    if (found === undefined) void this.remove([id]);
    else this.#use(id);
    return found;
  }

  /** Stores a result. Resolves when it is durable. */
  async put(id: string, description: Description, value: Value): Promise<void> {
    const nowMs = this.#nowMs();
    const { owner, function: name, detached } = description;
    const known = { owner, function: name, detached, storedMs: nowMs, usedMs: nowMs };
    const before = this.#record(id);
    if (value.type === "large") {
      const { ref } = value;
      if (ref.byteLength > this.limitBytes) return;
      await this.#files.write(ref, value.chunks);
      await this.#write(id, { ...known, byteLength: ref.byteLength, ref }, undefined);
    } else {
      const { bytes } = value;
      if (bytes.byteLength > this.limitBytes) return;
      await this.#write(id, { ...known, byteLength: bytes.byteLength, ref: undefined }, bytes);
    }
    if (before?.ref !== undefined) await this.#files.remove(before.ref.hash);
    this.#totalBytes -= before?.byteLength ?? 0;
    if (this.#totalBytes > this.limitBytes) await this.#inOrder(() => this.#tidy());
  }

  /** What there is, used last first. */
  list(accepts: (id: string, record: EntryRecord) => boolean): (readonly [string, EntryRecord])[] {
    const found: (readonly [string, EntryRecord])[] = [];
    for (const id of this.#entries.getKeys()) {
      const record = this.#record(id);
      if (record !== undefined && !this.#isOld(record) && accepts(id, record)) found.push([id, record]);
    }
    return found.sort(([, a], [, b]) => b.usedMs - a.usedMs);
  }

  /** Removes results; those that are not there need not be. */
  async remove(ids: readonly string[]): Promise<void> {
    const files: string[] = [];
    const removed: Promise<unknown>[] = [];
    for (const id of ids) {
      const record = this.#record(id);
      this.#used.delete(id);
      this.#totalBytes -= record?.byteLength ?? 0;
      if (record?.ref !== undefined) files.push(record.ref.hash);
      removed.push(this.#entries.remove(id), this.#values.remove(id));
    }
    await Promise.all(removed);
    for (const hash of files) await this.#files.remove(hash);
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeping);
    clearTimeout(this.#usedTimer);
    await this.#work;
    await this.#writeUsed();
    await this.#root.close();
  }

  #find(id: string, { ref }: EntryRecord): Found | undefined {
    if (ref !== undefined)
      return this.#files.has(ref) ? { type: "large", ref, path: this.#files.pathOf(ref.hash) } : undefined;
    const stored = this.#values.get(id);
    // A view of the database's memory: copied, since it outlives it.
    const bytes = stored === undefined ? undefined : unsealed(id, Buffer.from(stored));
    return bytes === undefined ? undefined : { type: "bytes", bytes };
  }

  #record(id: string): EntryRecord | undefined {
    const stored = this.#entries.get(id);
    const bytes = stored === undefined ? undefined : unsealed(id, Buffer.from(stored));
    if (bytes === undefined) return undefined;
    const record = unpack<EntryRecord>(bytes);
    const usedMs = this.#used.get(id);
    return usedMs === undefined ? record : { ...record, usedMs };
  }

  async #write(id: string, record: EntryRecord, bytes: Uint8Array | undefined): Promise<void> {
    // Writes of one turn are one transaction, which is on the disk when they resolve.
    const written: Promise<unknown>[] = [];
    if (bytes !== undefined) written.push(this.#values.put(id, sealed(id, bytes)));
    written.push(this.#entries.put(id, sealed(id, pack(record))));
    await Promise.all(written);
    this.#totalBytes += record.byteLength;
  }

  #isOld({ usedMs }: EntryRecord): boolean {
    return this.#nowMs() - usedMs > this.#keepMs;
  }

  #use(id: string): void {
    this.#used.set(id, this.#nowMs());
    this.#usedTimer ??= setTimeout(() => void this.#inOrder(() => this.#writeUsed()), USED_MS).unref();
  }

  async #writeUsed(): Promise<void> {
    this.#usedTimer = undefined;
    const written = [...this.#used.keys()].map((id) => {
      const record = this.#record(id);
      return record === undefined ? undefined : this.#entries.put(id, sealed(id, pack(record)));
    });
    this.#used = new Map();
    await Promise.all(written);
  }

  /** Counts what there is, and removes what is too old or too much. */
  async #tidy(): Promise<void> {
    const kept: (readonly [string, EntryRecord])[] = [];
    const gone: string[] = [];
    let total = 0;
    for (const id of this.#entries.getKeys()) {
      const record = this.#record(id);
      if (record === undefined || this.#isOld(record)) gone.push(id);
      else {
        kept.push([id, record]);
        total += record.byteLength;
      }
    }
    kept.sort(([, a], [, b]) => a.usedMs - b.usedMs);
    let at = 0;
    const room = total > this.limitBytes ? this.limitBytes * ROOM : total;
    for (let left = total; left > room; at += 1) {
      gone.push(kept[at]![0]);
      left -= kept[at]![1].byteLength;
    }
    this.#totalBytes = total;
    await this.remove(gone);
    const referred = new Set(kept.slice(at).flatMap(([, { ref }]) => ref?.hash ?? []));
    await this.#files.sweep(referred, this.#nowMs());
  }

  /** One after another: each counts on what it has seen. */
  #inOrder(work: () => Promise<void>): Promise<void> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => {});
    return done;
  }
}

function sealed(id: string, bytes: Uint8Array): Buffer {
  const all = Buffer.allocUnsafe(CHECKSUM_BYTES + bytes.byteLength);
  all.writeUInt32BE(checksum(id, bytes), 0);
  all.set(bytes, CHECKSUM_BYTES);
  return all;
}
