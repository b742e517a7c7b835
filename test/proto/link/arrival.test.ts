/** Bundles and values are checked when they arrive, whatever the other side has sent. */

import { credentials, Server, ServerCredentials, type ServerWritableStream } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { ConnectionError } from "../../../proto/errors.js";
import type { BlobChunk, BlobRef } from "../../../proto/grain.js";
import { newValueKey, refOf, valueRefOf } from "../../../proto/hash.js";
import { GrpcBlobs } from "../../../proto/link/grpc/blobs.js";
import { blobsService } from "../../../proto/link/grpc/services.js";

const bytes = Buffer.alloc(300_000, "grain");
const bundle = refOf([bytes]);
const value = valueRefOf(newValueKey(), [bytes]);

let server: Server;
let blobs: GrpcBlobs;
/** What is sent whoever asks for what. */
let sent: Uint8Array[];

beforeEach(async () => {
  server = new Server();
  const none = () => {};
  server.addService(blobsService, {
    missing: none,
    put: none,
    share: none,
    get: (call: ServerWritableStream<BlobRef, BlobChunk>) => {
      for (const [at, data] of sent.entries())
        call.write({ ref: at === 0 ? { ...call.request, byteLength: bytes.byteLength } : undefined, data });
      call.end();
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  blobs = new GrpcBlobs(`127.0.0.1:${port}`, "a head", credentials.createInsecure(), {});
  onTestFinished(() => blobs.close());
});
afterEach(() => server.forceShutdown());

const other = Buffer.from(bytes);
other[299_999]! ^= 1;

describe.each([
  ["a bundle", bundle],
  ["a bundle of which only the name is known", { ...bundle, byteLength: 0 }],
  ["a value", value],
])("%s", (_, ref) => {
  it("that arrives as it was is taken", async () => {
    sent = [bytes.subarray(0, 7), bytes.subarray(7)];
    expect(Buffer.from(await blobs.get(ref)).equals(bytes)).toBe(true);
  });

  it.each([
    ["in which a bit is another", [other]],
    ["in another order", [bytes.subarray(1), bytes.subarray(0, 1)]],
    ["of which the end is missing", [bytes.subarray(0, 299_999)]],
    ["of which nothing arrives", []],
    ["behind which more arrives", [bytes, bytes.subarray(0, 1)]],
  ])("%s is refused", async (_, pieces) => {
    sent = pieces;
    const error = await blobs.get(ref).catch((error) => error);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toMatch(/arrived damaged from a head|more bytes arrived than it has/);
  });
});
