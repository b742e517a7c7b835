/**
 * Stored results: a database of what is known of each and of the small ones, and a file for each large one.
 *
 * Several processes may have one open: each looks into the database, and keeps nothing of it. What was
 * removed, got lost or is damaged is as if it had never been stored. When results take more room than they
 * may, those go that were not used for longest; what was not used for a week goes anyway. However many there
 * are, they are looked through in short pieces.
 */

import { createHash } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Database, RootDatabase } from "lmdb";
import type { BlobRef } from "../../proto/grain.js";
import { pack, unpack } from "../journal/codec.js";
import { damageOf } from "../journal/damage.js";
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
/** What an entry takes beside its bytes, roughly. */
const ENTRY_BYTES = 512;
/** So many entries are looked at, or removed, at a time. */
const PIECE = 100;
const NAMES = { entries: "entries", values: "values", forgotten: "forgotten" } as const;

/** Bounds of the store. */
export interface ResultStoreOptions {
  /** All results together, with half a kilobyte for each. Default: 16 GiB. */
  readonly limitBytes?: number;
  /** What was not used for so long is removed. Default: 7 days. */
  readonly keepMs?: number;
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly nowMs?: () => number;
  /** Told when what was stored before is lost. */
  readonly warn?: (text: string) => void;
}

