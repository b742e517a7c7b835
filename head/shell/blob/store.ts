/**
 * The head's store of large values (arguments, results, bundles), by hash.
 *
 * Up to a cap they are in memory, in its process or shared with other processes of
 * this machine, beyond it in files on disk. A blob stays while something refers to
 * it (`hold`, `release`), and for a grace time after an upload and after a client
 * was told that it is here: so nobody who just asked finds it gone. After the last
 * reference to it has ended it stays for that time as well, in case somebody sends
 * it again, but only while its memory is not needed.
 *
 * Not its job: who refers to what (holds.ts), the wire (grpc/blobs.ts).
 */

import { isByteLength } from "../../../proto/columns.js";
import type { BlobRef } from "../../../proto/grain.js";
import { isBlobName } from "../../../proto/hash.js";
import type { BlobTransport } from "../../../proto/link/link.js";
import { removeValue } from "../../../proto/share/value-file.js";
import type { Holding } from "../holds.js";
import { type Content, FileContent, MemoryContent, StoredContent } from "./content.js";
import { BlobError } from "./error.js";
import { Grace } from "./grace.js";
import { fileSink, Intake, memorySink, type Sink } from "./intake.js";
import { type SharedFiles, SharedSink } from "./shared.js";
import { Spill } from "./spill.js";

/** Where and how long large values are kept. */
export interface BlobStoreOptions {
  /** Values beyond this are kept in files. Default: 512 MiB. */
  readonly memoryBytes?: number;
  /** How long a value stays that nothing refers to. Default: 60 seconds. */
  readonly graceMs?: number;
  /** Where the directory for the files is made. Default: the system's directory for temporary files. */
  readonly spillParent?: string;
  /** Where values in memory are kept, so that peers of this machine reach them. The store closes it. Default: nobody does. */
  readonly shared?: SharedFiles | undefined;
  /** A clock that never goes back, in milliseconds. Default: `performance.now`. */
  readonly nowMs?: () => number;
  /** Where values of an earlier life of the head are kept, and who is told when one is not needed any more. */
  readonly kept?: KeptValues | undefined;
}

/** Values that are in files already. */
export interface KeptValues {
  readonly keptValues: readonly {
    readonly hash: string;
    readonly byteLength: number;
    readonly path: string;
  }[];
  /** Nothing refers to a value any more; it may be one that is in no file. */
  valueDropped(hash: string): void;
}

const MEMORY_BYTES = 512 * 1024 * 1024;
const GRACE_MS = 60_000;
const INLINE_SHARE = 0.5;

interface Entry {
  readonly content: Content;
  readonly byteLength: number;
  readonly inMemory: boolean;
}

/** Large values by hash. */
export class BlobStore implements BlobTransport, Holding {
  readonly #memoryLimit: number;
  readonly #spill: Spill;
  readonly #grace: Grace;
  readonly #shared: SharedFiles | undefined;
  readonly #entries = new Map<string, Entry>();
  /** How many things refer to a hash; the blob itself may be missing. */
  readonly #references = new Map<string, number>();
  /** In memory, referred to once but no more, longest first: they make room for others. */
  readonly #cached = new Set<string>();
  /** Contents in files that are not closed: those of entries, and of dropped ones that are still read. */
  readonly #files = new Set<Content>();
  readonly #kept: KeptValues | undefined;
  #memoryBytes = 0;
  #inlineBytes = 0;
  #closed = false;

