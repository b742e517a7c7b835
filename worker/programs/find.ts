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
 * The directories where programs are looked for.
 *
 * @param path Default: this process's PATH
 */
export function searchPath(path: string | undefined): string[] {
  return (path ?? process.env.PATH ?? "/usr/bin:/bin").split(delimiter);
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
  for (const directory of searchPath(options?.path)) {
    const file = resolve(cwd, directory, name);
    if (isExecutable(file)) return file;
  }
  return undefined;
}
