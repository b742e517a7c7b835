/** A head and peers that move large values in both directions at once, and share no files: `both-ways-program`. */

import { startHead } from "../../../head/index.js";
import { newValueKey, valueRefOf } from "../../../proto/hash.js";
import { GrpcBlobs } from "../../../proto/link/grpc/blobs.js";
import { channelTo } from "../../kit/access.js";

const KEY = newValueKey();
const BYTES = 8 * 1024 * 1024;
const VALUES = 8;
const ROUNDS = 3;

let samples = 0;
function sample() {
  samples += 1;
  const bytes = new Uint8Array(BYTES).fill(samples);
  return { bytes, ref: valueRefOf(KEY, [bytes]) };
}

const some = () => Array.from({ length: VALUES }, sample);

const { head, addresses, close } = await startHead({ listen: ["127.0.0.1:0"] });
const down = some();
for (const { ref, bytes } of down) await head.blobs.put(ref, [bytes]);
const address = addresses[0]!;
const { credentials, options } = channelTo(address, "client");
let arrived = 0;
for (let round = 0; round < ROUNDS; round += 1) {
  const peer = new GrpcBlobs(`dns:${address}`, address, credentials, options, undefined);
  await Promise.all([
    ...down.map(async ({ ref }) => {
      const { byteLength } = await peer.get(ref);
      arrived += byteLength;
    }),
    ...some().map(async ({ ref, bytes }) => {
      await peer.put(ref, [bytes]);
      if (head.blobs.has(ref.hash)) arrived += bytes.byteLength;
    }),
  ]);
  peer.close();
}
await close();
process.stdout.write(`${arrived} of ${2 * ROUNDS * VALUES * BYTES} bytes\n`);