  constructor(options: BlobStoreOptions = {}) {
    const memoryBytes = options.memoryBytes ?? MEMORY_BYTES;
    this.#memoryLimit = Math.min(memoryBytes, options.shared?.capacityBytes ?? memoryBytes);
    this.#spill = new Spill(options.spillParent);
    this.#shared = options.shared;
    const nowMs = options.nowMs ?? (() => performance.now());
    this.#grace = new Grace(options.graceMs ?? GRACE_MS, nowMs, (hash) => this.#drop(hash));
    this.#kept = options.kept;
    for (const { ref, content } of options.shared?.inherited ?? []) {
      this.#memoryBytes += ref.byteLength;
      this.#add(ref, { content, byteLength: ref.byteLength, inMemory: true });
    }
    for (const { hash, byteLength, path } of options.kept?.keptValues ?? []) {
      if (this.has(hash)) continue;
      this.#add(
        { hash, byteLength },
        { content: new StoredContent(path, byteLength), byteLength, inMemory: false },
      );
    }
  }

  /** Counts what is in memory of small values: they have the same room, but never more than half of it. */
  readonly inline = {
    reserve: (byteLength: number): boolean => {
      if (this.#inlineBytes + byteLength > this.#memoryLimit * INLINE_SHARE) return false;
      if (!this.#hasRoom(byteLength)) return false;
      this.#inlineBytes += byteLength;
      this.#memoryBytes += byteLength;
      return true;
    },
    free: (byteLength: number): void => {
      this.#inlineBytes -= byteLength;
      this.#memoryBytes -= byteLength;
    },
  };

  /** Bytes in memory, uploads that are under way and small values included. */
  get memoryBytes(): number {
    return this.#memoryBytes;
  }

  /** The files that peers of this machine reach. */
  get shared(): SharedFiles | undefined {
    return this.#shared;
  }

  /** Whether a blob is here. */
  has(hash: string): boolean {
    return this.#entries.has(hash);
  }

  async missing(hashes: readonly string[]): Promise<string[]> {
    return hashes.filter((hash) => {
      this.#promise(hash);
      return !this.#entries.has(hash);
    });
  }

  /**
   * Takes a value from within this process. Its parts, if they are all here, are kept
   * as they are: not copied, not checked, and not to be changed from now on.
   */
  async put(ref: BlobRef, parts: readonly Uint8Array[] | AsyncIterable<Uint8Array>): Promise<void> {
    if (this.has(ref.hash)) {
      this.#promise(ref.hash);
      return;
    }
    if (!Array.isArray(parts) || this.#shared !== undefined || !this.#hasRoom(ref.byteLength)) {
      await this.#putChunks(ref, parts);
      return;
    }
    this.#check(ref);
    this.#memoryBytes += ref.byteLength;
    this.#add(ref, {
      content: new MemoryContent(parts, ref.byteLength),
      byteLength: ref.byteLength,
      inMemory: true,
    });
  }

  /**
   * Takes a value that is in a file of a peer of this machine. The file stays the peer's;
   * the bytes are checked by whoever reads them.
   *
   * @throws BlobError when it cannot be such a file
   */
  async adopt(ref: BlobRef, path: string): Promise<void> {
    this.#check(ref);
    if (this.has(ref.hash)) {
      this.#promise(ref.hash);
      return;
    }
    if (this.#shared === undefined) throw new BlobError("mismatch", "This head shares no files.");
    if (this.#hasRoom(ref.byteLength)) {
      const content = this.#shared.adopt(ref, path);
      this.#memoryBytes += ref.byteLength;
      this.#add(ref, { content, byteLength: ref.byteLength, inMemory: true });
      return;
    }
    const chunks = this.#shared.read(ref, path);
    await this.#putChunks(ref, chunks);
  }

  /**
   * Takes a value that a peer of this machine has named a file of: the file is the store's, or gone, from now on.
   *
   * @throws BlobError when there is no such file, or it cannot be that value
   * @throws Error of the system when there is room for it neither in memory nor on disk
   */
  take(ref: BlobRef, file: string): void {
    this.#check(ref);
    if (this.#shared === undefined) throw new BlobError("mismatch", "This head shares no files.");
    const path = this.#shared.namedPath(file);
    const { byteLength } = ref;
    if (this.has(ref.hash)) {
      this.#promise(ref.hash);
      removeValue(path);
    } else if (this.#hasRoom(byteLength)) {
      const content = this.#shared.move(ref, path);
      this.#memoryBytes += byteLength;
      this.#add(ref, { content, byteLength, inMemory: true });
    } else {
      this.#shared.check(ref, path);
      const content = new FileContent(this.#spill.copy(path), byteLength, () => this.#files.delete(content));
      removeValue(path);
      this.#complete(ref, { content, byteLength, inMemory: false });
    }
  }

  /** A value that is in a file of somebody else's can be asked for, for the grace time. */
  lend(ref: BlobRef, path: string): void {
    const { hash, byteLength } = ref;
    if (this.has(hash)) this.#promise(hash);
    else if (!this.#closed)
      this.#add(ref, { content: new StoredContent(path, byteLength), byteLength, inMemory: false });
  }

  /** A value as one piece of memory, not to be changed. */
  async get(ref: BlobRef): Promise<Uint8Array> {
    return this.#find(ref.hash).content.whole();
  }

  /**
   * A value in chunks of at most 1 MiB, each read when it is asked for.
   *
   * @throws BlobError when it is not here
   */
  read(hash: string): { readonly byteLength: number; chunks(): AsyncGenerator<Uint8Array, void, undefined> } {
    const { content, byteLength } = this.#find(hash);
    return { byteLength, chunks: () => content.chunks() };
  }

  /**
   * Begins an upload.
   *
   * @param ref what is to come
   * @throws BlobError when `ref` is no valid name, or the store is closed
   */
  async receive(ref: BlobRef): Promise<Intake> {
    this.#check(ref);
    const inMemory = this.#hasRoom(ref.byteLength);
    if (inMemory) this.#memoryBytes += ref.byteLength;
    const sink = inMemory ? this.#memorySink(ref) : await this.#fileSink();
    return new Intake(ref, sink, {
      complete: (content) => this.#complete(ref, { content, byteLength: ref.byteLength, inMemory }),
      failed: () => {
        if (inMemory) this.#memoryBytes -= ref.byteLength;
      },
    });
  }

  /** Something refers to a blob, whether it is here yet or not. */
  hold(hash: string): void {
    this.#references.set(hash, (this.#references.get(hash) ?? 0) + 1);
    this.#cached.delete(hash);
    this.#grace.end(hash);
  }

  /** One thing less refers to a blob. */
  release(hash: string): void {
    const references = this.#references.get(hash);
    if (references === undefined) throw new Error(`blob ${hash} is released more often than it was held`);
    if (references > 1) {
      this.#references.set(hash, references - 1);
      return;
    }
    this.#references.delete(hash);
    const entry = this.#entries.get(hash);
    if (entry === undefined) return;
    this.#grace.begin(hash);
    if (entry.inMemory) this.#cached.add(hash);
  }

  discard(hash: string): void {
    this.release(hash);
    if (this.#references.has(hash)) return;
    this.#grace.end(hash);
    this.#drop(hash);
  }

  /** Frees everything. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#grace.close();
    for (const hash of [...this.#entries.keys()]) this.#drop(hash);
    await Promise.all([...this.#files].map((content) => content.close()));
    await this.#spill.close();
    this.#shared?.close();
  }

  /** Whether so much more fits in memory, after what is only kept in case has made room. */
  #hasRoom(byteLength: number): boolean {
    if (byteLength > this.#memoryLimit) return false;
    for (const hash of this.#cached) {
      if (byteLength <= this.#memoryLimit - this.#memoryBytes) break;
      this.#grace.end(hash);
      this.#drop(hash);
    }
    return byteLength <= this.#memoryLimit - this.#memoryBytes;
  }

  #memorySink(ref: BlobRef): Sink {
    if (this.#shared === undefined) return memorySink();
    try {
      return new SharedSink(this.#shared, ref);
    } catch (error) {
      this.#memoryBytes -= ref.byteLength;
      throw error;
    }
  }

  async #fileSink(): Promise<Sink> {
    return fileSink(await this.#spill.create(), (content) => this.#files.delete(content));
  }

  /** Somebody was told that it is here. */
  #promise(hash: string): void {
    this.#cached.delete(hash);
    this.#grace.touch(hash);
  }

  async #putChunks(ref: BlobRef, parts: readonly Uint8Array[] | AsyncIterable<Uint8Array>): Promise<void> {
    const intake = await this.receive(ref);
    const chunks = Array.isArray(parts) ? new MemoryContent(parts, ref.byteLength).chunks() : parts;
    try {
      for await (const chunk of chunks) await intake.write(chunk);
      await intake.finish();
    } finally {
      await intake.abort();
    }
  }

  #check({ hash, byteLength }: BlobRef): void {
    if (this.#closed) throw new BlobError("closed", "The head is shutting down and takes no more values.");
    if (!isBlobName(hash))
      throw new BlobError(
        "mismatch",
        `"${hash}" does not name a value; expected "sha256-" and 64 hexadecimal digits, or a name of a value's.`,
      );
    if (!isByteLength(byteLength))
      throw new BlobError("mismatch", `A value of ${byteLength} bytes cannot be kept; the most is 4 GiB.`);
  }

  #complete(ref: BlobRef, entry: Entry): void {
    if (!entry.inMemory) this.#files.add(entry.content);
    if (!this.has(ref.hash) && !this.#closed) {
      this.#add(ref, entry);
      return;
    }
    // Somebody else was faster, or the end has come.
    if (entry.inMemory) this.#memoryBytes -= entry.byteLength;
    entry.content.release();
    this.#promise(ref.hash);
  }

  #add(ref: BlobRef, entry: Entry): void {
    this.#entries.set(ref.hash, entry);
    if (!this.#references.has(ref.hash)) this.#grace.begin(ref.hash);
  }

  #find(hash: string): Entry {
    const entry = this.#entries.get(hash);
    if (entry === undefined)
      throw new BlobError(
        "missing",
        `The head does not hold the value ${hash}; it was never sent, or nothing refers to it any more.`,
      );
    this.#grace.touch(hash);
    return entry;
  }

  #drop(hash: string): void {
    const entry = this.#entries.get(hash);
    if (entry === undefined) return;
    this.#entries.delete(hash);
    this.#cached.delete(hash);
    if (entry.inMemory) this.#memoryBytes -= entry.byteLength;
    entry.content.release();
    if (!this.#closed) this.#kept?.valueDropped(hash);
  }
}
