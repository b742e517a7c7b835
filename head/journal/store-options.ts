/** How the journal's database is opened, by whoever reads it and by the thread that writes it. */

import { join } from "node:path";
import type { RootDatabaseOptionsWithPath } from "lmdb";

/** The database's directory inside the journal's. */
export const DATABASE = "records";

/**
 * A transaction is on the disk when it returns (no `noSync`, no `overlappingSync`: the thread that
 * waits for that is nobody else's). Nothing is cached: records are read once.
 */
export function storeOptions(directory: string): RootDatabaseOptionsWithPath {
  return {
    path: join(directory, DATABASE),
    encoding: "binary",
    overlappingSync: false,
    noSubdir: false,
    cache: false,
  };
}
