/**
 * The source map of a bundle: it names the user's files where they are, because
 * workers load the bundle from a directory of their own.
 */

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

interface SourceMap {
  sources: string[];
  sourceRoot?: string;
  mappings: string;
}

/**
 * Makes the comment that carries a source map.
 *
 * Contents of the sources are not included: stacks need places only, and the map is sent with the code.
 *
 * @param json the map as esbuild wrote it
 * @param directory what its sources are relative to
 * @param addedLines lines put before the code that the map describes
 * @example
 * code + inlineSourceMap(mapText, "/home/me", 1)
 */
export function inlineSourceMap(json: string, directory: string, addedLines: number): string {
  if (json === "") return "";
  const map = JSON.parse(json) as SourceMap;
  map.sources = map.sources.map((source) =>
    /^[a-z][\w-]+:/i.test(source) ? source : pathToFileURL(resolve(directory, source)).href,
  );
  map.mappings = ";".repeat(addedLines) + map.mappings;
  const encoded = Buffer.from(JSON.stringify(map)).toString("base64");
  return `//# sourceMappingURL=data:application/json;base64,${encoded}\n`;
}
