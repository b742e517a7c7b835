/**
 * What an edge file says: which head is there, and where it listens. It holds no secret.
 *
 * A head writes it anew every few seconds (`beat`), so that readers who see it change know that the
 * head lives, whatever their clocks say.
 */

import { open } from "node:fs/promises";
import { ConfigError, messageOf } from "../errors.js";
import type { ProcessName } from "../process-name.js";

/** One head's entry. */
export interface EdgeRecord {
  /** Names one start of one head. */
  readonly id: string;
  /** How many heads the file has had; of two that both think it is theirs, the later one is right. */
  readonly generation: number;
  readonly beat: number;
  /** The best first; none while the head is starting. */
  readonly addresses: readonly string[];
  readonly process: ProcessName;
  /** For people. */
  readonly host: string;
  readonly version: string;
  /** The head's access directory; empty: it has none. */
  readonly access: string;
}

/** An entry as it was found. */
export interface FoundRecord extends EdgeRecord {
  /** Only this user can have written it. */
  readonly isOwn: boolean;
}

/** A head writes its entry so often. */
export const RENEW_MS = 2_000;
/** One that has not done so for so long, as a reader sees it, is dead. */
export const LEASE_MS = 15_000;

const FORMAT = 1;
const OTHERS_WRITE = 0o022;
const MAX_BYTES = 64 * 1024;
/** The file was replaced while it was being read, on a network file system. */
const REPLACED = new Set(["ESTALE", "EAGAIN"]);
const READS = 5;

/** An entry as a file's text. */
export function formatRecord(record: EdgeRecord): string {
  return `${JSON.stringify({ grainEdge: FORMAT, ...record }, undefined, 1)}\n`;
}

/**
 * Reads an edge file.
 *
 * @returns undefined when there is none
 * @throws ConfigError when it cannot be read, or is something else
 */
export async function readRecord(path: string): Promise<FoundRecord | undefined> {
  for (let reads = 1; ; reads += 1) {
    try {
      return await read(path);
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return undefined;
      if (REPLACED.has(code ?? "") && reads < READS) continue;
      throw new ConfigError(`The edge file ${path} cannot be read: ${messageOf(error)}.`, { cause: error });
    }
  }
}

async function read(path: string): Promise<FoundRecord> {
  const file = await open(path, "r");
  try {
    // Looked at and read through one handle: it is one file.
    const { mode, uid, size } = await file.stat();
    if (size > MAX_BYTES) throw notOne(path);
    const record = parse(await file.readFile("utf8"), path);
    return { ...record, isOwn: uid === (process.getuid?.() ?? uid) && (mode & OTHERS_WRITE) === 0 };
  } finally {
    await file.close();
  }
}

function parse(text: string, path: string): EdgeRecord {
  let read: Partial<EdgeRecord> & { readonly grainEdge?: unknown };
  try {
    read = JSON.parse(text);
  } catch {
    throw notOne(path);
  }
  if (typeof read !== "object" || read === null || typeof read.grainEdge !== "number") throw notOne(path);
  if (read.grainEdge !== FORMAT) {
    throw new ConfigError(
      `The edge file ${path} has format ${read.grainEdge}, and this is grain-scheduler for format ${FORMAT}: use one version on both sides.`,
    );
  }
  if (!isRecord(read)) throw notOne(path);
  return read;
}

function isRecord(read: Partial<EdgeRecord>): read is EdgeRecord {
  const { id, generation, beat, addresses, process: owner, host, version, access } = read;
  return (
    [id, host, version, access, owner?.machine, owner?.started].every((text) => typeof text === "string") &&
    [generation, beat, owner?.pid].every(Number.isSafeInteger) &&
    Array.isArray(addresses) &&
    addresses.every((address) => typeof address === "string")
  );
}

function notOne(path: string): ConfigError {
  return new ConfigError(
    `${path} is no edge file: a head writes it, and it holds nothing else; name another file, or remove it.`,
  );
}
