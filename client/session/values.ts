/** Moves large arguments and results between a session and its head, a few at a time. */

import pLimit from "p-limit";
import type { BlobRef } from "../../proto/grain.js";
import { refOf } from "../../proto/hash.js";
import type { BlobTransport } from "../../proto/link/link.js";
import type { Encoded } from "../../proto/values/value.js";
import type { Upload, Uploads } from "./uploads.js";

/** So many travel at once in each direction: enough to fill a connection. */
const CONCURRENCY = 4;

/** The large values of one session. */
export class LargeValues {
  readonly #uploads: Uploads;
  readonly #blobs: Promise<BlobTransport>;
  readonly #puts = pLimit(CONCURRENCY);
  readonly #gets = pLimit(CONCURRENCY);
  /** By hash: one argument given to many calls travels once. */
  readonly #underWay = new Map<string, Promise<Upload>>();

  /** @param blobs the head's, once it is connected */
  constructor(uploads: Uploads, blobs: Promise<BlobTransport>) {
    this.#uploads = uploads;
    this.#blobs = blobs;
  }

  /** Brings arguments to the head. Copies the bytes before it returns, so that later changes do no harm. */
  put(args: Encoded): Promise<Upload> {
    const ref = refOf(args.parts);
    let upload = this.#underWay.get(ref.hash);
    if (upload === undefined) {
      upload = this.#put(ref, args);
      this.#underWay.set(ref.hash, upload);
    }
    return upload;
  }

  /** Fetches a result. */
  get(ref: BlobRef): Promise<Uint8Array> {
    return this.#gets(async () => (await this.#blobs).get(ref));
  }

  async #put(ref: BlobRef, args: Encoded): Promise<Upload> {
    // `slice` of a Buffer would be a view of the same memory.
    const parts = args.parts.map((part) => new Uint8Array(part));
    try {
      return await this.#puts(() => this.#uploads.bring(ref, parts));
    } finally {
      this.#underWay.delete(ref.hash);
    }
  }
}
