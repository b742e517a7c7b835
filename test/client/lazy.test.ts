/** What a program pays for at its start. */

import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { ROOT } from "../kit/daemons.js";

/** Files and packages that are loaded with a module, and not later. */
async function loadedWith(entry: string): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [entry],
    absWorkingDir: ROOT,
    bundle: true,
    format: "esm",
    metafile: true,
    outdir: "unused",
    packages: "external",
    platform: "node",
    splitting: true,
    write: false,
  });
  const seen = new Set<string>();
  const follow = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const { path, kind } of metafile.inputs[file]?.imports ?? [])
      if (kind === "import-statement") follow(path);
  };
  follow(entry);
  return [...seen];
}

describe("a program without a configuration", () => {
  it.each(["client/index.ts", "client/program-session.ts", "client/config.ts"])(
    "%s reads none",
    async (entry) => {
      const loaded = await loadedWith(entry);
      expect(loaded.length).toBeGreaterThan(2);
      expect(loaded.filter((file) => /smol-toml|zod|proto\/config\/(?!file\.ts)/.test(file))).toEqual([]);
    },
  );

  it.each(["head/main.ts", "worker/main.ts"])("%s parses none", async (entry) => {
    const loaded = await loadedWith(entry);
    expect(loaded).toContain("proto/config/load.ts");
    expect(loaded.filter((file) => /smol-toml|zod/.test(file))).toEqual([]);
  });
});
