/** One peer's part of the shared files: its directory, from which the store takes values. */

import { join } from "node:path";
import type { BlobRef } from "../../../proto/grain.js";
import type { ValueFiles } from "../../../proto/link/link.js";
import { isFileName } from "../../../proto/share/directory.js";
import { BlobError } from "./error.js";
import type { SharedFiles } from "./shared.js";
import type { BlobStore } from "./store.js";

/** The files of one peer. */
export class PeerFiles implements ValueFiles {
  /** The name of its directory. */
  readonly name: string;
  readonly #store: BlobStore;
  readonly #shared: SharedFiles;
  #open = true;

  constructor(store: BlobStore, shared: SharedFiles) {
    this.#store = store;
    this.#shared = shared;
    this.name = shared.addPeer();
  }

  get directory(): string {
    return this.#shared.peerPath(this.name);
  }

  async adopt(ref: BlobRef, file: string): Promise<void> {
    if (!isFileName(file)) throw new BlobError("mismatch", `"${file}" does not name a file with a value.`);
    await this.#store.adopt(ref, join(this.directory, file));
  }

  pathOf(hash: string): string {
    return this.#shared.pathOf(hash);
  }

  /** The peer has gone: what it has left is removed. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#shared.removePeer(this.name);
  }
}