/** An id, and what is known of its result. */
export type Listed = readonly [id: string, record: EntryRecord];

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
  /** By detached program, until when what was stored for it is not there any more. */
  readonly #forgotten: Bytes;
  readonly #files: ResultFiles;
  readonly #keepMs: number;
  readonly #nowMs: () => number;
  readonly #sweeping: NodeJS.Timeout;
  #totalBytes = 0;
  #used = new Map<string, number>();
  /** Not written yet. */
  readonly #forgetting = new Map<string, number>();
  #usedTimer: NodeJS.Timeout | undefined;
  #work: Promise<unknown> = Promise.resolve();

  private constructor(root: RootDatabase<Buffer, string>, files: ResultFiles, options: ResultStoreOptions) {
    this.#root = root;
    this.#entries = root.openDB({ name: NAMES.entries, encoding: "binary" });
    this.#values = root.openDB({ name: NAMES.values, encoding: "binary" });
    this.#forgotten = root.openDB({ name: NAMES.forgotten, encoding: "binary" });
    this.#files = files;
    this.limitBytes = options.limitBytes ?? LIMIT_BYTES;
    this.#keepMs = options.keepMs ?? KEEP_MS;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#sweeping = setInterval(() => void this.#inOrder(() => this.#tidy()), SWEEP_MS).unref();
  }

  /** Opens the store in a directory, which is made if it is not there. */
  static async open(directory: string, options: ResultStoreOptions = {}): Promise<ResultStore> {
    await removeDamaged(directory, options.warn);
    await mkdir(join(directory, DATABASE), { recursive: true, mode: 0o700 });
    const { open } = await import("lmdb");
    const place = storeOptions({ directory, database: DATABASE });
    const root = open<Buffer, string>({ ...place, maxDbs: Object.keys(NAMES).length });
    const store = new ResultStore(root, await ResultFiles.open(directory), options);
    await store.#inOrder(() => store.#tidy());
    return store;
  }

  /** A result; undefined: it is not there. */
  get(id: string): Found | undefined {
    const record = this.#record(id);
    if (record === undefined || this.#isOver(record)) return undefined;
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
      if (roomOf(ref) > this.limitBytes) return;
      await this.#files.write(ref, value.chunks);
      await this.#write(id, { ...known, byteLength: ref.byteLength, ref }, undefined);
    } else {
      const { bytes } = value;
      if (roomOf(bytes) > this.limitBytes) return;
      await this.#write(id, { ...known, byteLength: bytes.byteLength, ref: undefined }, bytes);
    }
    if (before?.ref !== undefined) await this.#files.remove(before.ref.hash);
    if (before !== undefined) this.#totalBytes -= roomOf(before);
    if (this.#totalBytes > this.limitBytes) await this.#inOrder(() => this.#makeRoom());
  }

  /** What there is, used last first. */
  async list(accepts: (id: string, record: EntryRecord) => boolean): Promise<Listed[]> {
    const found: Listed[] = [];
    for await (const [id, record] of this.#all())
      if (record !== undefined && !this.#isOver(record) && accepts(id, record)) found.push([id, record]);
    return found.sort(([, a], [, b]) => b.usedMs - a.usedMs);
  }

  /** Removes results; those that are not there need not be. */
  async remove(ids: readonly string[]): Promise<void> {
    for (let at = 0; at < ids.length; at += PIECE) await this.#removePiece(ids.slice(at, at + PIECE));
  }

  /** What is stored for a detached program is there no more, from now on. Resolves when that is durable. */
  async forget(owner: string, detached: string): Promise<void> {
    const name = nameOf(owner, detached);
    const nowMs = this.#nowMs();
    this.#forgetting.set(name, nowMs);
    await this.#forgotten.put(name, sealed(name, pack({ untilMs: nowMs })));
    if (this.#forgetting.get(name) === nowMs) this.#forgetting.delete(name);
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
    this.#totalBytes += roomOf(record);
  }

  #isOver({ usedMs, storedMs, owner, detached }: EntryRecord): boolean {
    if (this.#nowMs() - usedMs > this.#keepMs) return true;
    return detached !== "" && storedMs <= this.#forgottenMs(nameOf(owner, detached));
  }

  #forgottenMs(name: string): number {
    const written = this.#forgetting.get(name);
    if (written !== undefined) return written;
    const stored = this.#forgotten.get(name);
    const bytes = stored === undefined ? undefined : unsealed(name, Buffer.from(stored));
    return bytes === undefined ? 0 : unpack<{ readonly untilMs: number }>(bytes).untilMs;
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

  async #removePiece(ids: readonly string[]): Promise<void> {
    const files: string[] = [];
    const removed: Promise<unknown>[] = [];
    for (const id of ids) {
      const record = this.#record(id);
      this.#used.delete(id);
      if (record !== undefined) this.#totalBytes -= roomOf(record);
      if (record?.ref !== undefined) files.push(record.ref.hash);
      removed.push(this.#entries.remove(id), this.#values.remove(id));
    }
    await Promise.all(removed);
    for (const hash of files) await this.#files.remove(hash);
  }

  /** All entries; those without a record are damaged. */
  async *#all(): AsyncGenerator<readonly [id: string, record: EntryRecord | undefined]> {
    for (let after = ""; ; await nextTurn()) {
      const ids = [...this.#entries.getKeys({ start: after, exclusiveStart: true, limit: PIECE })];
      for (const id of ids) yield [id, this.#record(id)];
      if (ids.length < PIECE) return;
      after = ids.at(-1)!;
    }
  }

  /** Unless that has been done meanwhile. */
  async #makeRoom(): Promise<void> {
    if (this.#totalBytes > this.limitBytes) await this.#tidy();
  }

  /** Counts what there is, and removes what is too old or too much. */
  async #tidy(): Promise<void> {
    const kept: Listed[] = [];
    const gone: string[] = [];
    let total = 0;
    for await (const [id, record] of this.#all()) {
      if (record === undefined || this.#isOver(record)) gone.push(id);
      else {
        kept.push([id, record]);
        total += roomOf(record);
      }
    }
    kept.sort(([, a], [, b]) => a.usedMs - b.usedMs);
    let at = 0;
    let left = total;
    const room = total > this.limitBytes ? this.limitBytes * ROOM : total;
    for (; left > room; at += 1) left -= roomOf(kept[at]![1]);
    for (const [id] of kept.slice(0, at)) gone.push(id);
    await this.remove(gone);
    this.#totalBytes = left;
    const referred = new Set(kept.slice(at).flatMap(([, { ref }]) => ref?.hash ?? []));
    await this.#files.sweep(referred, this.#nowMs());
    for (const name of this.#forgotten.getKeys())
      if (this.#nowMs() - this.#forgottenMs(name) > this.#keepMs) void this.#forgotten.remove(name);
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

/** Of a detached program; short, since keys may not be long. */
function nameOf(owner: string, detached: string): string {
  return createHash("sha256")
    .update(JSON.stringify([owner, detached]))
    .digest("hex");
}

/** What it counts for. */
function roomOf({ byteLength }: { readonly byteLength: number }): number {
  return byteLength + ENTRY_BYTES;
}

/** Nothing of it can be trusted: it begins empty. */
async function removeDamaged(directory: string, warn: ResultStoreOptions["warn"]): Promise<void> {
  const damage = await damageOf({ directory, database: DATABASE }, { names: Object.values(NAMES) });
  if (damage === undefined) return;
  await rm(join(directory, DATABASE), { recursive: true, force: true });
  warn?.(`The stored results in ${directory} are damaged: ${damage}. They are computed again.`);
}
