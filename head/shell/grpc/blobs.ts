/** The Blobs service over the head's store. */

import { once } from "node:events";
import {
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from "@grpc/grpc-js";
import { messageOf } from "../../../proto/errors.js";
import type { BlobAnswer, BlobChunk, BlobQuery, BlobRef, Empty } from "../../../proto/grain.js";
import { CHUNK_BYTES } from "../blob/content.js";
import { BlobError } from "../blob/error.js";
import type { Intake } from "../blob/intake.js";
import type { BlobStore } from "../blob/store.js";

/** The service's methods, as `addService` takes them. */
export function blobsHandlers(store: BlobStore) {
  return {
    missing(call: ServerUnaryCall<BlobQuery, BlobAnswer>, answer: sendUnaryData<BlobAnswer>) {
      store.missing(call.request.hashes).then(
        (missing) => answer(null, { missing }),
        (error) => answer(statusOf(error)),
      );
    },
    put(call: ServerReadableStream<BlobChunk, Empty>, answer: sendUnaryData<Empty>) {
      take(call, store).then(
        () => answer(null, {}),
        (error) => answer(statusOf(error)),
      );
    },
    get(call: ServerWritableStream<BlobRef, BlobChunk>) {
      give(call, store).then(
        () => call.end(),
        (error) => call.emit("error", statusOf(error)),
      );
    },
  };
}

async function take(chunks: AsyncIterable<BlobChunk>, store: BlobStore): Promise<void> {
  let intake: Intake | undefined;
  let held = false;
  try {
    for await (const { ref, data } of chunks) {
      if (data.byteLength > CHUNK_BYTES)
        throw new BlobError("mismatch", "A chunk of an upload has more than 1 MiB.");
      if (ref !== undefined) {
        if (intake !== undefined || held)
          throw new BlobError("mismatch", "Only the first chunk of an upload names it.");
        held = store.has(ref.hash);
        if (!held) intake = await store.receive(ref);
      }
      // What is here already is read to its end and thrown away.
      if (!held) await named(intake).write(data);
    }
    if (!held) await named(intake).finish();
  } finally {
    await intake?.abort();
  }
}

function named(intake: Intake | undefined): Intake {
  if (intake === undefined) throw new BlobError("mismatch", "The first chunk of an upload must name it.");
  return intake;
}

async function give(call: ServerWritableStream<BlobRef, BlobChunk>, store: BlobStore): Promise<void> {
  const { byteLength, chunks } = store.read(call.request.hash);
  const gone = new AbortController();
  call.once("cancelled", () => gone.abort());
  let ref: BlobRef | undefined = { hash: call.request.hash, byteLength };
  for await (const data of chunks()) {
    if (call.cancelled) return;
    const more = call.write({ ref, data });
    ref = undefined;
    if (!more && !(await drained(call, gone.signal))) return;
  }
  if (ref !== undefined) call.write({ ref, data: new Uint8Array(0) });
}

/** Resolves to false when the reader has gone. */
async function drained(
  call: ServerWritableStream<BlobRef, BlobChunk>,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await once(call, "drain", { signal });
    return true;
  } catch {
    return false;
  }
}

const CODES = {
  missing: status.NOT_FOUND,
  mismatch: status.INVALID_ARGUMENT,
  closed: status.UNAVAILABLE,
} as const;

function statusOf(error: unknown): { code: status; details: string } {
  if (error instanceof BlobError) return { code: CODES[error.fault], details: error.message };
  return { code: status.INTERNAL, details: `The head failed to move a value: ${messageOf(error)}.` };
}
