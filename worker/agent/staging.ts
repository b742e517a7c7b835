/**
 * Where the values of one worker's tasks are as files, between the head and the executors:
 * in the directory that the head shares with this worker, or in directories of its own.
 */

import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { messageOf } from "../../proto/errors.js";
import type { BlobRef } from "../../proto/grain.js";
import { newValueKey, valueRefOf } from "../../proto/hash.js";
import type { BlobTransport, ValueFiles } from "../../proto/link/link.js";
import {
  fileNameOf,
  isFileName,
  makePrivate,
  removeDirectory,
  removeFilesOf,
  sharedRoot,
  sweep,
} from "../../proto/share/directory.js";
import { NamedFiles } from "../../proto/share/named.js";
import { isElsewherePossible, piecesOf, removeValue, writeValue } from "../../proto/share/value-file.js";
import type { FinishedLarge, ValueFile } from "../executor/message.js";
import { isBytes, type Large, type Task } from "./core/task.js";

/** So much is sent to the head at a time. */
const PIECE_BYTES = 1024 * 1024;

/** The files of one agent. */
export class Staging {
  /** Where executors write. */
  readonly directory: string;
  /** Where they write when no room is left there. */
  readonly fallback: string;
  readonly #blobs: BlobTransport;
  /** The head's directory, as it was known last. */
  #known: ValueFiles | undefined;
  /** Directories that are the agent's to remove. */
  readonly #own: string[] = [];
  /** Names values that are handed to executors. */
  readonly #key = newValueKey();
  readonly #atExit = () => this.#remove();
  /** Arguments that were fetched, by task. */
  readonly #arguments = new Map<number, string>();
  /** Results that are on their way to the head. */
  readonly #leaving = new Set<string>();
  /** Results that are told of with the ends of their tasks. */
  readonly #named = new NamedFiles();

  constructor(blobs: BlobTransport) {
    this.#blobs = blobs;
    const root = sharedRoot() ?? tmpdir();
    for (const swept of new Set([root, tmpdir()])) sweep(swept, ["worker", "launcher"]);
    this.#known = blobs.files;
    this.directory = blobs.files?.directory ?? this.#make(root);
    this.fallback = this.#make(tmpdir());
    process.on("exit", this.#atExit);
  }

  /**
   * The file of a task's large arguments, written now unless the head has put it into shared
   * memory. Never throws: without the file the task fails where it would have run.
   */
  fileOf(executor: number, { ref, value }: Pick<Task, "ref" | "value">): ValueFile {
    const name = isBytes(value) ? valueRefOf(this.#key, [value]) : value;
    const { hash, byteLength } = name;
    try {
      const path = isBytes(value) ? this.#write(executor, ref, value) : this.#sharedPath(hash);
      return { path, hash, byteLength };
    } catch (error) {
      return { path: "", hash, byteLength, problem: messageOf(error) };
    }
  }

  /** @returns false when the file cannot be handed over, or the connection was lost meanwhile */
  async #handOver(ref: BlobRef, file: string): Promise<boolean> {
    const { files } = this.#blobs;
    if (files?.directory !== this.directory) return false;
    try {
      await files.adopt(ref, file);
      return true;
    } catch (error) {
      // What else may be wrong with a value is told to whoever waits for it.
      if (this.#blobs.files === files) throw error;
      // The head may have taken it before the connection was lost.
      return (await this.#blobs.missing([ref.hash])).length === 0;
    }
  }

  #send(ref: BlobRef, path: string): Promise<void> {
    // Begins anew each time it is iterated: after a lost connection it is sent again.
    return this.#blobs.put(ref, {
      [Symbol.asyncIterator]: () => piecesOf(path, PIECE_BYTES),
    });
  }

  /** A task needs its arguments no more. */
  forget(ref: number): void {
    const path = this.#arguments.get(ref);
    if (path === undefined) return;
    this.#arguments.delete(ref);
    removeValue(path);
  }

  /** Brings a result to the head, and removes its file; or leaves it to the head. @returns its name */
  async deliver(result: FinishedLarge): Promise<Large> {
    const { file, fallback, hash, byteLength } = result;
    if (!isFileName(file)) throw new Error(`"${basename(file)}" does not name a file with a value`);
    const ref: BlobRef = { hash, byteLength };
    const path = join(fallback ? this.fallback : this.directory, file);
    const { files } = this.#blobs;
    if (!fallback && files?.directory === this.directory && this.#named.admits(byteLength)) {
      this.#named.add(path, byteLength);
      return { ...ref, file: `${files.name}/${file}` };
    }
    this.#leaving.add(file);
    try {
      if (fallback || !(await this.#handOver(ref, file))) await this.#send(ref, path);
      return ref;
    } finally {
      this.#leaving.delete(file);
      removeValue(path);
    }
  }

  /** An executor has ended: what it has written and not reported is removed. */
  executorEnded(executor: number): void {
    const spared = new Set([
      ...this.#leaving,
      ...[...this.#named.paths].map((path) => basename(path)),
      ...[...this.#arguments.values()].map((path) => basename(path)),
    ]);
    for (const directory of [this.directory, this.fallback]) removeFilesOf(executor, directory, spared);
  }

  close(): void {
    process.off("exit", this.#atExit);
    this.#remove();
  }

  #write(executor: number, ref: number, value: Uint8Array): string {
    this.forget(ref);
    const file = fileNameOf(executor);
    let path = join(this.directory, file);
    try {
      writeValue(path, [value]);
    } catch (error) {
      if (!isElsewherePossible(error)) throw error;
      path = join(this.fallback, file);
      writeValue(path, [value]);
    }
    this.#arguments.set(ref, path);
    return path;
  }

  #sharedPath(hash: string): string {
    // While the worker is cut off, what was shared is where it was.
    const files = this.#blobs.files ?? this.#known;
    this.#known = files;
    if (files === undefined) throw new Error("the directory that the head shares has gone");
    return files.pathOf(hash);
  }

  #make(root: string): string {
    const path = makePrivate(root, "worker");
    this.#own.push(path);
    return path;
  }

  #remove(): void {
    for (const path of this.#own) removeDirectory(path);
  }
}
