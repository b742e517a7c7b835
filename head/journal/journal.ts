/**
 * When the journal is written: everything that changed within 10 ms in one transaction, the next one
 * when that is durable. While the disk does not take it, changes are kept in memory and tried again.
 */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../proto/errors.js";
import type { HeadLog } from "../shell/log.js";
import { Changes, written } from "./changes.js";
import { packetOf } from "./packet.js";
import type { StoredRecord } from "./recover.js";
import { openStore, type Store } from "./store.js";
import { type KeptValue, ValueFiles, type ValueSource } from "./value-files.js";

/** How long changes are gathered. With a commit of some milliseconds they are durable within 20. */
const GATHER_MS = 10;
const RETRY_MS = 1_000;

/** A journal on a disk. */
export class Journal {
  readonly directory: string;
  readonly changes = new Changes(() => this.#later(GATHER_MS));
  readonly #store: Store;
  readonly #values: ValueFiles;
  readonly #log: HeadLog;
  #source: ValueSource | undefined;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  /** Waiting for changes that are not in a batch yet. */
  #waiting: (() => void)[] = [];
  #before: () => void = () => {};
  #failure: string | undefined;
  #closed = false;

  private constructor(directory: string, store: Store, values: ValueFiles, log: HeadLog) {
    this.directory = directory;
    this.#store = store;
    this.#values = values;
    this.#log = log;
  }

  /**
   * Opens a journal, or begins one.
   *
   * @throws GrainError when it cannot be used: another head has it, it is of another format, or damaged
   */
  static async open(directory: string, log: HeadLog): Promise<Journal> {
    const store = await openStore(directory);
    try {
      return new Journal(directory, store, await ValueFiles.open(directory), log);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** What it held when it was opened. */
  get records(): readonly StoredRecord[] {
    return this.#store.records;
  }

  /** They have been read. */
  forgetRecords(): void {
    this.#store.records = [];
  }

  /** Large values that it held when it was opened. */
  get keptValues(): readonly KeptValue[] {
    return this.#values.kept;
  }

  /** Why it cannot be written now; undefined: it can. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** What `writeNote` has written; undefined: nothing. */
  async readNote(name: string): Promise<string | undefined> {
    try {
      return (await readFile(join(this.directory, name), "utf8")) || undefined;
    } catch {
      return undefined;
    }
  }

  /** Keeps a word beside the records, of which the loss does no harm. */
  async writeNote(name: string, text: string): Promise<void> {
    await writeFile(join(this.directory, name), text, { mode: 0o600 }).catch(() => {});
  }

  /**
   * Begins to write.
   *
   * @param source where the large values are that records refer to
   * @param before called before each transaction: the last chance for changes to be part of it
   */
  begin(source: ValueSource, before: () => void): void {
    this.#source = source;
    this.#before = before;
    if (this.changes.size > 0) this.#later(GATHER_MS);
  }

  /** Calls this when everything that has changed so far is durable. */
  whenDurable(then: () => void): void {
    if (this.changes.size > 0) this.#waiting.push(then);
    else if (this.#writing !== undefined) void this.#writing.then(() => this.whenDurable(then));
    else then();
  }

  /** Nothing in memory refers to a large value any more. */
  valueDropped(hash: string): void {
    this.#values.dropped(hash);
  }

  /** Writes what there is and gives the journal back. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#writing;
    if (this.#source !== undefined && this.changes.size > 0) await this.#write();
    if (this.#failure !== undefined) {
      this.#log.warn(
        `The journal ${this.directory} lacks the last ${this.changes.size} changes: ${this.#failure}.`,
      );
    }
    await this.#store.close();
  }

  #later(afterMs: number): void {
    if (
      this.#closed ||
      this.#source === undefined ||
      this.#timer !== undefined ||
      this.#writing !== undefined
    )
      return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#write().then(() => {
        this.#writing = undefined;
        if (this.changes.size > 0) this.#later(this.#failure === undefined ? GATHER_MS : RETRY_MS);
      });
    }, afterMs);
  }

  async #write(): Promise<void> {
    this.#before();
    const waiting = this.#waiting;
    this.#waiting = [];
    const batch = this.changes.take();
    // Now, not after the large values: records that go together are of one moment.
    const packet = packetOf(batch);
    try {
      const hashes = new Set<string>();
      for (const entry of batch.values()) for (const hash of entry?.blobs ?? []) hashes.add(hash);
      if (hashes.size > 0) await this.#values.write(hashes, this.#source!);
      await this.#store.commit(packet);
    } catch (error) {
      this.changes.bringBack(batch);
      this.#waiting = [...waiting, ...this.#waiting];
      this.#failed(messageOf(error));
      return;
    }
    written(batch);
    this.#recovered();
    await this.#values.tidy();
    for (const then of waiting) then();
  }

  #failed(why: string): void {
    if (this.#failure === undefined) {
      this.#log.warn(
        `The journal ${this.directory} cannot be written: ${why}. Tasks go on, and their results are kept in memory; ` +
          "nothing new is taken until it can be written again. If the disk is full, free space on it.",
      );
    }
    this.#failure = why;
  }

  #recovered(): void {
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    this.#log.info(`The journal ${this.directory} can be written again.`);
  }
}
