/** The other end of a bare grpc-js hop: `hop-client ADDRESS MIB IN_FLIGHT COUNT`. Each byte is counted once. */

import { Client, credentials } from "@grpc/grpc-js";
import { echoService, HOP_WINDOW_BYTES } from "../hop.js";
import { numberAt, ready, tell } from "../tell.js";
import { UNLIMITED } from "../wire.js";

const [mebibytes, inFlight, count] = [numberAt(1), numberAt(2), numberAt(3)];
const client = new Client(process.argv[2]!, credentials.createInsecure(), {
  ...UNLIMITED,
  "grpc-node.flow_control_window": HOP_WINDOW_BYTES,
});
const { path, requestSerialize, responseDeserialize } = echoService.echo;
const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);

/** Sends so many, and resolves when all are back. */
function pass(value: Buffer, total: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let back = 0;
    const next = () => {
      sent += 1;
      stream.write(value);
    };
    stream.on("data", (echoed: Buffer) => {
      if (echoed.byteLength !== value.byteLength) return reject(new Error("a value came back changed"));
      back += 1;
      if (sent < total) next();
      if (back < total) return;
      stream.removeAllListeners("data");
      resolve();
    });
    while (sent < Math.min(inFlight, total)) next();
  });
}

const value = Buffer.alloc(mebibytes * 1024 * 1024, 1);
await pass(Buffer.alloc(1), 10);
await ready();
const startedAt = performance.now();
await pass(value, count);
tell("done", { mibPerS: (count * mebibytes * 1000) / (performance.now() - startedAt) });
stream.end();
process.exit(0);
