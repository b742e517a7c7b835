/**
 * Brings blobs to the head, and sees to it that they are there when something refers to them.
 *
 * The head drops a blob that nothing refers to after a minute. Between an upload and
 * the message that names it a program may compute, sleep or be slowed down by the
 * head for longer than that: so whoever sends the message asks again first (`stale`,
 * `renew`), and the bytes are kept until then.
 */

import { join } from "node:path";
import type { BlobRef } from "../../proto/grain.js";
import type { BlobTransport, ValueFiles } from "../../proto/link/link.js";
import { piecesOf } from "../../proto/share/value-file.js";

/** So much is sent at a time. */
const PIECE_BYTES = 1024 * 1024;
/** After so long the head is asked again: a third of the time that it keeps what nothing refers to. */
const CONFIRMED_FOR_MS = 20_000;

/** Where the bytes of a blob are, on this side. */
export type UploadSource =
  /** In memory, not to be changed. */
  | { readonly type: "memory"; readonly parts: readonly Uint8Array[] }
  /** In a file that the head can see. */
  | FileSource;

/** A file of this session's. */
export interface FileSource {
  readonly type: "file";
  readonly files: ValueFiles;
  readonly file: string;
  /** Further names of it, which messages have told the head of. */
  readonly named: string[];
}

/** A blob that the head holds, or held a while ago, or is told of with each message that refers to it. */
export interface Upload {
  readonly ref: BlobRef;
  readonly source: UploadSource;
  /** Makes a file that the head is to take, and names it for a message. Left out: the head has been handed the blob. */
  readonly name?: () => string | undefined;
  /** When the head was last known to hold it. */
  confirmedMs: number;
}

/** The uploads of one session. */
export class Uploads {
  readonly #blobs: Promise<BlobTransport>;
  readonly #nowMs: () => number;
  /** What was confirmed before is not known to be there any more. */
  #doubtedMs = Number.NEGATIVE_INFINITY;

  /**
   * @param blobs the head's, once it is connected
   * @param nowMs a clock that never goes back, in milliseconds
   */
  constructor(blobs: Promise<BlobTransport>, nowMs: () => number) {
    this.#blobs = blobs;
    this.#nowMs = nowMs;
  }

  /** Brings a blob to the head, unless it holds it. */
  async bring(ref: BlobRef, source: UploadSource): Promise<Upload> {
    const upload: Upload = { ref, source, confirmedMs: 0 };
    await this.#confirm([upload]);
    return upload;
  }

  /** A blob that the head is told of with each message that refers to it. */
  named(ref: BlobRef, source: UploadSource, name: () => string | undefined): Upload {
    return { ref, source, name, confirmedMs: this.#nowMs() };
  }

  /** Those of which the head must be asked again before anything refers to them. */
  stale(uploads: readonly Upload[]): Upload[] {
    if (uploads.length === 0) return [];
    const sinceMs = Math.max(this.#nowMs() - CONFIRMED_FOR_MS, this.#doubtedMs);
    return uploads.filter(({ confirmedMs }) => confirmedMs < sinceMs);
  }

  /** The head may have been restarted. */
  doubt(): void {
    this.#doubtedMs = this.#nowMs();
  }

  /** Brings those again that the head has dropped. Never rejects: where it cannot be done, the tasks fail that need them. */
  async renew(uploads: readonly Upload[]): Promise<void> {
    try {
      await this.#confirm(uploads);
    } catch {
      // Not again and again: what refers to them goes to the head as it is.
      this.#confirmed(uploads);
    }
  }

  async #confirm(uploads: readonly Upload[]): Promise<void> {
    const blobs = await this.#blobs;
    const byHash = new Map(uploads.map((upload) => [upload.ref.hash, upload]));
    const asked: string[] = [];
    for (const { ref, source } of byHash.values()) {
      // A file is handed over as quickly as the head is asked.
      if (source.type !== "file" || !(await handOver(blobs, ref, source))) asked.push(ref.hash);
    }
    const missing = asked.length === 0 ? [] : await blobs.missing(asked);
    for (const hash of missing) {
      const { ref, source } = byHash.get(hash)!;
      await blobs.put(ref, source.type === "memory" ? source.parts : piecesAnew(source));
    }
    this.#confirmed(uploads);
  }

  #confirmed(uploads: readonly Upload[]): void {
    const nowMs = this.#nowMs();
    for (const upload of uploads) upload.confirmedMs = nowMs;
  }
}

/** @returns false when the connection was lost: whether the head has it is not known */
async function handOver(blobs: BlobTransport, ref: BlobRef, { files, file }: FileSource): Promise<boolean> {
  try {
    await files.adopt(ref, file);
    return true;
  } catch (error) {
    if (blobs.files === files) throw error;
    return false;
  }
}

/** A file's bytes, from the beginning each time they are asked for. */
function piecesAnew({ files, file }: FileSource): AsyncIterable<Uint8Array> {
  const path = join(files.directory, file);
  return { [Symbol.asyncIterator]: () => piecesOf(path, PIECE_BYTES) };
}
