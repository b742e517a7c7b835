/** The files of large stored results, each under the name of its bytes. */

import { statSync } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { BlobRef } from "../../proto/grain.js";
import { isBlobName } from "../../proto/hash.js";

const VALUES = "values";
/** What is younger may be written by another program at this moment. */
const ORPHAN_MS = 60 * 60_000;

/** Large values in one directory. */
export class ResultFiles {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(cache: string): Promise<ResultFiles> {
    const directory = join(cache, VALUES);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return new ResultFiles(directory);
  }

  pathOf(hash: string): string {
    return join(this.#directory, hash);
  }

  /** Whether a value is there, as long as it should be. */
  has({ hash, byteLength }: BlobRef): boolean {
    try {
      return statSync(this.pathOf(hash)).size === byteLength;
    } catch {
      return false;
    }
  }

  /** Writes a value. Afterwards it is durable. */
  async write({ hash }: BlobRef, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const path = this.pathOf(hash);
    const partial = `${path}.${process.pid}.partial`;
    const file = await open(partial, "w", 0o600);
    try {
      for await (const chunk of chunks) await file.writeFile(chunk);
      await file.sync();
    } catch (error) {
      await file.close();
      await rm(partial, { force: true });
      throw error;
    }
    await file.close();
    await rename(partial, path);
    const directory = await open(this.#directory, "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }

  async remove(hash: string): Promise<void> {
    await rm(this.pathOf(hash), { force: true });
  }

  /** Removes what no entry refers to any more, and what was never written to its end. */
  async sweep(referred: ReadonlySet<string>, nowMs: number): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      if (isBlobName(name) && referred.has(name)) continue;
      const found = await stat(this.pathOf(name)).catch(() => undefined);
      if (found !== undefined && nowMs - found.mtimeMs > ORPHAN_MS) await this.remove(name);
    }
  }
}
