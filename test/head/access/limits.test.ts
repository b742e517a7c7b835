/**
 * Peers that never show a credential, or that misuse one, against a head that serves others meanwhile: they are
 * dropped, the log has one line for all of them, and honest clients and workers notice nothing.
 */

import { once } from "node:events";
import { connect as connectHttp2, constants } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, createSecureContext, type SecureVersion, type TLSSocket } from "node:tls";
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { type Door, openDoor } from "../../../head/access/door.js";
import { newCredential } from "../../../head/access/issue.js";
import type { LockOptions } from "../../../head/shell/grpc/lock.js";
import { NEWCOMER_LIMITS } from "../../../head/shell/grpc/newcomers.js";
import { serveGrpc } from "../../../head/shell/grpc/server.js";
import { Head } from "../../../head/shell/head.js";
import { type Credential, parseCredential } from "../../../proto/access/credential.js";
import { parseSocketAddress } from "../../../proto/address.js";
import { connectClient, connectWorker } from "../../../proto/link/grpc/connect.js";
import { MAX_MESSAGE_BYTES } from "../../../proto/link/grpc/services.js";
import { ScriptedClient, ScriptedWorker } from "../../kit/peers.js";
import { bytes, text } from "../shell/head-kit.js";
import { scratch } from "./scratch.js";

const directory = scratch();
/** The other address of this machine, so that what its neighbours do does not count against the honest. */
const ELSEWHERE = "127.0.0.2";

let credential: Credential;
let port: number;
let address: string;
let log: string[];
/** The clock by which lines are rationed: it moves when a test says so. */
let nowMs: number;

async function serve(lock: LockOptions = {}): Promise<void> {
  log = [];
  nowMs = 0;
  const addresses = [parseSocketAddress("127.0.0.1:0")];
  const lines = { info: () => {}, warn: (line: string) => void log.push(line) };
  const door: Door = await openDoor({ access: directory }, addresses);
  const head = new Head();
  const options = { door, log: lines, lock: { nowMs: () => nowMs, ...lock } };
  const server = await serveGrpc(head, addresses, options);
  onTestFinished(async () => {
    await head.close();
    await server.close();
  });
  address = server.addresses[0]!;
  port = Number(address.split(":")[1]);
}

beforeAll(async () => {
  const { text: pem } = await newCredential(directory, { role: "client" });
  credential = parseCredential(pem, "client.pem");
});

const access = { place: directory, insecure: "no" } as const;

/** A client and a worker that compute for as long as the test goes on. */
class Honest {
  #next = 1;
  #over = false;
  #computing: Promise<void> | undefined;
  rounds = 0;

  private constructor(private readonly client: ScriptedClient) {}

  static async begin(): Promise<Honest> {
    const worker = new ScriptedWorker((await opened(connectWorker)).link);
    await worker.join();
    void worker.workOn();
    const honest = new Honest(await Honest.client());
    await honest.round();
    honest.#computing = honest.#computeOn();
    return honest;
  }

  static async client(): Promise<ScriptedClient> {
    const client = new ScriptedClient((await opened(connectClient)).link);
    await client.open();
    client.define(1);
    return client;
  }

  async round(client = this.client, task = this.#next++): Promise<void> {
    client.submit(1, task, [bytes(`task ${task}`)]);
    expect(text((await client.inbox.take("results")).values)).toBe(`task ${task}`);
    this.rounds += 1;
  }

  async #computeOn(): Promise<void> {
    while (!this.#over) await this.round();
  }

  /** Whether everything went well until now, for those who were there and for those who come. */
  async end(): Promise<void> {
    const before = this.rounds;
    while (this.rounds === before) await new Promise((resolve) => setImmediate(resolve));
    this.#over = true;
    await this.#computing;
    await this.round(await Honest.client(), 1);
  }
}

async function opened<T extends { close(): Promise<void> }>(
  connect: (address: string, options: { giveUpMs: number; access: typeof access }) => Promise<T>,
): Promise<T> {
  const connection = await connect(address, { giveUpMs: 30_000, access });
  onTestFinished(() => connection.close());
  return connection;
}

