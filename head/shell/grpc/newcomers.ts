/**
 * Connections whose peers have not shown a certificate yet: only so many at a time, from
 * one address and in all. Who has shown one is not counted any more.
 */

import type { Http2Server } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

/** How many may be in their handshake at a time. */
export interface NewcomerLimits {
  readonly perAddress: number;
  readonly total: number;
}

/** A rack that starts at once comes through one address, and who is dropped tries again. */
export const NEWCOMER_LIMITS: NewcomerLimits = { perAddress: 256, total: 1024 };

/** So many may come and go in a second without a word, and without a line in the log. */
const FEW = 16;
const A_WHILE_MS = 1_000;

/**
 * Watches a server.
 *
 * @param refused told who was turned away and why
 * @returns cuts off everybody, newcomers and others: a server that stops listening would wait for peers
 *   that never finish their handshake, or do not close their side of TLS
 */
export function limitNewcomers(
  http2Server: Http2Server,
  limits: NewcomerLimits & { readonly handshakeMs: number },
  refused: (address: string, why: string) => void,
): () => void {
  const waiting = new Map<string, Socket>();
  const counts = new Map<string, number>();
  const all = new Set<Socket>();
  let looks = 0;
  let since = Number.NEGATIVE_INFINITY;
  const isOneOfFew = (now: number) => {
    if (now - since >= A_WHILE_MS) [looks, since] = [0, now];
    looks += 1;
    return looks <= FEW;
  };
  const leave = (socket: Socket, key: string, address: string) => {
    if (waiting.get(key) !== socket) return;
    waiting.delete(key);
    const count = (counts.get(address) ?? 1) - 1;
    if (count === 0) counts.delete(address);
    else counts.set(address, count);
  };
  http2Server.prependListener("connection", (socket: Socket) => {
    const address = socket.remoteAddress ?? "";
    const count = counts.get(address) ?? 0;
    all.add(socket);
    socket.once("close", () => all.delete(socket));
    if (count >= limits.perAddress || waiting.size >= limits.total) {
      refused(address, "too many connections are in their handshake");
      socket.destroy();
      return;
    }
    const key = `${address} ${socket.remotePort}`;
    const cameAt = performance.now();
    waiting.set(key, socket);
    counts.set(address, count + 1);
    socket.once("close", () => {
      if (waiting.get(key) !== socket) return;
      leave(socket, key, address);
      // Who only looks whether somebody listens comes and goes without a word. Many at once are told.
      const now = performance.now();
      if (socket.bytesRead === 0 && now - cameAt < limits.handshakeMs && isOneOfFew(now)) return;
      refused(address, "it showed no certificate that this head accepts");
    });
  });
  http2Server.on("secureConnection", (socket: TLSSocket) => {
    const address = socket.remoteAddress ?? "";
    const key = `${address} ${socket.remotePort}`;
    const raw = waiting.get(key);
    if (raw !== undefined) leave(raw, key, address);
  });
  return () => {
    for (const socket of [...all]) socket.destroy();
  };
}
