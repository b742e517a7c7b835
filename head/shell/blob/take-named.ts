/** Values that come as files which a message names. */

import type { BlobAt } from "../../../proto/grain.js";
import { BlobError } from "./error.js";
import type { BlobStore } from "./store.js";

/**
 * Takes the files that a message names, and their names out of the message: they are nobody else's business.
 * What is no such file is left out: whoever needs the value finds that it is not here.
 *
 * @throws Error of the system when there was no room for one of them, neither in memory nor on disk
 */
export function takeNamed(store: Pick<BlobStore, "take">, blobs: readonly BlobAt[]): void {
  let problem: unknown;
  for (const blob of blobs) {
    const { ref, file } = blob;
    if (file === undefined) continue;
    blob.file = undefined;
    try {
      store.take(ref!, file);
    } catch (error) {
      if (!(error instanceof BlobError)) problem = error;
    }
  }
  if (problem !== undefined) throw problem;
}
