/** Peers without a credential on a head's port: dropped before anything of theirs is decoded, one line in the log, others are served. */

import { once } from "node:events";
import http2, { type Http2SecureServer } from "node:http2";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { openDoor } from "../../../head/access/door.js";
import { Head } from "../../../head/index.js";
import type { LockOptions } from "../../../head/shell/grpc/lock.js";
import { NEWCOMER_LIMITS } from "../../../head/shell/grpc/newcomers.js";
import { serveGrpc } from "../../../head/shell/grpc/server.js";
import { readCredential } from "../../../proto/access/credential.js";
import { parseSocketAddress } from "../../../proto/address.js";
import { connectAdmin } from "../../../proto/link/grpc/connect.js";
import { scratch } from "./scratch.js";

const directory = scratch();
/** On Linux all of 127/8 is this machine: strangers come from another address than friends. */
const ELSEWHERE = process.platform === "linux" ? "127.0.0.2" : "127.0.0.1";

let created: ReturnType<typeof vi.spyOn>;
beforeEach(() => {
  created = vi.spyOn(http2, "createSecureServer");
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function serve(lock: LockOptions = {}) {
  const lines: string[] = [];
  const add = (line: string) => void lines.push(line);
  const log = { info: add, warn: add };
  const head = new Head({ log });
  const addresses = [parseSocketAddress("127.0.0.1:0")];
  const door = await openDoor({ access: directory }, addresses);
  const server = await serveGrpc(head, addresses, { door, log, lock });
  onTestFinished(async () => {
    await head.close();
    await server.close();
  });
  const [address] = server.addresses;
  // What speaks HTTP/2 with anybody: everything that decodes is behind it.
  let spokenTo = 0;
  for (const { value } of created.mock.results)
    (value as Http2SecureServer).on("session", () => {
      spokenTo += 1;
    });
  expect(created.mock.results.length).toBe(1);
  const turnedAway = () => lines.filter((line) => line.startsWith("turned away"));
  return { address: address!, port: Number(address!.split(":")[1]), turnedAway, spokenTo: () => spokenTo };
}

/** A friend comes, asks, and goes. */
async function isServed(address: string): Promise<void> {
  const access = { place: directory, insecure: "no" as const };
  const admin = await connectAdmin(address, { giveUpMs: Number.POSITIVE_INFINITY, access });
  expect(await admin.status()).toMatchObject({ workers: [] });
  admin.close();
}

function knock(port: number): Socket {
  const socket = connect({ port, host: "127.0.0.1", localAddress: ELSEWHERE });
  socket.on("error", () => {});
  socket.resume();
  onTestFinished(() => void socket.destroy());
  return socket;
}

/** By whatever it was ended. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once("close", () => resolve()));
}

/** As TLS begins, and goes on after that. */
const CLIENT_HELLO_START = Buffer.from("160301020001fc0303", "hex");
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const SETTINGS = Buffer.alloc(9, 0).fill(4, 3, 4);

const GARBAGE: readonly (readonly [string, Buffer])[] = [
  ["zeros", Buffer.alloc(70_000)],
  ["noise", Buffer.from(Array.from({ length: 4_096 }, (_, at) => (at * 197 + 13) % 256))],
  ["HTTP/1", Buffer.from("GET / HTTP/1.1\r\nHost: head\r\n\r\n")],
  ["HTTP/1 with a huge header", Buffer.from(`GET / HTTP/1.1\r\nX: ${"x".repeat(1_000_000)}\r\n\r\n`)],
  ["HTTP/2 without TLS", Buffer.concat([PREFACE, SETTINGS])],
  ["a TLS record of another kind", Buffer.from("1703030005deadbeef00", "hex")],
  ["a damaged ClientHello", Buffer.concat([CLIENT_HELLO_START, Buffer.alloc(508, 0xff)])],
  ["a TLS record that is longer than any", Buffer.from("160301ffff01", "hex")],
];

describe("a stranger", () => {
  it.each(GARBAGE)("with %s is dropped with one line in the log; others are served", async (_, bytes) => {
    const { address, port, turnedAway, spokenTo } = await serve();
    const socket = knock(port);
    await once(socket, "connect");
    socket.write(bytes);
    await closed(socket);
    await vi.waitUntil(() => turnedAway().length > 0, { timeout: 60_000 });
    expect(turnedAway()).toEqual([
      `turned away a connection from ${ELSEWHERE}: it showed no certificate that this head accepts`,
    ]);
    expect(spokenTo()).toBe(0);
    await isServed(address);
    expect(spokenTo()).toBe(1);
    expect(turnedAway()).toHaveLength(1);
  });

  it.each([
    ["without a certificate", {}],
    ["with TLS 1.2", { maxVersion: "TLSv1.2", cert: true }],
    ["that speaks HTTP/2 before its certificate is seen", { early: true }],
  ] as const)("%s is dropped: TLS alone lets nobody in", async (_, options) => {
    const { address, port, turnedAway, spokenTo } = await serve();
    const { certificate, key, authorities } = readCredential(`${directory}/admin.pem`)!;
    const socket = connectTls({
      socket: knock(port),
      ca: authorities,
      ...("cert" in options ? { cert: certificate, key, maxVersion: options.maxVersion } : {}),
      ALPNProtocols: ["h2"],
      checkServerIdentity: () => undefined,
    });
    socket.on("error", () => {});
    if ("early" in options) socket.write(Buffer.concat([PREFACE, SETTINGS]));
    socket.resume();
    await closed(socket);
    await vi.waitUntil(() => turnedAway().length > 0, { timeout: 60_000 });
    expect(spokenTo()).toBe(0);
    await isServed(address);
  });

  it("that looks whether somebody listens, and says nothing, is not worth a line", async () => {
    const { address, port, turnedAway } = await serve({ handshakeMs: 600_000 });
    const socket = knock(port);
    await once(socket, "connect");
    socket.destroy();
    await isServed(address);
    const other = knock(port);
    await once(other, "connect");
    other.write("hello?\n\n\n\n");
    await closed(other);
    await vi.waitUntil(() => turnedAway().length > 0, { timeout: 60_000 });
    // Of the two only one was counted.
    expect(turnedAway()).toEqual([expect.stringMatching(/it showed no certificate that this head accepts$/)]);
  });

  it("that is slow has so long for its handshake, whatever it sends meanwhile", async () => {
    const { address, port, spokenTo, turnedAway } = await serve({ handshakeMs: 300 });
    const sockets = [knock(port), knock(port)];
    const ended = sockets.map((socket) => closed(socket));
    await Promise.all(sockets.map((socket) => once(socket, "connect")));
    // One says nothing; the other a byte now and then, of a beginning that is right.
    const hello = [...CLIENT_HELLO_START];
    const drip = setInterval(() => sockets[1]!.write(Buffer.from([hello.shift() ?? 0])), 50);
    onTestFinished(() => clearInterval(drip));
    await isServed(address);
    await Promise.all(ended);
    await vi.waitUntil(() => turnedAway().length > 0, { timeout: 60_000 });
    expect(spokenTo()).toBe(1);
  });
});

describe("hundreds of connections that are never finished", () => {
  it("are so many of one address at a time; who is connected or comes from elsewhere is served", async () => {
    const { address, port, turnedAway, spokenTo } = await serve({ handshakeMs: 600_000 });
    const access = { place: directory, insecure: "no" as const };
    const before = await connectAdmin(address, { giveUpMs: Number.POSITIVE_INFINITY, access });
    onTestFinished(() => before.close());
    const more = 50;
    let gone = 0;
    const sockets = Array.from({ length: NEWCOMER_LIMITS.perAddress + more }, () => knock(port));
    for (const socket of sockets)
      socket.once("close", () => {
        gone += 1;
      });
    await vi.waitUntil(() => gone === more, { timeout: 60_000 });
    expect(turnedAway()[0]).toBe(
      `turned away a connection from ${ELSEWHERE}: too many connections are in their handshake`,
    );
    expect(await before.status()).toMatchObject({ workers: [] });
    if (ELSEWHERE !== "127.0.0.1") await isServed(address);
    expect(gone).toBe(more);
    // Room is made by those that go.
    for (const socket of sockets) socket.destroy();
    await vi.waitUntil(() => gone === sockets.length, { timeout: 60_000 });
    await isServed(address);
    expect(spokenTo()).toBe(ELSEWHERE === "127.0.0.1" ? 2 : 3);
  });

  it("are so many in all", async () => {
    const newcomers = { perAddress: 20, total: 5 };
    const { port, turnedAway } = await serve({ handshakeMs: 600_000, newcomers });
    let gone = 0;
    for (let count = 0; count < 8; count += 1) {
      knock(port).once("close", () => {
        gone += 1;
      });
    }
    await vi.waitUntil(() => gone === 3, { timeout: 60_000 });
    expect(turnedAway()).toHaveLength(1);
  });

  it("fill no log: it counts them", async () => {
    const { port, turnedAway } = await serve();
    vi.useFakeTimers({ toFake: ["performance"] });
    const knockInVain = async () => {
      const socket = knock(port);
      await once(socket, "connect");
      socket.write("hello?\n\n\n\n");
      await closed(socket);
    };
    for (let round = 0; round < 3; round += 1) await Promise.all(Array.from({ length: 10 }, knockInVain));
    expect(turnedAway()).toHaveLength(1);
    vi.advanceTimersByTime(1_001);
    await knockInVain();
    await vi.waitUntil(() => turnedAway().length === 2, { timeout: 60_000 });
    expect(turnedAway()[1]).toMatch(/, and (29|30) others since the last such line$/);
  });
});
