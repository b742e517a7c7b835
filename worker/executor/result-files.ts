/** Large results of one executor: written to files, which the agent brings to the head and removes. */

import { join } from "node:path";
import { newValueKey } from "../../proto/hash.js";
import { fileNameOf } from "../../proto/share/directory.js";
import { isElsewherePossible, writeAndName } from "../../proto/share/value-file.js";
import type { FinishedLarge, Setup } from "./message.js";

/** What the agent is told of a result's file. */
export type WrittenResult = Pick<FinishedLarge, "hash" | "byteLength" | "file" | "fallback">;

/** Writes results. */
export class ResultFiles {
  readonly #setup: Setup;
  constructor(setup: Setup) {
    this.#setup = setup;
  }

  /** @throws Error when there is no room for it anywhere */
  write(parts: readonly Uint8Array[]): WrittenResult {
    const { executor, directory, fallback } = this.#setup;
    const file = fileNameOf(executor);
    // A key of its own: the head drops a result when its client has it, so no two may share a name.
    const key = newValueKey();
    try {
      return { ...writeAndName(join(directory, file), key, parts), file, fallback: false };
    } catch (error) {
      if (!isElsewherePossible(error)) throw error;
    }
    return { ...writeAndName(join(fallback, file), key, parts), file, fallback: true };
  }
}
