/** The head over real sockets, called with plain grpc-js. */

import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Client,
  loadPackageDefinition,
  type MethodDefinition,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { protoPath } from "grpc-health-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { type HeadOptions, startHead } from "../../../head/index.js";
import type {
  BlobChunk,
  BlobRef,
  ClientMessage,
  HeadToClient,
  HeadToWorker,
  WorkerMessage,
} from "../../../proto/grain.js";
import { refOf } from "../../../proto/hash.js";
import { adminService, blobsService, schedulingService } from "../../../proto/link/grpc/services.js";
import { streamLink } from "../../../proto/link/grpc/stream.js";
import { channelTo } from "../../kit/access.js";
import { ScriptedClient, ScriptedWorker } from "../../kit/peers.js";
import { bytes, text } from "./head-kit.js";

async function serve(listen = "127.0.0.1:0", options: HeadOptions = {}) {
  const started = await startHead({ listen: [listen], ...options });
  onTestFinished(() => started.close());
  const address = started.addresses[0]!;
  const { credentials, options: channel } = channelTo(address, "command");
  const client = new Client(address.replace("unix://", "unix:"), credentials, channel);
  onTestFinished(() => client.close());
  return { ...started, address, client };
}

function unary<Q, R>(client: Client, method: MethodDefinition<Q, R>, request: Q): Promise<R> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      (error, answer) => (error === null ? resolve(answer!) : reject(error)),
    );
  });
}

function put(client: Client, chunks: BlobChunk[]): Promise<unknown> {
  const { path, requestSerialize, responseDeserialize } = blobsService.put;
  return new Promise((resolve, reject) => {
    const call = client.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      (error, answer) => (error === null ? resolve(answer) : reject(error)),
    );
    for (const chunk of chunks) call.write(chunk);
    call.end();
  });
}

async function get(client: Client, ref: BlobRef): Promise<BlobChunk[]> {
  const { path, requestSerialize, responseDeserialize } = blobsService.get;
  const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, ref);
  const chunks: BlobChunk[] = [];
  for await (const chunk of call) chunks.push(chunk);
  return chunks;
}

function connectClient(client: Client): ScriptedClient {
  const { path, requestSerialize, responseDeserialize } = schedulingService.session;
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  return new ScriptedClient(
    streamLink(call, {
      pack: (messages: ClientMessage[]) => ({ messages }),
      unpack: (batch): HeadToClient[] => batch.messages,
    }),
  );
}

function connectWorker(client: Client): ScriptedWorker {
  const { path, requestSerialize, responseDeserialize } = schedulingService.work;
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  return new ScriptedWorker(
    streamLink(call, {
      pack: (messages: WorkerMessage[]) => ({ messages }),
      unpack: (batch): HeadToWorker[] => batch.messages,
    }),
  );
}

