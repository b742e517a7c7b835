/** Both ends of a call whose batches go by a socket, over a real one. The gRPC call is played. */

import { EventEmitter, once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { ClientBatch } from "../../../proto/grain.js";
import { frame } from "../../../proto/link/grpc/frames.js";
import { LocalCall } from "../../../proto/link/grpc/local-call.js";
import { MAX_MESSAGE_BYTES, Malformed } from "../../../proto/link/grpc/services.js";

const CODERS = { out: ClientBatch, in: ClientBatch };

class PlayedCall extends EventEmitter {
  readonly ends: string[] = [];

  end(): void {
    this.ends.push("in order");
  }
}

function endOf(socket: Socket) {
  const lifeline = new PlayedCall();
  const call = new LocalCall<ClientBatch, ClientBatch>(
    lifeline,
    (message) => lifeline.ends.push(message),
    socket,
    CODERS,
  );
  const heard: string[] = [];
  call.on("data", (batch: ClientBatch | Malformed) =>
    heard.push(batch instanceof Malformed ? batch.why : tasksOf(batch).join(",")),
  );
  for (const event of ["end", "cancelled", "close"]) call.on(event, () => heard.push(`<${event}>`));
  call.on("error", (error: Error) => heard.push(`<${error.message}>`));
  return { call, lifeline, heard, socket };
}

async function pair() {
  const directory = mkdtempSync(join(tmpdir(), "grain-test-"));
  const server = createServer({ allowHalfOpen: true });
  server.listen(join(directory, "s"));
  await once(server, "listening");
  const near = connect({ path: join(directory, "s"), allowHalfOpen: true });
  const [[far]] = (await Promise.all([once(server, "connection"), once(near, "connect")])) as [[Socket], []];
  onTestFinished(() => {
    near.destroy();
    far.destroy();
    server.close();
    rmSync(directory, { recursive: true });
  });
  return [endOf(near), endOf(far)] as const;
}

const batchOf = (tasks: number[]): ClientBatch => ({
  messages: [{ body: { $case: "cancel", cancel: { tasks } } }],
});

function tasksOf(batch: ClientBatch): number[] {
  return batch.messages.flatMap(({ body }) => (body?.$case === "cancel" ? body.cancel.tasks : []));
}

describe("a call that goes by a socket", () => {
  it("carries batches both ways, in order, and ends in order", async () => {
    const [near, far] = await pair();
    near.call.resume();
    far.call.resume();
    for (let i = 0; i < 100; i += 1) near.call.write(batchOf([i]));
    far.call.write(batchOf([7, 8]));
    near.call.end();
    await vi.waitFor(() => expect(far.heard.at(-1)).toBe("<end>"));
    expect(far.heard.slice(0, -1)).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
    // Its other half is still open.
    far.call.write(batchOf([9]));
    far.call.end();
    far.call.end();
    await vi.waitFor(() => expect(near.heard).toEqual(["7,8", "9", "<end>"]));
    await vi.waitFor(() =>
      expect([near.lifeline.ends, far.lifeline.ends]).toEqual([["in order"], ["in order"]]),
    );
  });

  it("is not read while it is paused, also within what has arrived, and loses nothing", async () => {
    const [near, far] = await pair();
    far.call.on("data", () => far.call.pause());
    far.call.resume();
    near.socket.write(Buffer.concat([1, 2, 3].map((i) => frame(ClientBatch, batchOf([i])))));
    near.call.end();
    for (const heard of [["1"], ["1", "2"], ["1", "2", "3"]]) {
      await vi.waitFor(() => expect(far.heard).toEqual(heard));
      far.call.resume();
    }
    await vi.waitFor(() => expect(far.heard.at(-1)).toBe("<end>"));
  });

  it("tells a writer when there is room again", async () => {
    const [near, far] = await pair();
    const drained = once(near.call, "drain");
    const batch = batchOf(Array.from({ length: 50_000 }, (_, i) => i));
    while (near.call.write(batch));
    far.call.resume();
    await drained;
  });

  it("that is cut off is no end in order: what the call said is what is heard", async () => {
    const [near, far] = await pair();
    near.call.resume();
    far.call.resume();
    far.call.abandon("enough");
    expect(far.lifeline.ends).toEqual(["enough"]);
    await once(near.socket, "close");
    expect(near.heard).toEqual([]);
    near.lifeline.emit("error", new Error("10 ABORTED: enough"));
    await vi.waitFor(() => expect(near.heard).toEqual(["<10 ABORTED: enough>"]));
    near.lifeline.emit("close");
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(near.heard).toHaveLength(1);
  });

  it("reads what had arrived when the call is lost", async () => {
    const [near, far] = await pair();
    near.call.write(batchOf([1]));
    await vi.waitFor(() => expect(near.socket.writableLength).toBe(0));
    far.call.resume();
    far.lifeline.emit("cancelled");
    await vi.waitFor(() => expect(far.heard).toEqual(["1", "<cancelled>"]));
    expect(far.socket.destroyed).toBe(true);
  });

  it("whose socket is lost, though the call says nothing, ends both", async () => {
    const [near, far] = await pair();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    near.call.resume();
    far.socket.destroy();
    await once(near.socket, "close");
    expect(near.heard).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(near.heard).toEqual(["<close>"]);
    expect(near.lifeline.ends).toEqual(["its socket was lost"]);
  });

  it("refuses a batch that is too long before it has arrived", async () => {
    const [near, far] = await pair();
    far.call.resume();
    const header = Buffer.alloc(4);
    header.writeUInt32LE(MAX_MESSAGE_BYTES + 1);
    near.socket.write(header);
    await vi.waitFor(() =>
      expect(far.heard).toEqual([
        `a batch of ${MAX_MESSAGE_BYTES + 1} bytes; ${MAX_MESSAGE_BYTES} are permitted`,
      ]),
    );
  });
});
