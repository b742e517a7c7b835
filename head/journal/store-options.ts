/** How the journal's database is opened, by whoever reads it and by the thread that writes it. */

import { join } from "node:path";
import type { RootDatabaseOptionsWithPath } from "lmdb";

/** The database's directory inside the journal's. */
export const DATABASE = "records";

/** A database of a journal. */
export interface Place {
  /** The journal's. */
  readonly directory: string;
  /** The database's inside it. */
  readonly database: string;
}

/**
 * A transaction is on the disk when it returns (no `noSync`, no `overlappingSync`: the thread that
 * waits for that is nobody else's). Nothing is cached: records are read once.
 */
export function storeOptions({ directory, database }: Place): RootDatabaseOptionsWithPath {
  return {
    path: join(directory, database),
    encoding: "binary",
    overlappingSync: false,
    noSubdir: false,
    cache: false,
  };
}
