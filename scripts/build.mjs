// Builds the package into dist/: types by the compiler, code as few files, since each file that a daemon loads
// delays its start. --clean: from nothing.
import { execFileSync } from "node:child_process";
import { chmodSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { root } from "./prepare.mjs";

/**
 * What is imported, started as a process or a thread, or registered as a hook by its name. Those of one group share
 * their files, so that there is one of each class and each state; what a daemon shares with nobody it has alone,
 * in fewer files.
 */
const GROUPS = [
  ["client/index.ts", "worker/index.ts", "head/index.ts", "worker/executor/main.ts", "bin/grain.ts"],
  ["bin/grain-head.ts"],
  ["bin/grain-worker.ts"],
  ["worker/keeper/main.ts"],
  ["head/journal/commit-thread.ts"],
  ["proto/module/resolve-own.ts"],
];

const dist = join(root, "dist");
if (process.argv.includes("--clean")) rmSync(dist, { recursive: true, force: true });
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
const results = await Promise.all(
  GROUPS.map((entryPoints) =>
    build({
      absWorkingDir: root,
      entryPoints,
      outdir: dist,
      outbase: root,
      bundle: true,
      splitting: true,
      chunkNames: "chunk/[name]-[hash]",
      packages: "external",
      format: "esm",
      platform: "node",
      target: "node20",
      sourcemap: "linked",
      metafile: true,
      logLevel: "warning",
    }),
  ),
);
const written = new Set(
  results.flatMap(({ metafile }) => Object.keys(metafile.outputs)).map((path) => basename(path)),
);
for (const name of readdirSync(join(dist, "chunk")))
  if (!written.has(name)) rmSync(join(dist, "chunk", name));
for (const name of ["grain", "grain-head", "grain-worker"]) chmodSync(join(dist, "bin", `${name}.js`), 0o755);
