/** A blob transport that outlives a lost connection: what failed because of that is tried again for a while. */

import type { BlobRef } from "../grain.js";
import type { BlobTransport, ValueFiles } from "./link.js";
import { persist } from "./reopen.js";

/** A transport that can tell whether an error speaks of the connection and not of the blob. */
export interface BreakableBlobs extends BlobTransport {
  wasCutOff(error: unknown): boolean;
  close(): void;
}

/** Repeats each operation until it succeeds, fails for another reason, or too much time has passed. */
export class PersistentBlobs implements BlobTransport {
  readonly #blobs: BreakableBlobs;
  readonly #giveUpMs: number;
  readonly #closed = new AbortController();

  /** @param giveUpMs for how long after the first failure */
  constructor(blobs: BreakableBlobs, giveUpMs: number) {
    this.#blobs = blobs;
    this.#giveUpMs = giveUpMs;
  }

  get files(): ValueFiles | undefined {
    return this.#blobs.files;
  }

  async share(): Promise<ValueFiles | undefined> {
    return this.#blobs.share?.();
  }

  missing(hashes: readonly string[]): Promise<string[]> {
    return this.#persist(() => this.#blobs.missing(hashes));
  }

  put(ref: BlobRef, parts: readonly Uint8Array[]): Promise<void> {
    return this.#persist(() => this.#blobs.put(ref, parts));
  }

  get(ref: BlobRef): Promise<Uint8Array> {
    return this.#persist(() => this.#blobs.get(ref));
  }

  close(): void {
    this.#closed.abort();
    this.#blobs.close();
  }

  async #persist<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (this.#closed.signal.aborted || !this.#blobs.wasCutOff(error)) throw error;
      return await this.#again(work, error as Error);
    }
  }

  async #again<T>(work: () => Promise<T>, first: Error): Promise<T> {
    let last = first;
    const { signal } = this.#closed;
    const outcome = await persist<T>(
      async () => {
        try {
          return { type: "done", value: await work() };
        } catch (error) {
          last = error as Error;
          if (!this.#blobs.wasCutOff(error)) return { type: "over", error: last };
          return { type: "failed", reason: last.message };
        }
      },
      { giveUpMs: this.#giveUpMs, signal },
    );
    if (outcome.type === "done") return outcome.value;
    throw last;
  }
}