/** A connection without manners. Its errors are no matter. */
async function stranger(): Promise<Socket> {
  const socket = connectTcp({ port, host: "127.0.0.1", localAddress: ELSEWHERE });
  socket.on("error", () => {});
  socket.resume();
  onTestFinished(() => void socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** The head has hung up. After an alert TLS may keep this side waiting for its last write, which nobody takes any more. */
async function closed(socket: Socket): Promise<void> {
  if (socket.closed || socket.readableEnded) return;
  await new Promise<void>((resolve) => {
    socket.once("end", resolve);
    socket.once("close", () => resolve());
  });
  socket.destroy();
}

/** With TLS. @param shown the credential; undefined: none */
async function encrypted(
  shown: Credential | undefined,
  maxVersion: SecureVersion = "TLSv1.3",
): Promise<TLSSocket> {
  const socket = connectTls({
    port,
    host: "127.0.0.1",
    localAddress: ELSEWHERE,
    ALPNProtocols: ["h2"],
    checkServerIdentity: () => undefined,
    secureContext: createSecureContext({
      ca: credential.authorities,
      maxVersion,
      ...(shown === undefined ? {} : { cert: shown.certificate, key: shown.key }),
    }),
  } as never);
  socket.on("error", () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, "secureConnect");
  return socket;
}

/** Writes again and again, a piece at a time, until it is cut off. */
async function pourUntilClosed(socket: Socket, first: Buffer, piece: Buffer, pauseMs: number): Promise<void> {
  socket.write(first);
  const timer = setInterval(() => socket.writable && socket.write(piece), pauseMs);
  socket.resume();
  await closed(socket);
  clearInterval(timer);
}

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** A frame of HTTP/2. */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.byteLength, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

const SETTINGS = frame(4, 0, 0, Buffer.alloc(0));
/** A field that the other side is told not to index, with a name and a value of these lengths, as HPACK has it. */
const FIELD = Buffer.concat([Buffer.from([0x10, 1, 0x61, 0x7f, 0x81, 0x3e]), Buffer.alloc(8_064, 0x62)]);

describe("who shows no credential is dropped, and others are served meanwhile", () => {
  const rubbish: [string, Buffer][] = [
    ["noise", Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * 7919 + (at >> 8)) & 0xff))],
    ["HTTP", Buffer.from(`GET / HTTP/1.1\r\nHost: head\r\n\r\n${"x".repeat(100_000)}`)],
    ["HTTP/2 without TLS", Buffer.concat([PREFACE, SETTINGS, frame(1, 0, 1, FIELD)])],
    [
      "a TLS record of the wrong kind",
      Buffer.concat([Buffer.from([0x17, 3, 3, 0x40, 0]), Buffer.alloc(16_384)]),
    ],
  ];

  it.each(rubbish)("%s instead of a handshake", async (_, sent) => {
    await serve();
    const honest = await Honest.begin();
    for (let time = 0; time < 5; time += 1) {
      const socket = await stranger();
      socket.write(sent);
      await closed(socket);
    }
    await honest.end();
    expect(log).toEqual([
      expect.stringMatching(/^turned away a connection from 127\.0\.0\.2: it showed no cert/),
    ]);
  });

  it("TLS without a certificate, whatever comes behind it", async () => {
    await serve();
    const honest = await Honest.begin();
    for (let time = 0; time < 5; time += 1) {
      const socket = await encrypted(undefined);
      const answers: Buffer[] = [];
      socket.on("data", (data: Buffer) => void answers.push(data));
      await pourUntilClosed(socket, Buffer.concat([PREFACE, SETTINGS]), frame(1, 4, 1, FIELD), 1);
      // Not even HTTP/2's own greeting.
      expect(Buffer.concat(answers).byteLength).toBe(0);
    }
    await honest.end();
    expect(log).toEqual([
      expect.stringMatching(/^turned away a connection from 127\.0\.0\.2: it showed no cert/),
    ]);
    await expectOthers(4);
  });

  it("TLS 1.2, though with a credential", async () => {
    await serve();
    const honest = await Honest.begin();
    await expect(encrypted(credential, "TLSv1.2")).rejects.toThrow();
    await honest.end();
    await until(() => log.length === 1);
    expect(log[0]).toMatch(/^turned away a connection from 127\.0\.0\.2: it showed no cert/);
  });

  it("who looks whether somebody listens, and says nothing, is worth no line; many at once are", async () => {
    await serve({ handshakeMs: 600_000 });
    for (let time = 0; time < 3; time += 1) (await stranger()).destroy();
    const loud = await stranger();
    loud.end("x");
    await closed(loud);
    await until(() => log.length === 1);
    nowMs += 1_000;
    const next = await stranger();
    next.end("x");
    await until(() => log.length === 2);
    // Nobody was counted meanwhile.
    expect(log[1]).toMatch(/that this head accepts$/);
    const many = await Promise.all(Array.from({ length: 100 }, stranger));
    nowMs += 1_000;
    for (const socket of many) socket.destroy();
    await until(() => log.length === 3);
    expect(log[2]).toMatch(/^turned away a connection from 127\.0\.0\.2: it showed no cert/);
  });

  it("a handshake that drips, byte by byte, and would take minutes", async () => {
    // The honest have to be within it, also on a busy machine.
    await serve({ handshakeMs: 3_000 });
    const honest = await Honest.begin();
    const hello = Buffer.from([0x16, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc, 3, 3]);
    await Promise.all(
      Array.from({ length: 20 }, async () => pourUntilClosed(await stranger(), hello, Buffer.from([0]), 10)),
    );
    await honest.end();
    expect(log).toEqual([
      expect.stringMatching(/^turned away a connection from 127\.0\.0\.2: it showed no cert/),
    ]);
    await expectOthers(19);
  });

  it("hundreds of connections that never say anything: so many of one address wait, and no more", async () => {
    await serve({ handshakeMs: 600_000 });
    const honest = await Honest.begin();
    const sockets = await Promise.all(Array.from({ length: NEWCOMER_LIMITS.perAddress + 100 }, stranger));
    await until(() => sockets.filter(({ destroyed }) => destroyed).length === 100);
    // While all the others still wait.
    await honest.end();
    expect(sockets.filter(({ destroyed }) => destroyed)).toHaveLength(100);
    expect(log).toEqual([
      "turned away a connection from 127.0.0.2: too many connections are in their handshake",
    ]);
    for (const socket of sockets) socket.destroy();
    // Their places are free again.
    await until(async () => {
      const socket = await encrypted(credential).catch(() => undefined);
      if (socket === undefined) return false;
      // Who is taken hears HTTP/2's greeting.
      const heard = new Promise<boolean>((resolve) => socket.once("data", () => resolve(true)));
      return Promise.race([heard, closed(socket).then(() => false)]);
    });
  });

  it("from however many addresses, so many wait in all", async () => {
    await serve({ newcomers: { perAddress: 2, total: 3 }, handshakeMs: 600_000 });
    const sockets = await Promise.all([stranger(), stranger(), stranger(), stranger()]);
    await until(() => sockets.filter(({ destroyed }) => destroyed).length === 2);
    const near = connectTcp({ port, host: "127.0.0.1" });
    onTestFinished(() => void near.destroy());
    await once(near, "connect");
    const last = connectTcp({ port, host: "127.0.0.1" });
    last.on("error", () => {}).resume();
    await closed(last);
    for (const socket of [...sockets, near]) socket.destroy();
    await (await opened(connectClient)).close();
  });
});

