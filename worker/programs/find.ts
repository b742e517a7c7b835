/** Where a program is: what a shell finds along PATH. */

import { accessSync, constants, statSync } from "node:fs";
import { delimiter, resolve } from "node:path";

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/**
 * Looks a program up.
 *
 * @param name a name, or a path (with a "/")
 * @param options `cwd` what a path is relative to, `path` the directories; default: this process's
 * @returns its file; undefined when there is none that can be executed
 * @example
 * findProgram("sh", undefined) // "/usr/bin/sh"
 */
export function findProgram(
  name: string,
  options: { readonly cwd?: string; readonly path?: string | undefined } | undefined,
): string | undefined {
  const cwd = options?.cwd ?? process.cwd();
  if (name.includes("/")) return isExecutable(resolve(cwd, name)) ? resolve(cwd, name) : undefined;
  const path = options?.path ?? process.env.PATH ?? "/usr/bin:/bin";
  for (const directory of path.split(delimiter)) {
    const file = resolve(cwd, directory, name);
    if (isExecutable(file)) return file;
  }
  return undefined;
}
