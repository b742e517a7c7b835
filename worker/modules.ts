/**
 * The bundles that clients have shipped, on this machine's disk: fetched once,
 * named by their content, checked whenever they come from outside this process.
 */

import { randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { refOf } from "../proto/hash.js";

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
    const path = join(this.#directory, `${hash}.mjs`);
    if (await isIntact(path, hash)) return path;
    const bytes = await this.#fetch(hash);
    if (refOf([bytes]).hash !== hash) throw new Error(`Bundle ${hash} arrived damaged.`);
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await chmod(this.#directory, 0o700);
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

async function isIntact(path: string, hash: string): Promise<boolean> {
  try {
    return refOf([await readFile(path)]).hash === hash;
  } catch {
    return false;
  }
}
