/** Native add-ons cannot be sent: what is said when one is met. */

import { readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";

/** The package a file belongs to. */
interface Owner {
  readonly name: string;
  readonly directory: string;
}

function ownerOf(file: string): Owner | undefined {
  for (let directory = dirname(file); ; directory = dirname(directory)) {
    try {
      const { name } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as {
        name?: unknown;
      };
      if (typeof name === "string") return { name, directory };
    } catch {
      // No package.json here, or not one of a package: look further up.
    }
    if (directory === dirname(directory)) return undefined;
  }
}

/**
 * Says that an add-on cannot be sent, which one, and what to do.
 *
 * @param file the add-on, or the file that loads it
 * @param loader the package it is loaded with, if any
 * @example
 * nativeMessage("/p/node_modules/lmdb/build/lmdb.node") // The native add-on build/lmdb.node of the package "lmdb" …
 */
export function nativeMessage(file: string, loader?: string): string {
  const owner = ownerOf(file);
  const name = owner?.name ?? basename(dirname(file));
  const path = relative(owner?.directory ?? dirname(file), file);
  const what =
    loader === undefined
      ? `The native add-on ${path} of the package "${name}" cannot be sent to workers.`
      : `The package "${name}" loads a native add-on (with "${loader}", in ${path}), which cannot be sent to workers.`;
  return `${what} Install "${name}" on the workers and start them with "grain-worker --import MODULE", naming that module with delayed's option "module", or keep "${name}" out of the module that defines the task.`;
}
