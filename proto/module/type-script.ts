/** Lets this process load programs and modules of users as they are, TypeScript included. */

import { register } from "node:module";
import { pathToFileURL } from "node:url";
import { builtFile } from "./own-files.js";

/**
 * From here on `import` and `require` take TypeScript, and find this package from wherever they are.
 *
 * @example
 * await readTypeScript();
 * await import("/home/me/sweep.ts");
 */
export async function readTypeScript(): Promise<void> {
  const [esm, cjs] = await Promise.all([import("tsx/esm/api"), import("tsx/cjs/api")]);
  cjs.register();
  esm.register();
  // After tsx's, so that it is asked first.
  register(pathToFileURL(builtFile("proto/module/resolve-own.js")));
}

let reading: Promise<void> | undefined;

/**
 * Loads a module of a user, and what it imports, as it is.
 *
 * @param path absolute
 * @returns its exports
 */
export async function importModule(path: string): Promise<unknown> {
  reading ??= readTypeScript();
  await reading;
  return import(pathToFileURL(path).href);
}