describe("who misuses a credential is dropped, and others are served meanwhile", () => {
  beforeEach(() => serve());

  it("headers without end", async () => {
    const honest = await Honest.begin();
    const socket = await encrypted(credential);
    // HEADERS that announce more, and then more and more.
    const begin = Buffer.concat([PREFACE, SETTINGS, frame(1, 0, 1, FIELD)]);
    await pourUntilClosed(socket, begin, frame(9, 0, 1, FIELD), 1);
    await honest.end();
    expect(log).toEqual([
      expect.stringMatching(
        new RegExp(`^cut off a client \\(credential ${credential.id}\\): it broke HTTP/2: `),
      ),
    ]);
  });

  it("what is no HTTP/2", async () => {
    const honest = await Honest.begin();
    const socket = await encrypted(credential);
    await pourUntilClosed(socket, Buffer.alloc(100, "grain"), Buffer.from("more"), 1);
    await honest.end();
    expect(log).toEqual([expect.stringMatching(/^cut off a client .* it broke HTTP\/2: /)]);
  });

  it.each([
    ["a message over the limit", MAX_MESSAGE_BYTES + 1],
    ["one of four gigabytes", 0xffff_ffff],
  ])("%s is refused when it is announced", async (_, byteLength) => {
    const honest = await Honest.begin();
    const socket = await encrypted(credential);
    const session = connectHttp2("https://head", { createConnection: () => socket });
    onTestFinished(() => session.destroy());
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: "/grain.v1.Scheduling/Session",
      "content-type": "application/grpc",
      te: "trailers",
    });
    const start = Buffer.alloc(6);
    start.writeUInt32BE(byteLength, 1);
    stream.write(start);
    stream.resume();
    const status = await new Promise((resolve) => {
      const look = (fields: Record<string, unknown>) => {
        if (fields["grpc-status"] !== undefined) resolve(fields["grpc-status"]);
      };
      stream.on("response", look).on("trailers", look);
    });
    expect(String(status)).toBe("8");
    await honest.end();
  });
});

/** At the head, too, all of them were closed: its next line counts those that had none. */
async function expectOthers(count: number): Promise<void> {
  nowMs += 1_000;
  const socket = await stranger();
  socket.end("x");
  await closed(socket);
  await until(() => log.length === 2);
  expect(log[1]).toMatch(new RegExp(`\\(and ${count} others since the last such line\\)$`));
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}
