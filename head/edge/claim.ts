/**
 * One head for one edge file, however many start at once: who makes the file of the next turn
 * (`FILE.1`, `FILE.2`…) has the edge file. Links are made by one of those who try, on network file systems too.
 *
 * A head that died in its turn is followed by that of the turn after it. Should two heads ever
 * think that the file is theirs (somebody has deleted it), the later one keeps it: `renew` finds out.
 */

import { randomBytes } from "node:crypto";
import { link, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { type EdgeRecord, formatRecord, readRecord } from "../../proto/edge/record.js";
import { Watch } from "../../proto/edge/watch.js";
import { ConfigError, messageOf } from "../../proto/errors.js";

/** What was made of an attempt to have the file. */
export type Turn =
  /** It is this head's. `turn`: the file to be removed once the edge file is written. */
  | { readonly type: "ours"; readonly record: EdgeRecord; readonly turn: string }
  /** A head lives. */
  | { readonly type: "theirs"; readonly record: EdgeRecord }
  /** The signal has fired before that was clear. */
  | { readonly type: "stopped" };

const LOOK_MS = 100;
/** File systems that know no links. */
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/**
 * Waits until it is clear whose the file is.
 *
 * @param path the edge file
 * @param own what this head will say; its generation is found here
 * @param signal gives up
 * @throws ConfigError when the file is something else, or cannot be made
 */
export async function takeTurn(path: string, own: EdgeRecord, signal?: AbortSignal): Promise<Turn> {
  await mkdir(dirname(path), { recursive: true }).catch((error) => {
    throw cannotMake(path, error);
  });
  const watches = new Map<string, Watch>();
  for (;;) {
    const turn = await tryTurn(path, own, watches);
    if (turn !== undefined) return turn;
    if (signal?.aborted === true) return { type: "stopped" };
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** @returns undefined when it is too early to say */
async function tryTurn(
  path: string,
  own: EdgeRecord,
  watches: Map<string, Watch>,
): Promise<Turn | undefined> {
  const current = await readRecord(path);
  if (current !== undefined) {
    const verdict = look(watches, path, current);
    if (verdict === "alive") return { type: "theirs", record: current };
    if (verdict === "unknown") return undefined;
  }
  let generation = (current?.generation ?? 0) + 1;
  for (;;) {
    const record = { ...own, generation };
    const turn = `${path}.${generation}`;
    const other = await make(turn, record);
    if (other === "gone") return undefined;
    if (other === undefined) {
      // Its turn may have come and gone since the edge file was read.
      if ((await readRecord(path))?.id === current?.id) return { type: "ours", record, turn };
      await rm(turn, { force: true });
      return undefined;
    }
    const verdict = look(watches, turn, other);
    if (verdict === "alive" || verdict === "unknown") return undefined;
    generation = other.generation + 1;
  }
}

function look(watches: Map<string, Watch>, file: string, record: EdgeRecord) {
  let watch = watches.get(file);
  if (watch === undefined) {
    watch = new Watch();
    watches.set(file, watch);
  }
  return watch.see(record);
}

/** @returns undefined when it was made; otherwise whose it is, or that it has gone meanwhile */
async function make(turn: string, record: EdgeRecord): Promise<EdgeRecord | undefined | "gone"> {
  const scratch = `${turn}.${record.id}`;
  try {
    await writeFile(scratch, formatRecord(record), { flag: "wx" });
    await link(scratch, turn).catch((error: NodeJS.ErrnoException) => {
      if (!NO_LINKS.has(error.code ?? "")) throw error;
      return writeFile(turn, formatRecord(record), { flag: "wx" });
    });
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw cannotMake(turn, error);
    const other = await readRecord(turn);
    // The answer of a network file system may have been lost, and the link been made.
    return other?.id === record.id ? undefined : (other ?? "gone");
  } finally {
    await rm(scratch, { force: true });
  }
}

/** Puts an entry in the place of whatever is there: readers see one or the other. */
export async function writeRecord(path: string, record: EdgeRecord): Promise<void> {
  const scratch = `${path}.${record.id}`;
  try {
    await writeFile(scratch, formatRecord(record));
    await rename(scratch, path);
  } catch (error) {
    await rm(scratch, { force: true });
    throw error;
  }
}

/** Whether an entry is to give way to this head's. */
export function isBefore(other: EdgeRecord, own: EdgeRecord): boolean {
  if (other.generation !== own.generation) return other.generation < own.generation;
  return other.id < own.id;
}

/** Names one start of a head. */
export function newId(): string {
  return randomBytes(8).toString("hex");
}

function cannotMake(path: string, error: unknown): ConfigError {
  return new ConfigError(
    `The edge file ${path} cannot be made: ${messageOf(error)}; name another, in a directory that you can write.`,
    { cause: error },
  );
}
