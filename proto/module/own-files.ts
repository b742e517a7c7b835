/** Where this package's own files are: what runs may be its sources or what was built of them, at other depths. */

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

let root: string | undefined;

/** The directory of this package. */
export function packageRoot(): string {
  if (root !== undefined) return root;
  let at = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(at, "package.json")) && at !== dirname(at)) at = dirname(at);
  root = at;
  return root;
}

/**
 * A file of the build, also when this module runs from its source: threads and processes cannot load TypeScript.
 *
 * @param path under `dist`, by its name in the sources with `.js`; it has to be an entry of the build
 * @returns its absolute path
 * @example
 * new Worker(builtFile("head/journal/commit-thread.js"));
 */
export function builtFile(path: string): string {
  return join(packageRoot(), "dist", path);
}
