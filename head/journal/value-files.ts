/**
 * The files of large values that records refer to, by hash, beside the records. A value is written when
 * the first record that refers to it is, so what comes and goes with a short task never is.
 */

import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isBlobName } from "../../proto/hash.js";

const VALUES = "values";

/** Where values come from. */
export interface ValueSource {
  has(hash: string): boolean;
  read(hash: string): { readonly byteLength: number; chunks(): AsyncIterable<Uint8Array> };
}

/** A value that an earlier life of the head has kept. */
export interface KeptValue {
  readonly hash: string;
  readonly byteLength: number;
  readonly path: string;
}

/** The files of one journal. */
export class ValueFiles {
  readonly kept: readonly KeptValue[];
  readonly #directory: string;
  readonly #here: Set<string>;
  #unneeded = new Set<string>();

  private constructor(directory: string, kept: readonly KeptValue[]) {
    this.#directory = directory;
    this.kept = kept;
    this.#here = new Set(kept.map(({ hash }) => hash));
  }

  /** Finds the values of a journal; what was not written to its end is removed. */
  static async open(journal: string): Promise<ValueFiles> {
    const directory = join(journal, VALUES);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const kept: KeptValue[] = [];
    for (const name of await readdir(directory)) {
      const path = join(directory, name);
      if (isBlobName(name)) kept.push({ hash: name, byteLength: (await stat(path)).size, path });
      else await rm(path, { force: true });
    }
    return new ValueFiles(directory, kept);
  }

  /** Writes those of these values that are no files yet. Afterwards they are durable. */
  async write(hashes: Iterable<string>, source: ValueSource): Promise<void> {
    let any = false;
    for (const hash of hashes) {
      this.#unneeded.delete(hash);
      // What never came cannot be kept: the tasks that need it fail.
      if (this.#here.has(hash) || !source.has(hash)) continue;
      if (!(await this.#write(hash, source))) continue;
      this.#here.add(hash);
      any = true;
    }
    if (any) await syncDirectory(this.#directory);
  }

  /** No record refers to it any more, once those have been written that are due now. */
  dropped(hash: string): void {
    if (this.#here.has(hash)) this.#unneeded.add(hash);
  }

  /** Removes what no record refers to. Call when everything that was due at this time has been written. */
  async tidy(): Promise<void> {
    const unneeded = this.#unneeded;
    this.#unneeded = new Set();
    for (const hash of unneeded) {
      this.#here.delete(hash);
      await rm(join(this.#directory, hash), { force: true });
    }
  }

  /** @returns false when it was not needed any more, and so dropped, before it was written: a record will say so, too */
  async #write(hash: string, source: ValueSource): Promise<boolean> {
    const path = join(this.#directory, hash);
    const partial = `${path}.partial`;
    const file = await open(partial, "w", 0o600);
    try {
      for await (const chunk of source.read(hash).chunks()) await file.writeFile(chunk);
      await file.sync();
    } catch (error) {
      await file.close();
      await rm(partial, { force: true });
      if (!source.has(hash)) return false;
      throw error;
    }
    await file.close();
    await rename(partial, path);
    return true;
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
