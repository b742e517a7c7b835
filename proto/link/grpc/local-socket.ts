/** A peer's socket to a head on its machine: opened first, and named by the call that it is for. */

import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";

/** In the metadata of a call: the ticket of the socket by which its batches go. */
export const TICKET_KEY = "grain-local-bin";
export const TICKET_BYTES = 32;

/** So long a head may take to accept. */
const ACCEPT_MS = 1_000;

/** A socket that waits at the head for its call. */
export interface LocalSocket {
  readonly socket: Socket;
  /** Known to nobody else. */
  readonly ticket: Buffer;
}

/**
 * Connects to a head's socket.
 *
 * @param path in a directory of this user's alone
 * @returns undefined when no head takes it there: gRPC is for all
 */
export function openLocal(path: string): Promise<LocalSocket | undefined> {
  const ticket = randomBytes(TICKET_BYTES);
  const socket = connect({ path, allowHalfOpen: true });
  return new Promise((resolve) => {
    const settle = (found: LocalSocket | undefined) => {
      clearTimeout(timer);
      socket.removeAllListeners();
      socket.pause();
      if (found === undefined) socket.on("error", () => {}).destroy();
      resolve(found);
    };
    const timer = setTimeout(() => settle(undefined), ACCEPT_MS);
    socket.once("connect", () => socket.write(ticket));
    // One byte, which says that the head holds the socket.
    socket.once("data", () => settle({ socket, ticket }));
    for (const event of ["error", "end", "close"]) socket.once(event, () => settle(undefined));
  });
}
