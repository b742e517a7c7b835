/** A head whose edge file names several addresses, of which not all lead to it. */

import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, onTestFinished } from "vitest";
import { startHead } from "../../../head/index.js";
import { formatRecord } from "../../../proto/edge/record.js";
import { AuthError } from "../../../proto/errors.js";
import { connectAdmin } from "../../../proto/link/grpc/connect.js";
import { thisProcess } from "../../../proto/process-name.js";

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "grain-test-"));
  file = join(directory, "grain.edge");
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Takes connections and says nothing, as what is behind a firewall does. */
async function silent() {
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on("error", () => {}).resume()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { sockets, address: `127.0.0.1:${(server.address() as { port: number }).port}` };
}

it("is reached though the first address is silent and the next one nobody's; what was tried in vain is closed", async () => {
  const access = join(directory, "access");
  const head = await startHead({ listen: ["127.0.0.1:0"], access });
  onTestFinished(() => head.close());
  const { sockets, address } = await silent();
  const record = {
    id: "a",
    generation: 1,
    beat: 0,
    process: thisProcess(),
    host: "h",
    version: "0.1.0",
    access,
  };
  const addresses = [address, "127.0.0.1:1", ...head.addresses];
  writeFileSync(file, formatRecord({ ...record, addresses }));
  const options = { giveUpMs: 60_000, access: { place: access, insecure: "no" as const } };
  const admin = await connectAdmin(`edge://${file}`, options);
  onTestFinished(() => admin.close());
  expect(await admin.status()).toMatchObject({ workers: [] });
  expect(sockets.length).toBeGreaterThan(0);
  for (const socket of sockets) if (!socket.destroyed) await once(socket, "close");
});

it("is waited for while the file names one that may be dead, and another program has its port by now", async () => {
  const [own, others] = [join(directory, "own"), join(directory, "others")];
  const other = await startHead({ listen: ["127.0.0.1:0"], access: others });
  onTestFinished(() => other.close());
  const head = await startHead({ listen: ["127.0.0.1:0"], access: own });
  onTestFinished(() => head.close());
  const record = { id: "dead", generation: 1, beat: 0, host: "h", version: "0.1.0", access: own };
  const gone = { ...thisProcess(), machine: "another" };
  // Under a name that does not say that it is this machine.
  const addresses = [other.addresses[0]!.replace("127.0.0.1", "0.0.0.0")];
  writeFileSync(file, formatRecord({ ...record, process: gone, addresses }));
  const access = { place: own, insecure: "no" as const };
  const refused = await connectAdmin(`edge://${file}`, { giveUpMs: 3_000, access }).catch((error) => error);
  expect(refused).toBeInstanceOf(AuthError);
  expect(refused.message).toMatch(/is not the one that issued the credential/);
  const replace = () =>
    writeFileSync(
      file,
      formatRecord({ ...record, id: "next", process: thisProcess(), addresses: head.addresses }),
    );
  const options = { giveUpMs: 60_000, access, onRetry: replace };
  const admin = await connectAdmin(`edge://${file}`, options);
  onTestFinished(() => admin.close());
  expect(await admin.status()).toMatchObject({ workers: [] });
});
