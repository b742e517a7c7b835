/**
 * What is to be written next. A record that came and went between two commits is never written,
 * and nothing is encoded before it is: so short tasks leave hardly a trace.
 */

/** One record. */
export class Entry {
  readonly key: string;
  /** Large values that it refers to: they must be durable before it is. */
  readonly blobs: readonly string[];
  /** It may be in the store. */
  stored = false;
  /** Gives its bytes as they are now; undefined once they are in the store and cannot change. */
  encode: (() => Uint8Array) | undefined;
  /** Its bytes never change. */
  readonly fixed: boolean;

  constructor(
    key: string,
    encode: () => Uint8Array,
    options: { blobs?: readonly string[]; fixed?: boolean } = {},
  ) {
    this.key = key;
    this.encode = encode;
    this.blobs = options.blobs ?? [];
    this.fixed = options.fixed ?? true;
  }
}

/** A record to write, or (undefined) to delete, by key. */
export type Batch = ReadonlyMap<string, Entry | undefined>;

/** The changes since the last batch was taken. */
export class Changes {
  #pending = new Map<string, Entry | undefined>();
  readonly #changed: () => void;

  /** @param changed told that there is something to write, when there was nothing */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get size(): number {
    return this.#pending.size;
  }

  put(entry: Entry): void {
    if (this.#pending.size === 0) this.#changed();
    // What is to be deleted is in the store until then, whoever takes its place.
    if (isStored(this.#pending, entry.key)) entry.stored = true;
    this.#pending.set(entry.key, entry);
  }

  remove(entry: Entry): void {
    entry.encode = undefined;
    if (!entry.stored) {
      this.#pending.delete(entry.key);
      return;
    }
    if (this.#pending.size === 0) this.#changed();
    this.#pending.set(entry.key, undefined);
  }

  /** Takes everything. It is written by the caller, or brought back. */
  take(): Batch {
    const batch = this.#pending;
    this.#pending = new Map();
    for (const entry of batch.values()) if (entry !== undefined) entry.stored = true;
    return batch;
  }

  /** A batch could not be written: it is due again, save where something newer is. */
  bringBack(batch: Batch): void {
    const newer = this.#pending;
    if (newer.size === 0 && batch.size > 0) this.#changed();
    for (const entry of newer.values())
      if (entry !== undefined && isStored(batch, entry.key)) entry.stored = true;
    this.#pending = new Map([...batch, ...newer]);
  }
}

/** Whether there may be a record in the store that this batch deletes or writes anew. */
function isStored(batch: Batch, key: string): boolean {
  return batch.has(key) && batch.get(key)?.stored !== false;
}

/** A batch is in the store: what cannot change need not be kept in memory for it any more. */
export function written(batch: Batch): void {
  for (const entry of batch.values()) if (entry?.fixed === true) entry.encode = undefined;
}
