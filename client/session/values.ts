/** Moves large arguments and results between a session and its head, a few at a time. */

import pLimit from "p-limit";
import type { BlobRef } from "../../proto/grain.js";
import { refOf } from "../../proto/hash.js";
import type { BlobTransport } from "../../proto/link/link.js";
import type { Encoded } from "../../proto/values/value.js";

/** So many travel at once in each direction: enough to fill a connection. */
const CONCURRENCY = 4;

/** The large values of one session. */
export class LargeValues {
  readonly #blobs: Promise<BlobTransport>;
  readonly #puts = pLimit(CONCURRENCY);
  readonly #gets = pLimit(CONCURRENCY);
  /** By hash: one argument given to many calls travels once. */
  readonly #uploads = new Map<string, Promise<void>>();

  /** @param blobs the head's, once it is connected */
  constructor(blobs: Promise<BlobTransport>) {
    this.#blobs = blobs;
  }

  /** Brings arguments to the head. Reads the bytes before it returns, so that later changes do no harm. */
  async put(args: Encoded): Promise<BlobRef> {
    const ref = refOf(args.parts);
    let upload = this.#uploads.get(ref.hash);
    if (upload === undefined) {
      upload = this.#upload(ref, args);
      this.#uploads.set(ref.hash, upload);
    }
    await upload;
    return ref;
  }

  /** Fetches a result. */
  get(ref: BlobRef): Promise<Uint8Array> {
    return this.#gets(async () => (await this.#blobs).get(ref));
  }

  async #upload(ref: BlobRef, args: Encoded): Promise<void> {
    const parts = args.parts.map((part) => part.slice());
    try {
      await this.#puts(async () => (await this.#blobs).put(ref, parts));
    } finally {
      this.#uploads.delete(ref.hash);
    }
  }
}
