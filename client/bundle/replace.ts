/**
 * What is left out of bundles, and what stands in its place: this package itself
 * (an executor has its own), test frameworks (a test file may hold its delayed
 * functions), native add-ons (they cannot be sent).
 */

import { realpathSync } from "node:fs";
import { join } from "node:path";
import type { OnResolveArgs, OnResolveResult, Plugin, PluginBuild } from "esbuild";
import { packageRoot } from "../../proto/module/own-files.js";
import { nativeMessage } from "./native.js";

const NAME = "grain-scheduler";
const TEST_FRAMEWORKS = /^(?:vitest|node:test|@jest\/globals|mocha|bun:test)$/;
const NATIVE_LOADERS =
  /^(?:bindings|node-gyp-build|node-gyp-build-optional-packages|prebuild-install|node-pre-gyp|@mapbox\/node-pre-gyp)$/;

/** The executor's own copy. A class of errors, say, must be the same on both sides of a call. */
function ownSource(entry: string): string {
  const specifier = JSON.stringify(entry === "." ? NAME : `${NAME}/${entry.slice(2)}`);
  return `const own = globalThis[Symbol.for(${JSON.stringify(NAME)})]?.[${JSON.stringify(entry)}];
if (own === undefined) throw new Error(${specifier} + " is provided by Grain's workers: this bundle cannot be loaded outside of one.");
module.exports = own;`;
}

/** Any name can be imported from it, and is a function that does nothing and returns the like. */
const INERT_SOURCE = `const special = {
  then: undefined,
  __esModule: undefined,
  [Symbol.toPrimitive]: () => "",
  [Symbol.iterator]: () => [][Symbol.iterator](),
};
const inert = new Proxy(function () {}, {
  get: (target, key) => (key in special ? special[key] : key === "prototype" ? target.prototype : inert),
  set: () => true,
  apply: () => inert,
  construct: () => inert,
});
const names = new Proxy({}, { get: (_, key) => (key in special ? special[key] : inert), has: () => true });
module.exports = Object.setPrototypeOf(() => inert, names);`;

function replaceOwn(build: PluginBuild): void {
  build.onResolve({ filter: new RegExp(`^${NAME}(?:/worker|/head)?$`) }, ({ path }) => ({
    path: path === NAME ? "." : `.${path.slice(NAME.length)}`,
    namespace: "grain-own",
  }));
  build.onLoad({ filter: /.*/, namespace: "grain-own" }, ({ path }) => ({ contents: ownSource(path) }));
  // The same entries, reached by path: from our own tests and examples, or through an alias.
  const root = realpathSync(packageRoot()).replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  const entries = new RegExp(`^${root}[\\\\/](?:dist[\\\\/])?(client|worker|head)[\\\\/]index\\.[jt]s$`);
  build.onLoad({ filter: entries }, ({ path }) => {
    const folder = entries.exec(path)?.[1];
    return { contents: `export * from "${folder === "client" ? NAME : `${NAME}/${folder}`}";` };
  });
}

function replaceTestFrameworks(build: PluginBuild): void {
  build.onResolve({ filter: TEST_FRAMEWORKS }, ({ path }) => ({ path, namespace: "grain-inert" }));
  build.onLoad({ filter: /.*/, namespace: "grain-inert" }, () => ({ contents: INERT_SOURCE }));
}

/** Marks our own question to esbuild, so that it is not put to us again. */
const ASKED = Symbol("asked");

async function resolveAddon(build: PluginBuild, args: OnResolveArgs): Promise<OnResolveResult | undefined> {
  if (args.pluginData === ASKED) return undefined;
  const { importer, kind, namespace, resolveDir } = args;
  const found = await build.resolve(args.path, { importer, kind, namespace, resolveDir, pluginData: ASKED });
  const missing = found.errors.length > 0;
  if (missing && kind === "import-statement") return undefined;
  if (!missing && !found.path.endsWith(".node"))
    return { path: found.path, namespace: found.namespace, external: found.external, suffix: found.suffix };
  const message = nativeMessage(missing ? join(resolveDir, args.path) : found.path);
  if (kind === "import-statement") return { errors: [{ text: message }] };
  return {
    path: missing ? join(resolveDir, args.path) : found.path,
    namespace: "grain-native",
    pluginData: message,
  };
}

/** Thrown when required, not when bundled: packages that do without their add-on keep working. */
function replaceNativeAddons(build: PluginBuild): void {
  build.onResolve({ filter: /\.node$/ }, (args) => resolveAddon(build, args));
  build.onResolve({ filter: NATIVE_LOADERS }, ({ path, importer }) => ({
    path: `${importer} ${path}`,
    namespace: "grain-native",
    pluginData: nativeMessage(importer, path),
  }));
  build.onLoad({ filter: /.*/, namespace: "grain-native" }, ({ pluginData }) => ({
    contents: `throw Object.assign(new Error(${JSON.stringify(pluginData)}), { code: "MODULE_NOT_FOUND" });`,
  }));
}

/**
 * The replacements, as a plugin of esbuild.
 *
 * @example
 * await esbuild.build({ entryPoints, bundle: true, plugins: [replacePlugin()] });
 */
export function replacePlugin(): Plugin {
  return {
    name: "grain-replace",
    setup(build) {
      replaceOwn(build);
      replaceTestFrameworks(build);
      replaceNativeAddons(build);
    },
  };
}
