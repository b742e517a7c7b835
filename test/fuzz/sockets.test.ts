/** Strangers on a head's port, and peers that send what is no message: the others notice nothing. */

import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { Client, type ClientDuplexStream } from "@grpc/grpc-js";
import { expect, it, onTestFinished } from "vitest";
import { startHead } from "../../head/index.js";
import { chooseAccess } from "../../proto/access/place.js";
import { parseSocketAddress } from "../../proto/address.js";
import {
  ClientBatch,
  type ClientMessage,
  type HeadToClient,
  type HeadToWorker,
  WorkerBatch,
  type WorkerMessage,
} from "../../proto/grain.js";
import { secure } from "../../proto/link/grpc/security.js";
import { MAX_MESSAGE_BYTES, schedulingService } from "../../proto/link/grpc/services.js";
import { streamLink } from "../../proto/link/grpc/stream.js";
import { hello } from "../../proto/version.js";
import { channelTo } from "../kit/access.js";
import { Random } from "../sim/random.js";
import { Honest } from "./honest.js";

const SEED = Number(process.env.GRAIN_FUZZ_SEED ?? 1);
/** More than a head lets wait from one address. */
const HALF_OPEN = 400;
const GARBAGE = 50;
const MALFORMED = 20;
const STREAMS = { session: schedulingService.session.path, work: schedulingService.work.path };

async function openHead() {
  const lines: string[] = [];
  const add = (line: string) => void lines.push(line);
  const started = await startHead({ listen: ["127.0.0.1:0"], log: { info: add, warn: add } });
  onTestFinished(() => started.close());
  const address = started.addresses[0]!;
  return { ...started, address, port: Number(address.split(":")[1]), lines };
}

function channel(address: string): Client {
  const { credentials, options } = channelTo(address, "command");
  const client = new Client(address, credentials, { ...options, "grpc.use_local_subchannel_pool": 1 });
  onTestFinished(() => client.close());
  return client;
}

async function openHonest(address: string): Promise<Honest> {
  const client = channel(address);
  const { session, work } = schedulingService;
  const honest = new Honest(
    streamLink(
      client.makeBidiStreamRequest(session.path, session.requestSerialize, session.responseDeserialize),
      {
        pack: (messages: ClientMessage[]) => ({ messages }),
        unpack: (batch): HeadToClient[] => batch.messages,
      },
    ),
    streamLink(client.makeBidiStreamRequest(work.path, work.requestSerialize, work.responseDeserialize), {
      pack: (messages: WorkerMessage[]) => ({ messages }),
      unpack: (batch): HeadToWorker[] => batch.messages,
    }),
  );
  await honest.begin();
  return honest;
}

const descriptors = () => readdirSync("/proc/self/fd").length;

/** Resolves when the head has let go of what came after this number was taken. */
async function flat(before: number): Promise<void> {
  while (descriptors() > before) await new Promise((resolve) => setImmediate(resolve));
}

/** Bytes of a stranger, and perhaps a beginning that looks like TLS. */
function garbage(random: Random, tls: boolean): Buffer {
  const bytes = Buffer.from(Uint8Array.from({ length: 1 + random.below(4_000) }, () => random.below(256)));
  if (!tls) return bytes;
  return Buffer.concat([
    Buffer.from([0x16, 0x03, 0x01, bytes.byteLength >> 8, bytes.byteLength & 255]),
    bytes,
  ]);
}

function stranger(port: number): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

it("connections that never say anything, by the hundred", async () => {
  const { address, port, lines } = await openHead();
  const honest = await openHonest(address);
  const before = descriptors();
  const sockets = Array.from({ length: HALF_OPEN }, () => stranger(port));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  expect(await honest.ask(100)).toBeUndefined();
  for (const socket of sockets) socket.destroy();
  await flat(before);
  expect(await honest.ask(100)).toBeUndefined();
  const said = lines.filter((line) => line.includes("turned away"));
  expect(said.length).toBeGreaterThan(0);
  // One a second at most.
  expect(said.length).toBeLessThan(HALF_OPEN / 10);
});

