/** Lets this process load programs and modules of users as they are, TypeScript included. */

import { register } from "node:module";
import { pathToFileURL } from "node:url";

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
  register(new URL("./resolve-own.js", import.meta.url), { parentURL: import.meta.url });
}

/**
 * Loads one module of a user, and what it imports, as it is; what else this process loads stays as it was.
 *
 * @param path absolute
 * @returns its exports
 */
export async function importAlone(path: string): Promise<unknown> {
  const url = pathToFileURL(path).href;
  if (!/\.[cm]?tsx?$/.test(path)) return import(url);
  const { register: registerTsx } = await import("tsx/esm/api");
  const tsx = registerTsx({ namespace: "grain" });
  register(new URL("./resolve-own.js", import.meta.url), { parentURL: import.meta.url });
  return tsx.import(url, import.meta.url);
}
