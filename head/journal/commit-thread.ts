/**
 * The thread that writes the journal: one synchronous transaction for each message, so that whoever
 * waits for the disk is not the head. LMDB's own asynchronous writes are not used: when the disk is
 * full they end the process (docs/decisions/0007-journal.md).
 */

import { parentPort, workerData } from "node:worker_threads";
import { open } from "lmdb";
import { changesIn } from "./packet.js";
import { CHECKSUM_BYTES, checksum } from "./record.js";
import { type Place, storeOptions } from "./store-options.js";

/** What the thread answers to each packet, in order. */
export interface Committed {
  /** Why nothing of it was written; undefined: all of it is durable. */
  readonly error: string | undefined;
}

const db = open<Buffer, string>({ ...storeOptions(workerData as Place) });

parentPort!.on("message", (packet: Uint8Array | "close") => {
  if (packet === "close") {
    void db.close().then(() => parentPort!.close());
    return;
  }
  parentPort!.postMessage({ error: commit(packet) } satisfies Committed);
});

function commit(packet: Uint8Array): string | undefined {
  try {
    db.transactionSync(() => {
      for (const { key, stored } of changesIn(packet)) {
        if (stored === undefined) db.removeSync(key);
        else {
          const view = new DataView(stored.buffer, stored.byteOffset, CHECKSUM_BYTES);
          view.setUint32(0, checksum(key, stored.subarray(CHECKSUM_BYTES)));
          db.putSync(key, stored);
        }
      }
    });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
