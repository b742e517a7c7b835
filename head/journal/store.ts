/**
 * The journal's directory: who has it, which format it is of, every record that it holds; and a thread
 * that writes further ones.
 */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ConfigError, GrainError, messageOf } from "../../proto/errors.js";
import { VERSION } from "../../proto/version.js";
import { type Batch, Entry } from "./changes.js";
import { pack, unpack } from "./codec.js";
import { compactIfLoose } from "./compact.js";
import { damageOf } from "./damage.js";
import { claim } from "./lock.js";
import { packetOf } from "./packet.js";
import { FORMAT, unsealed } from "./record.js";
import type { StoredRecord } from "./recover.js";
import { DATABASE, storeOptions } from "./store-options.js";
import { Writer } from "./writer.js";

const FORMAT_KEY = "format";

interface FormatRecord {
  readonly format: number;
  /** The version of the package that began the journal. */
  readonly version: string;
}

/** An open journal on a disk. */
export interface Store {
  /** What was in it when it was opened, in the order of keys, without the record of the format. */
  records: readonly StoredRecord[];
  /** Writes a packed batch. Resolves when it is durable; rejects, and has written nothing, when it cannot be. */
  commit(packet: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a journal, or begins one.
 *
 * @throws GrainError when another head has it; ConfigError when it is of another format, or damaged as a whole
 */
export async function openStore(directory: string): Promise<Store> {
  await makeDirectory(directory);
  const { release, takenOver } = await claim(directory);
  try {
    const damage = await damageOf({ directory, database: DATABASE }, { doubtful: takenOver });
    if (damage !== undefined) throw damaged(directory, damage);
    const records = await readRecords(directory);
    if (records.length > 0) await compactIfLoose(directory, records);
    const writer = new Writer({ directory, database: DATABASE });
    try {
      if (records.length === 0) await writer.commit(packetOf(begun()));
    } catch (error) {
      await writer.close();
      throw error;
    }
    return {
      records: records.filter(([key]) => key !== FORMAT_KEY),
      commit: (packet) => writer.commit(packet),
      async close() {
        await writer.close();
        await release();
      },
    };
  } catch (error) {
    await release();
    if (error instanceof GrainError) throw error;
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

function damaged(directory: string, how: string): ConfigError {
  return new ConfigError(`The journal ${directory} is damaged: ${how}; ${ADVICE}.`);
}

async function readRecords(directory: string): Promise<StoredRecord[]> {
  const { open } = await import("lmdb");
  const db = open<Buffer, string>(storeOptions({ directory, database: DATABASE }));
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