describe("the streams", () => {
  it("carry a task to a worker and its result back", async () => {
    const { client: channel } = await serve();
    const [client, worker] = [connectClient(channel), connectWorker(channel)];
    await worker.join();
    await client.open();
    client.define(1);
    client.submit(1, 1, [bytes("a"), bytes("b")]);
    worker.finish(await worker.inbox.take("assign"));
    const results = await client.inbox.take("results");
    expect(results.tasks).toEqual([1, 2]);
    expect(text(results.values)).toBe("ab");
    expect(await unary(channel, adminService.status, {})).toMatchObject({
      hello: { pid: process.pid },
      workers: [{ name: "w1", running: 0, finished: 2 }],
      sessions: [{ name: "test", finished: 2 }],
    });
    expect(await unary(channel, adminService.explain, { session: 1, task: 2 })).toMatchObject({
      session: 1,
      task: 2,
      state: "unknown",
      text: expect.stringContaining("it has ended"),
    });
    client.closeSession();
    await client.inbox.take("closed");
    expect(await client.ended).toEqual({ type: "closed" });
  });

  it("end with what was wrong when a peer breaks the protocol", async () => {
    const { client: channel } = await serve();
    const client = connectClient(channel);
    client.closeSession();
    expect((await client.inbox.take("refused")).message).toContain('"close" came before "open"');
    expect(await client.ended).toEqual({ type: "closed" });
  });

  it("survive bytes that are no message", async () => {
    const { client: channel } = await serve();
    const raw = (value: Buffer) => value;
    const call = channel.makeBidiStreamRequest(schedulingService.session.path, raw, raw);
    call.on("data", () => {});
    const failed = once(call, "error") as Promise<[ServiceError]>;
    call.write(Buffer.from([0x0a, 0xff, 0xff, 0xff]));
    expect((await failed)[0].code).toBeGreaterThan(0);
    await connectClient(channel).open();
  });

  it("hear goodbye when the head ends", async () => {
    const { client: channel, close } = await serve();
    const [client, worker] = [connectClient(channel), connectWorker(channel)];
    await client.open();
    await worker.join();
    const closed = close();
    expect((await client.inbox.take("refused")).message).toContain("shutting down");
    expect((await worker.inbox.take("leave")).kill).toBe(true);
    await closed;
  });

  it("that end without a word leave nothing behind", async () => {
    const { client: channel, head } = await serve();
    const client = connectClient(channel);
    await client.open();
    client.link.destroy("crash");
    const other = connectClient(channel);
    await other.open();
    other.closeSession();
    await other.inbox.take("closed");
    expect(head.status().sessions).toEqual([]);
  });
});

describe("blobs", () => {
  const data = Buffer.alloc(5 * 1024 * 1024 + 3, "grain");
  const ref = refOf([data]);
  const chunks = (bytes: Buffer): BlobChunk[] => {
    const all: BlobChunk[] = [];
    for (let at = 0; at === 0 || at < bytes.byteLength; at += 1024 * 1024) {
      all.push({ ref: at === 0 ? refOf([bytes]) : undefined, data: bytes.subarray(at, at + 1024 * 1024) });
    }
    return all;
  };

  it.each([
    ["memory", undefined],
    ["files", { memoryBytes: 0 }],
  ] as const)("go there and back through %s", async (_, blobs) => {
    const { client } = await serve("127.0.0.1:0", blobs === undefined ? {} : { blobs });
    expect(await unary(client, blobsService.missing, { hashes: [ref.hash] })).toEqual({
      missing: [ref.hash],
    });
    await put(client, chunks(data));
    await put(client, chunks(data));
    expect(await unary(client, blobsService.missing, { hashes: [ref.hash] })).toEqual({ missing: [] });
    const back = await get(client, ref);
    expect(back.map((chunk) => chunk.ref !== undefined)).toEqual(back.map((_, i) => i === 0));
    expect(refOf(back.map((chunk) => chunk.data))).toEqual(ref);
  });

  it("may be empty", async () => {
    const { client } = await serve();
    const nothing = Buffer.alloc(0);
    await put(client, chunks(nothing));
    const [only, ...more] = await get(client, refOf([nothing]));
    expect(only).toMatchObject({ ref: refOf([nothing]) });
    expect(more).toEqual([]);
  });

  it.each<[string, BlobChunk[], number, RegExp]>([
    [
      "of another hash",
      [{ ref: { ...ref, byteLength: 1 }, data: bytes("x") }],
      status.INVALID_ARGUMENT,
      /have the hash/,
    ],
    ["too short", [{ ref, data: bytes("x") }], status.INVALID_ARGUMENT, /1 of 5242883 bytes/],
    ["without a name", [{ ref: undefined, data: bytes("x") }], status.INVALID_ARGUMENT, /must name it/],
    ["of nothing", [], status.INVALID_ARGUMENT, /must name it/],
    [
      "named twice",
      [
        { ref, data: bytes("") },
        { ref, data: bytes("") },
      ],
      status.INVALID_ARGUMENT,
      /Only the first/,
    ],
    [
      "in too large chunks",
      [{ ref, data: data.subarray(0, 2 * 1024 * 1024) }],
      status.INVALID_ARGUMENT,
      /1 MiB/,
    ],
  ])("%s are refused", async (_, sent, code, message) => {
    const { client, head } = await serve();
    const error = await put(client, sent).catch((error) => error);
    expect(error).toMatchObject({ code, details: expect.stringMatching(message) });
    expect(head.blobs.memoryBytes).toBe(0);
  });

  it("that are not here are not found", async () => {
    const { client } = await serve();
    await expect(get(client, ref)).rejects.toMatchObject({ code: status.NOT_FOUND });
  });
});

