/**
 * Which blobs one session keeps in the store, and until when: arguments until
 * their task has ended, results until the client has acknowledged them, bundles
 * until the session has ended.
 */

import type { BlobAt } from "../../proto/grain.js";
import { isHash } from "../../proto/hash.js";

/** The part of the blob store that holds need. */
export interface Holding {
  hold(hash: string): void;
  release(hash: string): void;
  /** Like `release`, of what nobody will send or ask for again. */
  discard(hash: string): void;
}

/** The blobs of one session. */
export class Holds {
  readonly #store: Holding;
  readonly #arguments = new Map<number, string>();
  readonly #results = new Map<number, string>();
  readonly #bundles = new Set<string>();

  constructor(store: Holding) {
    this.#store = store;
  }

  /** A spec was registered; its module may be a bundle. */
  registered(module: string): void {
    if (!isHash(module) || this.#bundles.has(module)) return;
    this.#bundles.add(module);
    this.#store.hold(module);
  }

  /** Tasks from `first` were submitted; these of them have blobs for arguments. */
  submitted(first: number, blobs: readonly BlobAt[]): void {
    if (blobs.length === 0) return;
    for (const { index, ref } of blobs) this.#keep(this.#arguments, first + index, ref?.hash);
  }

  /** Results were delivered; these of them are blobs. */
  delivered(tasks: readonly number[], blobs: readonly BlobAt[]): void {
    for (const { index, ref } of blobs) this.#keep(this.#results, tasks[index]!, ref?.hash);
    this.ended(tasks);
  }

  /** Tasks have ended and will not run again. */
  ended(tasks: readonly number[]): void {
    if (this.#arguments.size > 0) this.#drop(this.#arguments, tasks, (hash) => this.#store.release(hash));
  }

  /** The client has these results. */
  acknowledged(tasks: readonly number[]): void {
    if (this.#results.size > 0) this.#drop(this.#results, tasks, (hash) => this.#store.discard(hash));
  }

  /** The session has ended. */
  releaseAll(): void {
    for (const held of [this.#arguments.values(), this.#bundles]) {
      for (const hash of held) this.#store.release(hash);
    }
    for (const hash of this.#results.values()) this.#store.discard(hash);
    this.#arguments.clear();
    this.#results.clear();
    this.#bundles.clear();
  }

  #keep(held: Map<number, string>, task: number, hash: string | undefined): void {
    if (hash === undefined) return;
    const before = held.get(task);
    held.set(task, hash);
    this.#store.hold(hash);
    if (before !== undefined) this.#store.release(before);
  }

  #drop(held: Map<number, string>, tasks: readonly number[], letGo: (hash: string) => void): void {
    for (let i = 0; i < tasks.length; i++) {
      const hash = held.get(tasks[i]!);
      if (hash === undefined) continue;
      held.delete(tasks[i]!);
      letGo(hash);
    }
  }
}
