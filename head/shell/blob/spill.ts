/** Files for values that do not fit in memory, in a private directory that is made when first needed. */

import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Files of one store. */
export class Spill {
  readonly #parent: string;
  #directory: Promise<string> | undefined;
  #files = 0;

  /** @param parent where the directory is made. Default: the system's directory for temporary files. */
  constructor(parent: string = tmpdir()) {
    this.#parent = parent;
  }

  /**
   * Makes an empty file. It has no name any more when this resolves: the system
   * frees it when it is closed, or when this process ends in whatever way.
   */
  async create(): Promise<FileHandle> {
    // mkdtemp gives mode 0700.
    this.#directory ??= mkdtemp(join(this.#parent, "grain-head-"));
    this.#files += 1;
    const name = String(this.#files);
    const path = join(await this.#directory, name);
    const handle = await open(path, "wx+", 0o600);
    await rm(path);
    return handle;
  }

  /** Removes the directory. */
  async close(): Promise<void> {
    if (this.#directory === undefined) return;
    await rm(await this.#directory, { recursive: true, force: true });
  }
}
