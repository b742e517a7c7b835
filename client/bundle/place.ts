/**
 * Where a bundled file was, for the files that ask.
 *
 * In a bundle `import.meta.url` and `__dirname` mean the module that was bundled.
 * A file imported by it that reads its own neighbours needs its own place, as long
 * as the worker sees the same file system.
 */

import { readFile } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { pathToFileURL } from "node:url";
import type { Loader, Plugin } from "esbuild";

const META = /\bimport\.meta\.(url|filename|dirname)\b/g;
const COMMON = /\b__(filename|dirname)\b/;
const DECLARED = /\b(?:const|let|var|import)\b[^;=]*\b__(?:filename|dirname)\b/;

const LOADERS: Readonly<Record<string, Loader>> = {
  ".ts": "ts",
  ".mts": "ts",
  ".cts": "ts",
  ".tsx": "tsx",
  ".jsx": "jsx",
};

/**
 * Whether a source asks where it is.
 *
 * @example
 * needsPlace("readFileSync(__dirname + '/data')") // true
 */
export function needsPlace(source: string): boolean {
  return source.search(META) >= 0 || (COMMON.test(source) && !DECLARED.test(source));
}

/** The source with its own place written into it, line for line. */
function withPlace(source: string, path: string): string {
  const values = {
    url: JSON.stringify(pathToFileURL(path).href),
    filename: JSON.stringify(path),
    dirname: JSON.stringify(dirname(path)),
  };
  const replaced = source.replace(META, (_, key: keyof typeof values) => values[key]);
  if (replaced !== source || !COMMON.test(source)) return replaced;
  const shebang = /^#!.*/.exec(source)?.[0] ?? "";
  if (shebang !== "") return source;
  return `var __filename=${values.filename},__dirname=${values.dirname};${source}`;
}

/**
 * Writes their own place into these files.
 *
 * @param files absolute paths
 * @example
 * placePlugin(["/home/me/lib/table.ts"])
 */
export function placePlugin(files: readonly string[]): Plugin {
  const escaped = files.map((path) => path.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return {
    name: "grain-place",
    setup(build) {
      build.onLoad({ filter: new RegExp(`^(?:${escaped.join("|")})$`) }, async ({ path }) => ({
        contents: withPlace(await readFile(path, "utf8"), path),
        loader: LOADERS[extname(path)] ?? "js",
      }));
    },
  };
}
