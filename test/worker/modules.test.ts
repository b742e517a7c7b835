/** Code that clients have shipped, on the worker's disk: only what the head has named, from nobody else. */

import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Spec } from "../../proto/grain.js";
import { refOf } from "../../proto/hash.js";
import type { BlobTransport } from "../../proto/link/link.js";
import { Supply } from "../../worker/agent/supply.js";
import { BundleCache, defaultCacheDir } from "../../worker/modules.js";
import { specOf } from "../kit/peers.js";

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

describe("what is named", () => {
  const blobs = { get: () => Promise.reject(new Error("was asked for")) } as unknown as BlobTransport;
  const moduleOf = (module: string) =>
    new Supply(blobs, directory, ["test/worker/fixtures/tasks.mjs"]).moduleOf(specOf(1, { module }) as Spec);

  it.each([
    "/etc/passwd",
    "../../evil.mjs",
    `sha256-${"0".repeat(58)}/../x`,
    `sha256-/${"0".repeat(63)}`,
    `${hash}.mjs`,
    `${hash}\n`,
    hash.toUpperCase(),
    "file:///tmp/evil.mjs",
    "data:text/javascript,0",
    "test/worker/fixtures/../fixtures/tasks.mjs",
    "__proto__",
    "",
  ])("%j is no module of a worker", async (name) => {
    expect(moduleOf(name)).toMatchObject({ type: "unknown", message: expect.stringContaining("--import") });
    await expect(new BundleCache(directory, async () => bundle).path(name)).rejects.toThrow(
      "does not name a bundle",
    );
    expect(existsSync(directory)).toBe(false);
  });

  it("with --import is that file, and nothing else of its directory", () => {
    expect(moduleOf("tasks.mjs")).toMatchObject({ type: "here", path: expect.stringMatching(/tasks\.mjs$/) });
    expect(moduleOf("main.mjs")).toMatchObject({ type: "unknown" });
  });
});

describe("a cache that others have a hand in", () => {
  const isRoot = process.getuid?.() === 0;
  const STRANGER = 65_534;

  it("is closed to them", async () => {
    mkdirSync(directory);
    chmodSync(directory, 0o777);
    await new BundleCache(directory, async () => bundle).path(hash);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  it("a link in the place of a bundle is replaced, not followed: what it leads to may change", async () => {
    mkdirSync(directory, { mode: 0o700 });
    const outside = join(directory, "../outside.mjs");
    writeFileSync(outside, bundle);
    symlinkSync(outside, join(directory, `${hash}.mjs`));
    let fetched = 0;
    const path = await new BundleCache(directory, async () => {
      fetched += 1;
      return bundle;
    }).path(hash);
    expect(fetched).toBe(1);
    expect(lstatSync(path).isFile()).toBe(true);
    expect(await readFile(path)).toEqual(bundle);
    expect(await readFile(outside)).toEqual(bundle);
  });

  it.runIf(isRoot).each([
    ["belongs to another user", () => chownSync(directory, STRANGER, STRANGER)],
    ["is in another user's directory", () => chownSync(join(directory, ".."), STRANGER, STRANGER)],
    [
      "is another user's link to a directory of ours",
      () => {
        const ours = join(directory, "../ours");
        mkdirSync(ours);
        rmSync(directory, { recursive: true });
        symlinkSync(ours, directory);
        lchownSync(directory, STRANGER, STRANGER);
      },
    ],
  ])("is refused when it %s, before anything is read or fetched", async (_, spoil) => {
    mkdirSync(directory, { mode: 0o700 });
    writeFileSync(join(directory, `${hash}.mjs`), bundle);
    spoil();
    const cache = new BundleCache(directory, () => Promise.reject(new Error("was asked for")));
    await expect(cache.path(hash)).rejects.toThrow(/is not safe: .* belongs to another user.*XDG_CACHE_HOME/);
  });
});