it("random bytes, with and without a beginning of TLS", async () => {
  const { address, port, lines } = await openHead();
  const random = new Random(SEED);
  const honest = await openHonest(address);
  const before = descriptors();
  const ends = Array.from({ length: GARBAGE }, async (_, i) => {
    const socket = stranger(port);
    socket.end(garbage(random, i % 2 === 0));
    socket.resume();
    await new Promise((resolve) => socket.once("close", resolve));
  });
  await Promise.all(ends);
  await flat(before);
  expect(await honest.ask(100)).toBeUndefined();
  expect(lines.filter((line) => line.includes("turned away")).length).toBeLessThan(GARBAGE);
});

it("peers that have shown a credential, and then speak no HTTP", async () => {
  const { address, port } = await openHead();
  const random = new Random(SEED);
  const honest = await openHonest(address);
  const before = descriptors();
  const security = secure(parseSocketAddress(address), chooseAccess({}), "command");
  if (security.type !== "tls") throw new Error("this head has TLS");
  const { secureContext, servername, checkHead: checkServerIdentity } = security;
  const tls = { secureContext, servername, checkServerIdentity };
  const sockets: TLSSocket[] = [];
  for (let i = 0; i < GARBAGE; i += 1) {
    const socket = connectTls({ host: "127.0.0.1", port, ALPNProtocols: ["h2"], ...tls });
    socket.on("error", () => {});
    socket.resume();
    await once(socket, "secureConnect");
    sockets.push(socket);
    // Every other one stays silent.
    if (i % 2 === 0) socket.write(garbage(random, false));
  }
  expect(await honest.ask(100)).toBeUndefined();
  for (const socket of sockets) socket.destroy();
  await flat(before);
  expect(await honest.ask(100)).toBeUndefined();
});

type Raw = ClientDuplexStream<Buffer, Buffer>;

function raw(address: string, path: string): { call: Raw; ended: Promise<void> } {
  const call: Raw = channel(address).makeBidiStreamRequest<Buffer, Buffer>(
    path,
    (bytes) => bytes,
    (bytes) => bytes,
  );
  call.resume();
  const ended = new Promise<void>((resolve) => {
    call.once("error", () => resolve());
    call.once("end", () => resolve());
  });
  return { call, ended };
}

const OPEN = ClientBatch.encode({
  messages: [
    {
      body: {
        $case: "open",
        open: {
          hello: hello(),
          name: "hostile",
          prioritized: false,
          priority: 0,
          outputs: false,
          counts: false,
          token: new Uint8Array(16),
        },
      },
    },
  ],
}).finish();
const NO_MESSAGE = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x01, 0x02]);

it("streams with bytes that are no message: one line each, and the session is over", async () => {
  const { address, lines, head } = await openHead();
  const honest = await openHonest(address);
  for (let i = 0; i < MALFORMED; i += 1) {
    const { call, ended } = raw(address, i % 2 === 0 ? STREAMS.session : STREAMS.work);
    if (i % 4 === 0) call.write(Buffer.from(OPEN));
    call.write(NO_MESSAGE);
    await ended;
  }
  expect(await honest.ask(100)).toBeUndefined();
  expect(lines.filter((line) => line.includes("no message of the protocol"))).toHaveLength(MALFORMED);
  expect(head.status().sessions.map(({ name }) => name)).toEqual(["honest"]);
});

it("a message that is larger than any", async () => {
  const { address, head } = await openHead();
  const honest = await openHonest(address);
  const before = process.memoryUsage().rss;
  for (const path of [STREAMS.session, STREAMS.work]) {
    const { call, ended } = raw(address, path);
    call.write(Buffer.alloc(MAX_MESSAGE_BYTES + 1));
    await ended;
  }
  expect(await honest.ask(100)).toBeUndefined();
  expect(process.memoryUsage().rss - before).toBeLessThan(8 * MAX_MESSAGE_BYTES);
  expect(head.status().workers.map(({ name }) => name)).toEqual(["honest"]);
});

it("columns that take little room on the wire and much in memory are refused before they are taken", async () => {
  const { address, lines } = await openHead();
  const honest = await openHonest(address);
  const { call, ended } = raw(address, STREAMS.work);
  const tasks = new Array<number>(1_000_000).fill(1);
  const about = { session: 1, tasks, attempts: [1] };
  call.write(
    Buffer.from(
      WorkerBatch.encode({ messages: [{ body: { $case: "returned", returned: about } }] }).finish(),
    ),
  );
  await ended;
  expect(lines.filter((line) => line.includes("breaks the protocol"))).toHaveLength(1);
  expect(await honest.ask(100)).toBeUndefined();
});
