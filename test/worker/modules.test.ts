import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { refOf } from "../../proto/hash.js";
import { BundleCache, defaultCacheDir } from "../../worker/modules.js";

const bundle = Buffer.from("export {};\n");
const { hash } = refOf([bundle]);
let directory: string;

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), "grain-modules-test-")), "bundles");
});
afterEach(() => rmSync(join(directory, ".."), { recursive: true }));

describe("the bundle cache", () => {
  it("fetches a bundle once, for this user only", async () => {
    let fetched = 0;
    const cache = new BundleCache(directory, async () => {
      fetched += 1;
      return bundle;
    });
    const [a, b] = await Promise.all([cache.path(hash), cache.path(hash)]);
    expect(a).toBe(b);
    expect(await readFile(a)).toEqual(bundle);
    expect(fetched).toBe(1);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(readdirSync(directory)).toEqual([`${hash}.mjs`]);
    expect(await new BundleCache(directory, () => Promise.reject(new Error("not again"))).path(hash)).toBe(a);
  });

  it("fetches again what is damaged, on disk or on its way", async () => {
    const damaged = new BundleCache(directory, async () => Buffer.from("something else"));
    await expect(damaged.path(hash)).rejects.toThrow("damaged");
    const path = await new BundleCache(directory, async () => bundle).path(hash);
    writeFileSync(path, "export");
    await new BundleCache(directory, async () => bundle).path(hash);
    expect(await readFile(path)).toEqual(bundle);
  });

  it("tries again after a failure", async () => {
    let tries = 0;
    const cache = new BundleCache(directory, async () => {
      tries += 1;
      if (tries === 1) throw new Error("no route");
      return bundle;
    });
    await expect(cache.path(hash)).rejects.toThrow("no route");
    await cache.path(hash);
  });

  it("is where the user's caches are", () => {
    expect(defaultCacheDir({ XDG_CACHE_HOME: "/cache" })).toBe("/cache/grain/bundles");
    expect(defaultCacheDir({})).toMatch(/\/\.cache\/grain\/bundles$/);
  });
});
