/**
 * The journal's directory: who has it, which format it is of, every record that it holds; and a thread
 * that writes further ones.
 */

import { existsSync } from "node:fs";
import { mkdir, open as openFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { ConfigError, messageOf } from "../../proto/errors.js";
import { VERSION } from "../../proto/version.js";
import { type Batch, Entry } from "./changes.js";
import { pack, unpack } from "./codec.js";
import type { Committed } from "./commit-thread.js";
import { claim } from "./lock.js";
import { packetOf } from "./packet.js";
import { FORMAT, unsealed } from "./record.js";
import type { StoredRecord } from "./recover.js";
import { DATABASE, storeOptions } from "./store-options.js";

const FORMAT_KEY = "format";

interface FormatRecord {
  readonly format: number;
  /** The version of the package that began the journal. */
  readonly version: string;
}

/** An open journal on a disk. */
export interface Store {
  /** What was in it when it was opened, in the order of keys, without the record of the format. */
  readonly records: readonly StoredRecord[];
  /** Writes a batch. Resolves when it is durable; rejects, and has written nothing, when it cannot be. */
  commit(batch: Batch): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a journal, or begins one.
 *
 * @throws ConfigError when another head has it, or it is of another format, or damaged as a whole
 */
export async function openStore(directory: string): Promise<Store> {
  await makeDirectory(directory);
  const release = await claim(directory);
  try {
    await refuseShort(directory);
    const records = await readRecords(directory);
    const writer = new Writer(directory);
    try {
      if (records.length === 0) await writer.commit(begun());
    } catch (error) {
      await writer.close();
      throw error;
    }
    return {
      records: records.filter(([key]) => key !== FORMAT_KEY),
      commit: (batch) => writer.commit(batch),
      async close() {
        await writer.close();
        await release();
      },
    };
  } catch (error) {
    await release();
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`The journal ${directory} cannot be used: ${messageOf(error)}; ${ADVICE}.`, {
      cause: error,
    });
  }
}

const ADVICE = "move it away to begin with an empty one, or start with another --journal DIR";

async function makeDirectory(directory: string): Promise<void> {
  try {
    await mkdir(join(directory, DATABASE), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new ConfigError(
      `The journal ${directory} cannot be made: ${messageOf(error)}; choose another with --journal DIR, or do without: --no-journal.`,
      { cause: error },
    );
  }
}

function begun(): Batch {
  const record: FormatRecord = { format: FORMAT, version: VERSION };
  return new Map([[FORMAT_KEY, new Entry(FORMAT_KEY, () => pack(record))]]);
}

const PAGE_HEADER_BYTES = 16;

/** LMDB reads its file as memory: one that is shorter than it says would end the process. */
async function refuseShort(directory: string): Promise<void> {
  const path = join(directory, DATABASE, "data.mdb");
  if (!existsSync(path)) return;
  const { size } = await stat(path);
  if (size === 0) return;
  const head = Buffer.alloc(64 * 1024);
  const file = await openFile(path, "r");
  try {
    await file.read(head, 0, head.byteLength, 0);
  } finally {
    await file.close();
  }
  // MDB_meta: magic, version, address, map size, then two MDB_db of 48 bytes, of which the first begins with the page size.
  const pageBytes = head.readUInt32LE(PAGE_HEADER_BYTES + 24);
  const isMeta = head.readUInt32LE(PAGE_HEADER_BYTES) === 0xbe_ef_c0_de;
  if (!isMeta || pageBytes < 512 || pageBytes > 65_536 || size < 2 * pageBytes)
    throw damaged(directory, "it is no database");
  for (const at of [0, pageBytes]) {
    if (at + 160 > head.byteLength) continue;
    const lastPage = Number(head.readBigUInt64LE(at + PAGE_HEADER_BYTES + 24 + 96));
    const needed = (lastPage + 1) * pageBytes;
    if (size < needed) throw damaged(directory, `it has ${size} of ${needed} bytes`);
  }
}

function damaged(directory: string, how: string): ConfigError {
  return new ConfigError(`The journal ${directory} is damaged: ${how}; ${ADVICE}.`);
}

async function readRecords(directory: string): Promise<StoredRecord[]> {
  const { open } = await import("lmdb");
  const db = open<Buffer, string>(storeOptions(directory));
  try {
    refuseFormat(directory, db.get(FORMAT_KEY));
    const records: StoredRecord[] = [];
    // Values are views of the database's memory: copied, since they outlive it.
    for (const { key, value } of db.getRange({})) records.push([key, unsealed(key, Buffer.from(value))]);
    return records;
  } finally {
    await db.close();
  }
}

function refuseFormat(directory: string, stored: Uint8Array | undefined): void {
  if (stored === undefined) return;
  const bytes = unsealed(FORMAT_KEY, stored);
  if (bytes === undefined) throw damaged(directory, "its record of the format has a wrong checksum");
  const { format, version } = unpack<FormatRecord>(bytes);
  if (format === FORMAT) return;
  throw new ConfigError(
    `The journal ${directory} is of format ${format} (grain-scheduler ${version}), this head reads ${FORMAT}; ` +
      "start the version that wrote it, or another --journal DIR.",
  );
}

/** The thread that writes. */
class Writer {
  readonly #thread: Worker;
  readonly #waiting: { resolve(): void; reject(error: Error): void }[] = [];
  readonly #exit: Promise<void>;
  #failure: Error | undefined;

  constructor(directory: string) {
    this.#thread = new Worker(threadFile(), { workerData: directory });
    this.#exit = new Promise((resolve) => this.#thread.once("exit", () => resolve()));
    this.#thread.on("message", ({ error }: Committed) => {
      const waiting = this.#waiting.shift();
      if (error === undefined) waiting?.resolve();
      else waiting?.reject(new Error(error));
    });
    this.#thread.on("error", (error) => this.#failed(error));
    void this.#exit.then(() => this.#failed(new Error("the thread that writes it has ended")));
  }

  commit(batch: Batch): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const packet = packetOf(batch);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#thread.postMessage(packet, [packet.buffer as ArrayBuffer]);
    });
  }

  async close(): Promise<void> {
    this.#thread.postMessage("close");
    await this.#exit;
  }

  #failed(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}

/** The compiled file. When this module runs from source, the one under `dist`: threads cannot load TypeScript. */
function threadFile(): string {
  const here = import.meta.url;
  const relative = here.endsWith(".ts") ? "../../dist/head/journal/commit-thread.js" : "commit-thread.js";
  return fileURLToPath(new URL(relative, here));
}
