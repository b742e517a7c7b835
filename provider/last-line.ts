/** What a job's log says in the end. */

import { readFileSync } from "node:fs";

/** The last line of a file that says something; undefined: there is none. */
export function lastLine(file: string): string | undefined {
  return readLog(file)
    ?.split("\n")
    .filter((line) => line.trim() !== "")
    .at(-1);
}

/** A log's text; undefined: it cannot be read. */
export function readLog(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
