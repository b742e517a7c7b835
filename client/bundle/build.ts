/**
 * One build with esbuild: from a module's file to the text that workers load.
 *
 * Its job is the options, what the text needs around it, and esbuild's errors in
 * our words. What is left out of a bundle is replace.ts; keeping results is bundle.ts.
 */

import { readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { BuildFailure, BuildOptions, BuildResult, Message, Plugin } from "esbuild";
import { GrainError } from "../../proto/errors.js";
import { needsPlace, placePlugin } from "./place.js";
import { replacePlugin } from "./replace.js";
import { inlineSourceMap } from "./source-map.js";

/** What a build made. */
export interface Built {
  readonly text: string;
  /** Absolute paths of the files it was made of. */
  readonly sources: readonly string[];
}

/** Names by which the text knows where the module was; see `prelude`. */
const PLACES = {
  "import.meta.url": "__grain_url",
  "import.meta.filename": "__grain_filename",
  "import.meta.dirname": "__grain_dirname",
  __filename: "__grain_filename",
  __dirname: "__grain_dirname",
};

let esbuild: typeof import("esbuild") | undefined;

/** Ends esbuild's process, if one was started. */
export async function stopService(): Promise<void> {
  await esbuild?.stop();
}

function options(file: string, plugins: Plugin[]) {
  const directory = dirname(file);
  return {
    entryPoints: [file],
    // Only a base for names in the result: the text must not depend on the program's own directory.
    absWorkingDir: directory,
    outfile: join(directory, "bundle.mjs"),
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "node",
    target: "node20",
    keepNames: true,
    charset: "utf8",
    legalComments: "none",
    sourcemap: "external",
    sourcesContent: false,
    logLevel: "silent",
    define: PLACES,
    plugins,
  } satisfies BuildOptions;
}

type Result = BuildResult<ReturnType<typeof options>>;

/** Files on disk that a build read. */
function sourcesOf(result: Result, directory: string): string[] {
  return Object.keys(result.metafile.inputs)
    .filter((name) => !/^grain-[a-z]+:/.test(name))
    .map((name) => resolve(directory, name));
}

function outputOf(result: Result, suffix: string): string {
  return result.outputFiles.find(({ path }) => path.endsWith(suffix))?.text ?? "";
}

/** One line before the text: what CommonJS dependencies and `import.meta` rely on, as if the text were where the module is. */
function prelude(file: string, code: string): string {
  const url = JSON.stringify(pathToFileURL(file).href);
  const values = [
    ["__grain_url", url],
    ["__grain_filename", JSON.stringify(file)],
    ["__grain_dirname", JSON.stringify(dirname(file))],
  ] as const;
  let line = "";
  // esbuild renames a `require` that the module declares itself, but only where its own `__require` is present.
  if (code.includes("var __require = "))
    line += `import{createRequire as __grain_createRequire}from"node:module";const require=__grain_createRequire(${url});`;
  for (const [name, value] of values) if (code.includes(name)) line += `const ${name}=${value};`;
  return line;
}

/** The text that is sent: prelude, code, and where each line came from. */
function assemble(file: string, result: Result): string {
  const code = outputOf(result, ".mjs");
  const line = prelude(file, code);
  const shebang = /^#!.*\n/.exec(code)?.[0] ?? "";
  const lines = line === "" ? code : `${shebang}${line}\n${code.slice(shebang.length)}`;
  return lines + inlineSourceMap(outputOf(result, ".map"), dirname(file), line === "" ? 0 : 1);
}

function advice(text: string): string {
  const unresolved = /^Could not resolve "([^"]+)"/.exec(text)?.[1];
  if (unresolved === undefined) return "Correct it and run the program again.";
  if (/^[./]/.test(unresolved)) return "Correct the path, or create the file.";
  const name = /^(@[^/]+\/)?[^/]+/.exec(unresolved)?.[0] ?? unresolved;
  return `Install it (npm install ${name}), or keep it out of the module that defines the task.`;
}

function describe(message: Message, directory: string): string {
  const { location, text } = message;
  if (location === null) return text;
  return `${resolve(directory, location.file)}:${location.line}:${location.column + 1}: ${text}`;
}

function buildError(file: string, cause: unknown): GrainError {
  const [first, ...rest] = (cause as Partial<BuildFailure>).errors ?? [];
  if (first === undefined)
    return new GrainError(
      `The module ${file} cannot be bundled for workers: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  const place = describe(first, dirname(file)).replace(/\.$/, "");
  const more = rest.length === 0 ? "" : ` (and ${rest.length} more)`;
  // Texts of our own plugins say themselves what to do.
  const what = first.pluginName === "" ? ` ${advice(first.text)}` : "";
  return new GrainError(`The module ${file} cannot be bundled for workers: ${place}${more}.${what}`, {
    cause,
  });
}

async function withPlaces(sources: readonly string[], file: string): Promise<string[]> {
  const found = await Promise.all(
    sources.map(async (path) => path !== file && needsPlace(await readFile(path, "utf8"))),
  );
  return sources.filter((_, index) => found[index]);
}

/**
 * Builds a module.
 *
 * @param file its absolute path
 * @throws GrainError when it does not exist or esbuild refuses it
 * @example
 * const { text } = await build("/home/me/tasks.ts");
 */
export async function build(file: string): Promise<Built> {
  const isFile = await stat(file).then(
    (entry) => entry.isFile(),
    () => false,
  );
  if (!isFile)
    throw new GrainError(
      `The module ${file} cannot be bundled for workers: there is no such file. Name the file that defines the task with delayed's option "module".`,
    );
  esbuild ??= await import("esbuild");
  try {
    let result = await esbuild.build(options(file, [replacePlugin()]));
    const sources = sourcesOf(result, dirname(file));
    if (sources.length > 1 && outputOf(result, ".mjs").includes("__grain_")) {
      const placed = await withPlaces(sources, file);
      if (placed.length > 0)
        result = await esbuild.build(options(file, [replacePlugin(), placePlugin(placed)]));
    }
    return { text: assemble(file, result), sources };
  } catch (error) {
    throw buildError(file, error);
  }
}
