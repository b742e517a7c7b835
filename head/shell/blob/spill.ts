/** Files for values that do not fit in memory, in a private directory that is made when first needed. */

import { close, constants, copyFileSync, openSync, read, unlinkSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { makePrivate, sweep } from "../../../proto/share/directory.js";
import type { OpenFile } from "./content.js";

const readAsync = promisify(read);
const closeAsync = promisify(close);

/** Files of one store. */
export class Spill {
  readonly #parent: string;
  #directory: string | undefined;
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
    this.#directory ??= this.#make();
    this.#files += 1;
    const name = String(this.#files);
    const path = join(this.#directory, name);
    const handle = await open(path, "wx+", 0o600);
    await rm(path);
    return handle;
  }

  /** Copies a file to where it does not take memory, at once; for what is copied in a moment. */
  copy(path: string): OpenFile {
    this.#directory ??= this.#make();
    this.#files += 1;
    const own = join(this.#directory, String(this.#files));
    copyFileSync(path, own, constants.COPYFILE_EXCL);
    const fd = openSync(own, "r");
    unlinkSync(own);
    return {
      read: (into, offset, length, position) => readAsync(fd, into, offset, length, position),
      close: () => closeAsync(fd),
    };
  }

  /** Removes the directory. */
  async close(): Promise<void> {
    if (this.#directory === undefined) return;
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** Those of heads that were killed are removed, too. */
  #make(): string {
    sweep(this.#parent, ["head"]);
    return makePrivate(this.#parent, "head");
  }
}
