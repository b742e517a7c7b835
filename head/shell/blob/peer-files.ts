/**
 * One peer's part of the shared files: its directory, from which the store takes values.
 *
 *   entered ──cut off──▶ away ──entered again──▶ entered
 *      └──closed───────────┴──too late, or its process has ended──▶ gone
 *
 * Who comes back names its directory; that nobody else can do. What a peer wrote while it
 * was away is there when it is back.
 */

import { join } from "node:path";
import type { BlobRef } from "../../../proto/grain.js";
import type { ValueFiles } from "../../../proto/link/link.js";
import { hasEnded } from "../../../proto/process-name.js";
import { isFileName } from "../../../proto/share/directory.js";
import { BlobError } from "./error.js";
import type { SharedFiles } from "./shared.js";
import type { BlobStore } from "./store.js";

/** So often it is looked whether the processes of those that are away have ended. */
const LOOK_MS = 1_000;

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

interface Place {
  readonly files: PeerFiles;
  /** Its process, as `ownProcess` names it. */
  readonly process: string;
  /** The stream that has it: one that was lost may end after another has taken its place. */
  holder: object | undefined;
  /** Until when it is kept for a peer that is away. */
  untilMs: number;
}

/** The directories of all peers. */
export class PeerPlaces {
  readonly #store: BlobStore;
  readonly #lingerMs: number;
  readonly #places = new Map<string, Place>();
  #timer: NodeJS.Timeout | undefined;

  /** @param lingerMs how long a directory is kept for a peer whose stream was lost */
  constructor(store: BlobStore, lingerMs: number) {
    this.#store = store;
    this.#lingerMs = lingerMs;
  }

  /**
   * A peer gets the directory that it had, or a new one.
   *
   * @param holder its stream
   * @param name of the directory that it had; empty: none
   */
  enter(holder: object, shared: SharedFiles, process: string, name: string): PeerFiles {
    const known = this.#places.get(name);
    if (known !== undefined) {
      known.holder = holder;
      return known.files;
    }
    const files = new PeerFiles(this.#store, shared);
    this.#places.set(files.name, { files, process, holder, untilMs: 0 });
    return files;
  }

  /** A stream was lost: its peer may come back. */
  cutOff(holder: object, { name }: PeerFiles): void {
    const place = this.#places.get(name);
    if (place?.holder !== holder) return;
    if (hasEnded(place.process)) return this.#remove(place);
    place.holder = undefined;
    place.untilMs = performance.now() + this.#lingerMs;
    this.#timer ??= this.#lookIn(Math.min(this.#lingerMs, LOOK_MS));
  }

  /** A peer has said that it goes. */
  leave(holder: object, { name }: PeerFiles): void {
    const place = this.#places.get(name);
    if (place?.holder === holder) this.#remove(place);
  }

  /** Removes all. */
  close(): void {
    clearTimeout(this.#timer);
    for (const place of [...this.#places.values()]) this.#remove(place);
  }

  #remove({ files }: Place): void {
    this.#places.delete(files.name);
    files.close();
  }

  /** Removes what nobody will come back to, and looks again while somebody may. */
  #look(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const place of [...this.#places.values()]) {
      if (place.holder !== undefined) continue;
      if (place.untilMs <= nowMs || hasEnded(place.process)) this.#remove(place);
      else nextMs = Math.min(nextMs, Math.ceil(place.untilMs - nowMs), LOOK_MS);
    }
    if (Number.isFinite(nextMs)) this.#timer = this.#lookIn(nextMs);
  }

  #lookIn(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#look(), ms).unref();
  }
}
