/**
 * Where peers of this machine and user connect, beside gRPC: a socket in the head's shared directory, which nobody
 * else can enter. A connection is nobody's until an authenticated call names its ticket.
 *
 *   accepted ──ticket──▶ waiting ──take──▶ the call's
 *       └────too late, too many────▶ closed
 */

import { createServer, type Server, type Socket } from "node:net";
import { TICKET_BYTES } from "../../../proto/link/grpc/local-socket.js";

/** Longer names are not possible everywhere. */
const MOST_PATH_BYTES = 100;
/** So many may be nobody's at a time, each for so long. */
const MOST_WAITING = 1_000;
const WAIT_MS = 10_000;
const ACCEPTED = Buffer.of(1);

/** Connections whose calls have not come. */
export class LocalSockets {
  readonly #server: Server;
  readonly #accepted = new Set<Socket>();
  readonly #waiting = new Map<string, Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => this.#accept(socket));
  }

  /**
   * Listens.
   *
   * @param path in a directory that only this user can enter
   * @returns undefined when that cannot be: then all goes over gRPC
   */
  static async listen(path: string): Promise<LocalSockets | undefined> {
    if (Buffer.byteLength(path) > MOST_PATH_BYTES) return undefined;
    const server = createServer({ allowHalfOpen: true });
    return new Promise((resolve) => {
      server.once("error", () => resolve(undefined));
      server.listen(path, () => {
        server.removeAllListeners("error").on("error", () => {});
        resolve(new LocalSockets(server));
      });
    });
  }

  /** The connection with this ticket; undefined: it has ended, or there was none. Once. */
  take(ticket: Uint8Array): Socket | undefined {
    const key = Buffer.from(ticket).toString("hex");
    const socket = this.#waiting.get(key);
    if (socket === undefined) return undefined;
    this.#waiting.delete(key);
    this.#accepted.delete(socket);
    socket.removeAllListeners();
    socket.setTimeout(0);
    return socket;
  }

  /** Ends those that nobody has taken, and listens no more. */
  close(): void {
    this.#server.close();
    for (const socket of this.#accepted) socket.destroy();
  }

  #accept(socket: Socket): void {
    if (this.#accepted.size >= MOST_WAITING) return void socket.destroy();
    this.#accepted.add(socket);
    let ticket = Buffer.alloc(0);
    socket.setTimeout(WAIT_MS, () => socket.destroy());
    socket.on("error", () => {});
    socket.on("end", () => socket.destroy());
    socket.on("close", () => {
      this.#accepted.delete(socket);
      this.#waiting.delete(ticket.toString("hex"));
    });
    socket.on("data", (chunk: Buffer) => {
      if (ticket.byteLength + chunk.byteLength > TICKET_BYTES) return void socket.destroy();
      ticket = Buffer.concat([ticket, chunk]);
      if (ticket.byteLength < TICKET_BYTES) return;
      // Batches may come before the call does.
      socket.pause();
      this.#waiting.set(ticket.toString("hex"), socket);
      socket.write(ACCEPTED);
    });
  }
}
