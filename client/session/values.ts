/**
 * Moves large arguments and results between a session and its head, a few at a time:
 * as files in shared memory when the head is on this machine, else over its connection.
 */

import { linkSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import pLimit from "p-limit";
import type { BlobRef } from "../../proto/grain.js";
import { digestLike, newValueKey, valueRefOf } from "../../proto/hash.js";
import type { BlobTransport, ValueFiles } from "../../proto/link/link.js";
import { newFileName } from "../../proto/share/directory.js";
import { NamedFiles } from "../../proto/share/named.js";
import {
  AT_ONCE_BYTES,
  readValue,
  removeValue,
  writeAndName,
  writeValue,
} from "../../proto/share/value-file.js";
import type { Encoded } from "../../proto/values/value.js";
import type { FileSource, Upload, UploadSource, Uploads } from "./uploads.js";

/** So many travel at once in each direction: enough to fill a connection. */
const CONCURRENCY = 4;
/** So much is written to shared memory before the head has taken it over; what is beyond waits in this process. */
const STAGED_BYTES = 64 * 1024 * 1024;

/** So much is checked at a time. */
const CHECKED_BYTES = 16 * 1024 * 1024;

/** An argument that is being brought to the head, or is there. */
export interface Argument {
  readonly stored: Promise<Upload>;
  /** The call that it is for has ended. */
  release(): void;
}

/** What calls under way have in common. */
interface Shared {
  calls: number;
  readonly byteLength: number;
  readonly stored: Promise<Upload>;
}

/** The large values of one session. */
export class LargeValues {
  readonly #uploads: Uploads;
  readonly #blobs: Promise<BlobTransport>;
  readonly #key = newValueKey();
  readonly #puts = pLimit(CONCURRENCY);
  readonly #gets = pLimit(CONCURRENCY);
  /** By name: one argument given to many calls travels once. */
  readonly #arguments = new Map<string, Shared>();
  #files: ValueFiles | undefined;
  #stagedBytes = 0;
  readonly #named = new NamedFiles();

  /** @param blobs the head's, once it is connected */
  constructor(uploads: Uploads, blobs: Promise<BlobTransport>) {
    this.#uploads = uploads;
    this.#blobs = blobs;
  }

  /** Brings arguments to the head. Copies the bytes before it returns, so that later changes do no harm. */
  put(args: Encoded): Argument {
    const written = this.#writeAtOnce(args);
    const ref = written?.ref ?? valueRefOf(this.#key, args.parts);
    const { hash, byteLength } = ref;
    let shared = this.#arguments.get(hash);
    if (shared === undefined) {
      const stored = written === undefined ? this.#put(ref, args) : this.#bring(ref, written.source, []);
      shared = { calls: 0, byteLength, stored };
      this.#arguments.set(hash, shared);
      this.#forgetAfter(hash, shared);
    }
    const mine = shared;
    mine.calls += 1;
    return {
      stored: mine.stored,
      release: () => {
        mine.calls -= 1;
        if (mine.calls === 0) this.#forget(hash, mine);
      },
    };
  }

  /** Fetches a result. */
  get(ref: BlobRef): Promise<Encoded> {
    return this.#gets(async () => {
      const blobs = await this.#blobs;
      const files = await this.#share();
      if (files !== undefined) {
        try {
          return await readValue(files.pathOf(ref.hash), ref);
        } catch (error) {
          // The head keeps it elsewhere.
          if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        }
      }
      return { byteLength: ref.byteLength, parts: [await blobs.get(ref)] };
    });
  }

  /** Fetches a result that was stored. @throws Error when its bytes are not what they were */
  async getStored(ref: BlobRef): Promise<Encoded> {
    const value = await this.get(ref);
    const digest = digestLike(ref.hash);
    for (const part of value.parts) {
      for (let at = 0; at < part.byteLength; at += CHECKED_BYTES) {
        digest.update(part.subarray(at, at + CHECKED_BYTES));
        await nextTurn();
      }
    }
    if (digest.name() !== ref.hash) throw new Error("a stored result has changed on the disk");
    return value;
  }

  /** What was sent from memory is forgotten when it has arrived; a file stays while a call needs it. */
  #forgetAfter(hash: string, shared: Shared): void {
    const forget = () => {
      if (this.#arguments.get(hash) === shared) this.#arguments.delete(hash);
    };
    shared.stored.then(({ source }) => {
      if (source.type === "memory") forget();
    }, forget);
  }

  #forget(hash: string, shared: Shared): void {
    if (this.#arguments.get(hash) === shared) this.#arguments.delete(hash);
    shared.stored.then(
      ({ source }) => removeFile(source),
      () => {},
    );
  }

  async #share(): Promise<ValueFiles | undefined> {
    this.#files = await (await this.#blobs).share?.();
    return this.#files;
  }

  /** Small ones need no message of their own, while few wait: the head takes them with the calls that they are for. */
  #name(ref: BlobRef, args: Encoded): Upload | undefined {
    const files = this.#files;
    if (files === undefined || !this.#named.admits(ref.byteLength)) return undefined;
    const source = this.#stage(files, ref, args.parts);
    if (source === undefined) return undefined;
    this.#stagedBytes -= ref.byteLength;
    // Now already, since it counts as waiting from now on.
    let first = this.#link(source, ref);
    return this.#uploads.named(ref, source, () => {
      const name = first ?? this.#link(source, ref);
      first = undefined;
      return name;
    });
  }

  /** Makes a file of the same bytes that the head takes; the other stays until the call has ended, in case the head forgets. */
  #link({ files, file, named }: FileSource, { byteLength }: BlobRef): string | undefined {
    const name = newFileName();
    const path = join(files.directory, name);
    try {
      linkSync(join(files.directory, file), path);
    } catch {
      // The head has gone, and its directory: the connection will tell.
      return undefined;
    }
    named.push(name);
    this.#named.add(path, byteLength);
    return `${files.name}/${name}`;
  }

  /** Writes a large one and names it in one go, unless it may be one that is under way already: no other is of this length. */
  #writeAtOnce({
    byteLength,
    parts,
  }: Encoded): { readonly ref: BlobRef; readonly source: FileSource } | undefined {
    if (this.#files === undefined || byteLength <= AT_ONCE_BYTES || !this.#fits(byteLength)) return undefined;
    for (const argument of this.#arguments.values()) {
      if (argument.byteLength === byteLength) return undefined;
    }
    let ref: BlobRef | undefined;
    const source = this.#write(this.#files, byteLength, (path) => {
      ref = writeAndName(path, this.#key, parts);
    });
    return ref === undefined || source === undefined ? undefined : { ref, source };
  }

  #fits(byteLength: number): boolean {
    return this.#stagedBytes === 0 || this.#stagedBytes + byteLength <= STAGED_BYTES;
  }

  #put(ref: BlobRef, args: Encoded): Promise<Upload> {
    const named = this.#name(ref, args);
    if (named !== undefined) return Promise.resolve(named);
    const staged =
      this.#files !== undefined && this.#fits(ref.byteLength)
        ? this.#stage(this.#files, ref, args.parts)
        : undefined;
    // `slice` of a Buffer would be a view of the same memory.
    const kept = staged === undefined ? args.parts.map((part) => new Uint8Array(part)) : [];
    return this.#bring(ref, staged, kept);
  }

  #bring(ref: BlobRef, staged: FileSource | undefined, kept: readonly Uint8Array[]): Promise<Upload> {
    return this.#puts(async () => {
      const source = staged ?? this.#stage(await this.#share(), ref, kept) ?? { type: "memory", parts: kept };
      try {
        return await this.#uploads.bring(ref, source);
      } catch (error) {
        removeFile(source);
        throw error;
      } finally {
        if (source.type === "file") this.#stagedBytes -= ref.byteLength;
      }
    });
  }

  /** Writes a file for the head; undefined when that is not possible. */
  #stage(files: ValueFiles | undefined, ref: BlobRef, parts: readonly Uint8Array[]): FileSource | undefined {
    if (files === undefined) return undefined;
    return this.#write(files, ref.byteLength, (path) => writeValue(path, parts));
  }

  #write(files: ValueFiles, byteLength: number, write: (path: string) => void): FileSource | undefined {
    const file = newFileName();
    try {
      write(join(files.directory, file));
    } catch {
      // No room is left there, or the head has gone: the connection will tell.
      return undefined;
    }
    this.#stagedBytes += byteLength;
    return { type: "file", files, file, named: [] };
  }
}

function removeFile(source: UploadSource): void {
  if (source.type !== "file") return;
  const { files, file, named } = source;
  for (const name of [file, ...named]) removeValue(join(files.directory, name));
}