describe("administration", () => {
  it("answers health checks", async () => {
    const { address } = await serve();
    const { credentials, options } = channelTo(address);
    const loaded = loadPackageDefinition(loadSync(protoPath)) as never as {
      grpc: { health: { v1: { Health: new (...args: unknown[]) => Client } } };
    };
    const health = new loaded.grpc.health.v1.Health(address, credentials, options) as Client &
      Record<string, (request: unknown, done: (error: unknown, answer: unknown) => void) => void>;
    onTestFinished(() => health.close());
    for (const service of ["", "grain.v1.Scheduling", "grain.v1.Admin"]) {
      const answer = await new Promise((resolve) =>
        health.check!({ service }, (error, value) => resolve(error ?? value)),
      );
      expect(answer).toEqual({ status: 1 });
    }
  });

  it.each(["v1", "v1alpha"])("lists its services by reflection %s", async (version) => {
    const { client } = await serve();
    // ServerReflectionRequest { list_services = 7: "" } and the answer, as bytes.
    const raw = (value: Buffer) => value;
    const call = client.makeBidiStreamRequest(
      `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
      raw,
      raw,
    );
    call.write(Buffer.from([0x3a, 0x00]));
    const [answer] = (await once(call, "data")) as [Buffer];
    for (const service of ["Scheduling", "Blobs", "Admin"])
      expect(answer.toString()).toContain(`grain.v1.${service}`);
    call.on("data", () => {});
    call.end();
    await once(call, "end");
  });
});

describe("addresses", () => {
  it.each(["0.0.0.0:0", "192.0.2.1:7700", "[::]:0", "example.org:7700"])(
    "%s is refused without credentials: others could reach it",
    async (listen) => {
      await expect(startHead({ listen: [listen], insecure: true })).rejects.toThrow(
        /other machines could reach it.*--yes-really/,
      );
    },
  );

  it("that others can reach are open to who has a credential", async () => {
    const { client } = await serve("0.0.0.0:0");
    await connectClient(client).open();
  });

  it("in use by another program are told", async () => {
    const { address } = await serve();
    await expect(startHead({ listen: [address] })).rejects.toThrow(`${address} is in use by another program`);
  });

  it("may be several", async () => {
    const directory = await mkdtemp(join(tmpdir(), "grain-test-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    const head = await startHead({ listen: ["127.0.0.1:0", `unix://${directory}/head.sock`] });
    expect(head.addresses).toEqual([
      expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      `unix://${directory}/head.sock`,
    ]);
    await head.close();
  });

  it("may be a private unix socket, left by a dead head", async () => {
    const directory = await mkdtemp(join(tmpdir(), "grain-test-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    const path = join(directory, "head.sock");
    await leaveSocket(path);
    const { client, close } = await serve(`unix://${path}`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await connectClient(client).open();
    await expect(startHead({ listen: [`unix://${path}`] })).rejects.toThrow(/in use by another program/);
    expect(existsSync(path)).toBe(true);
    await close();
    expect(existsSync(path)).toBe(false);
  });

  it("are not taken from other files", async () => {
    const directory = await mkdtemp(join(tmpdir(), "grain-test-"));
    onTestFinished(() => rm(directory, { recursive: true }));
    const path = join(directory, "file");
    await writeFile(path, "precious");
    await expect(startHead({ listen: [`unix://${path}`] })).rejects.toThrow(/is not a socket/);
  });
});

/** Leaves a socket file behind, as a killed process does. */
async function leaveSocket(path: string): Promise<void> {
  const { spawn } = await import("node:child_process");
  const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
  await once(spawn(process.execPath, ["-e", script]), "exit");
  expect(existsSync(path)).toBe(true);
}
