/**
 * Module hook, asked before tsx's. A program that imports this package
 * gets the one that runs it, unless its project has its own, so a global installation is enough. And a
 * program written as a module is one, also where no package.json says so: it may `await run(main)`.
 * That it does also where `npm init` has said the contrary: as CommonJS it could not be loaded at all.
 */

import { readFileSync } from "node:fs";
import type { ResolveFnOutput, ResolveHook } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const OWN = /^grain-scheduler(\/|$)/;
const MODULE_SYNTAX = /^\s*(?:import|export)\b/m;
const COMMONJS_SYNTAX =
  /\bmodule\.exports\b|^\s*exports\.\w+\s*=|\brequire\s*\(|\b__dirname\b|\b__filename\b|^\s*export\s*=/m;

/** What the nearest package.json says that its files are. */
function packageType(file: string): unknown {
  for (let directory = dirname(file); ; directory = dirname(directory)) {
    try {
      return (JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as { type?: unknown }).type;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") return undefined;
    }
    if (directory === dirname(directory)) return undefined;
  }
}

/** Whether it waits outside of functions: CommonJS cannot. */
async function awaitsOnTop(file: string, source: string): Promise<boolean> {
  if (!/\bawait\b/.test(source)) return false;
  const { transform } = await import("esbuild");
  const loader = /\.([jt]sx?)$/.exec(file)?.[1] as "js" | "jsx" | "ts" | "tsx";
  try {
    await transform(source, { loader, format: "cjs", logLevel: "silent" });
    return false;
  } catch (error) {
    return /top-level await/i.test(String(error));
  }
}

/** Whether a file that counts as CommonJS is a module all the same. */
async function isModule(place: string): Promise<boolean> {
  if (!/^file:.*\.[jt]sx?$/.test(place) || place.includes("/node_modules/")) return false;
  const file = fileURLToPath(place);
  const type = packageType(file);
  if (type === "module") return false;
  const source = readFileSync(file, "utf8");
  if (!MODULE_SYNTAX.test(source) || COMMONJS_SYNTAX.test(source)) return false;
  return type === undefined || awaitsOnTop(file, source);
}

async function resolveOwn(
  ...[specifier, context, nextResolve]: Parameters<ResolveHook>
): Promise<ResolveFnOutput> {
  if (!OWN.test(specifier)) return nextResolve(specifier, context);
  try {
    return await nextResolve(specifier, context);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    return nextResolve(specifier, { ...context, parentURL: import.meta.url });
  }
}

/**
 * The hook.
 *
 * @example
 * register(new URL("./resolve-own.js", import.meta.url));
 */
export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  const resolved = await resolveOwn(specifier, context, nextResolve);
  if (resolved.format === "module") return resolved;
  // tsx marks what it takes for CommonJS in the name, too.
  const url = resolved.url.replace(/%3Ftsx-.*$/, "");
  return (await isModule(url.replace(/[?#].*$/, ""))) ? { ...resolved, url, format: "module" } : resolved;
};
