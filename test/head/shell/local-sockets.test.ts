/** Streams of peers on the head's machine, which go by a socket, over a real head. */

import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, Metadata } from "@grpc/grpc-js";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { startHead } from "../../../head/index.js";
import { LocalSockets } from "../../../head/shell/grpc/local-sockets.js";
import { connectClient } from "../../../proto/link/grpc/connect.js";
import { openLocal, TICKET_BYTES, TICKET_KEY } from "../../../proto/link/grpc/local-socket.js";
import { schedulingService } from "../../../proto/link/grpc/services.js";
import { sharedRoot } from "../../../proto/share/directory.js";
import { channelTo } from "../../kit/access.js";
import { Cable } from "../../kit/cable.js";
import { ScriptedClient } from "../../kit/peers.js";

let root: string;
beforeEach(() => {
  root = scratch();
  vi.stubEnv("GRAIN_SHARED_DIR", root);
});

function scratch(): string {
  // Short: names of sockets are.
  const path = mkdtempSync(join(sharedRoot() ?? tmpdir(), "g-"));
  onTestFinished(() => {
    vi.unstubAllEnvs();
    expect(readdirSync(path)).toEqual([]);
    rmSync(path, { recursive: true });
  });
  return path;
}

async function serve() {
  const head = await startHead({ listen: ["127.0.0.1:0"] });
  onTestFinished(() => head.close());
  const cable = await Cable.to(head.addresses[0]!);
  onTestFinished(() => cable.close());
  return { ...head, cable };
}

async function joined(address: string) {
  const connection = await connectClient(address, { giveUpMs: 30_000 });
  onTestFinished(() => connection.close());
  const client = new ScriptedClient(connection.link);
  await client.open();
  return client;
}

/** Cancels nothing, with so many bytes; and waits until the head has read it. */
async function sendMuch(client: ScriptedClient): Promise<void> {
  client.send({
    body: { $case: "cancel", cancel: { tasks: Array.from({ length: 200_000 }, (_, i) => i + 1) } },
  });
  await client.link.drained();
}

describe("a peer on the head's machine", () => {
  it("sends its batches by the socket; one that does not see it by gRPC", async () => {
    const { cable } = await serve();
    const near = await joined(cable.address);
    const before = cable.sent;
    await sendMuch(near);
    near.closeSession();
    expect((await near.ended).type).toBe("closed");
    expect(cable.sent - before).toBeLessThan(10_000);
    vi.stubEnv("GRAIN_SHARED_DIR", "");
    const far = await joined(cable.address);
    await sendMuch(far);
    far.closeSession();
    expect((await far.ended).type).toBe("closed");
    expect(cable.sent).toBeGreaterThan(300_000);
  });

  it("loses the stream with the connection that it was let in by", async () => {
    const { cable } = await serve();
    const client = await joined(cable.address);
    cable.cut();
    expect((await client.ended).type).toBe("broken");
  });

  it("cannot name a socket that is not there", async () => {
    const { addresses } = await serve();
    const { credentials, options } = channelTo(addresses[0]!, "client");
    const client = new Client(`dns:${addresses[0]}`, credentials, options);
    onTestFinished(() => client.close());
    const { path, requestSerialize, responseDeserialize } = schedulingService.session;
    const metadata = new Metadata();
    metadata.set(TICKET_KEY, Buffer.alloc(TICKET_BYTES, 1));
    const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
    call.on("data", () => {});
    const [error] = (await once(call, "error")) as [Error];
    expect(error.message).toMatch(/ABORTED: the socket that this stream names has ended/);
  });
});

describe("the head's socket", () => {
  async function listen(limits?: { most: number; waitMs: number }) {
    const directory = mkdtempSync(join(sharedRoot() ?? tmpdir(), "g-"));
    const path = join(directory, "link");
    const sockets = (await LocalSockets.listen(path, limits))!;
    onTestFinished(() => {
      sockets.close();
      rmSync(directory, { recursive: true });
    });
    return { path, sockets };
  }

  it("gives a connection to whoever has its ticket, once", async () => {
    const { path, sockets } = await listen();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const { socket, ticket } = (await openLocal(path))!;
    expect(sockets.take(Buffer.alloc(TICKET_BYTES))).toBeUndefined();
    const taken = sockets.take(ticket)!;
    expect(sockets.take(ticket)).toBeUndefined();
    taken.write("hello");
    socket.resume();
    expect(String((await once(socket, "data"))[0])).toBe("hello");
    socket.destroy();
    taken.destroy();
  });

  it("closes those that nobody takes, those without a ticket, and too many", async () => {
    const { path } = await listen({ most: 2, waitMs: 50 });
    const silent = connect(path).resume();
    const waiting = (await openLocal(path))!.socket.resume();
    expect(await openLocal(path)).toBeUndefined();
    await Promise.all([once(silent, "close"), once(waiting, "end")]);
    waiting.destroy();
    // There is room again.
    (await openLocal(path))!.socket.destroy();
  });

  it("is done without where it cannot be, and where nobody listens", async () => {
    const { path } = await listen();
    expect(await LocalSockets.listen(path)).toBeUndefined();
    expect(await LocalSockets.listen(join(tmpdir(), "x".repeat(100), "link"))).toBeUndefined();
    expect(await openLocal(`${path}-none`)).toBeUndefined();
  });
});
