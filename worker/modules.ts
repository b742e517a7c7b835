/**
 * The bundles that clients have shipped, on this machine's disk: fetched once,
 * named by their content, checked whenever they come from outside this process.
 */

import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { chmod, lstat, mkdir, open, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { isHash, refOf } from "../proto/hash.js";

/** Where bundles come from. */
export type FetchBundle = (hash: string) => Promise<Uint8Array>;

/**
 * The directory for bundles of this user: `$XDG_CACHE_HOME/grain/bundles`, by
 * default `~/.cache/grain/bundles`.
 */
export function defaultCacheDir(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "grain", "bundles");
}

/** Bundles on disk. Several processes may share the directory. */
export class BundleCache {
  readonly #directory: string;
  readonly #fetch: FetchBundle;
  readonly #paths = new Map<string, Promise<string>>();

  /**
   * @param directory made when first needed, readable for this user only
   * @param fetch gets a bundle that is not there
   */
  constructor(directory: string, fetch: FetchBundle) {
    this.#directory = directory;
    this.#fetch = fetch;
  }

  /**
   * The path of a bundle's file, fetching it first if need be.
   *
   * @param hash "sha256-…", see `isHash`
   * @throws Error when it cannot be fetched or written; the next call tries again
   */
  path(hash: string): Promise<string> {
    let path = this.#paths.get(hash);
    if (path === undefined) {
      path = this.#provide(hash);
      this.#paths.set(hash, path);
      path.catch(() => this.#paths.delete(hash));
    }
    return path;
  }

  async #provide(hash: string): Promise<string> {
    if (!isHash(hash)) throw new Error(`"${hash}" does not name a bundle.`);
    // Before anything in it is believed: what others can write, they can change after it was looked at.
    await claimDirectory(this.#directory);
    const path = join(this.#directory, `${hash}.mjs`);
    if (await isIntact(path, hash)) return path;
    const bytes = await this.#fetch(hash);
    if (refOf([bytes]).hash !== hash) throw new Error(`Bundle ${hash} arrived damaged.`);
    const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
    try {
      await writeFile(temporary, bytes, { mode: 0o600 });
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    return path;
  }
}

/** Makes the directory this user's, and nobody else's; nor can another have put it, or what it is in, there. */
async function claimDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const path of [directory, dirname(directory)]) {
    // A link belongs to who has made it, and may lead elsewhere tomorrow.
    for (const { uid } of [await lstat(path), await stat(path)]) {
      const self = process.getuid?.() ?? uid;
      if (uid === self || (path !== directory && uid === 0)) continue;
      throw new Error(
        `The cache of bundles ${directory} is not safe: ${path} belongs to another user, who could change the code in it; ` +
          "set XDG_CACHE_HOME to a directory of your own.",
      );
    }
  }
  const { mode } = await stat(directory);
  if ((mode & 0o077) !== 0) await chmod(directory, 0o700);
}

/** A file of the directory itself: what a link leads to may change later. */
async function isIntact(path: string, hash: string): Promise<boolean> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      return refOf([await file.readFile()]).hash === hash;
    } finally {
      await file.close();
    }
  } catch {
    return false;
  }
}
