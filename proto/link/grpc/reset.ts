/**
 * Notices connections that were reset while something was being written to them. Then Node.js (20 at
 * least) may lose the failure between TLS and HTTP/2, and read no more: the connection is gone, and
 * nobody is told until a keepalive times out.
 */

import type { Socket } from "node:net";

/** So often it is looked; a system call for each connection. */
const LOOK_MS = 1_000;

const watched = new Set<Socket>();
let timer: NodeJS.Timeout | undefined;

/**
 * Has a TCP connection closed soon after the system has given it up, whoever else has noticed.
 *
 * @example
 * http2Server.on("connection", noticeReset);
 */
export function noticeReset(socket: Socket): void {
  if (socket.destroyed || watched.has(socket)) return;
  watched.add(socket);
  socket.once("close", () => {
    watched.delete(socket);
    if (watched.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  });
  timer ??= setInterval(look, LOOK_MS).unref();
}

function look(): void {
  for (const socket of watched) if (isGone(socket)) socket.destroy();
}

interface Handle {
  getpeername?(out: object): number;
}

/** A connection has a peer until the system gives it up; sockets of other kinds cannot be asked. */
function isGone(socket: Socket): boolean {
  const { _handle: handle } = socket as { _handle?: Handle | null };
  return !socket.connecting && (handle?.getpeername?.({}) ?? 0) < 0;
}
