/**
 * Where peers of this machine and user connect, beside gRPC: a socket in the head's shared directory, which nobody
 * else can enter. A connection is nobody's until an authenticated call names its ticket.
 *
 *   accepted ──ticket──▶ waiting ──take──▶ the call's
 *       └────too late, too many────▶ closed
 */

import { createServer, type Server, type Socket } from "node:net";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { LocalCall } from "../../../proto/link/grpc/local-call.js";
import { TICKET_BYTES, TICKET_KEY } from "../../../proto/link/grpc/local-socket.js";
import type { StreamDefinition } from "../../../proto/link/grpc/services.js";
import { cutOff } from "../../../proto/link/grpc/stream.js";
import { listenPrivately } from "./socket-file.js";

/** Longer names are not possible everywhere. */
const MOST_PATH_BYTES = 103;
/** So many may be nobody's at a time, each for so long. */
const LIMITS = { most: 1_000, waitMs: 10_000 };
const ACCEPTED = Buffer.of(1);

/** Connections whose calls have not come. */
export class LocalSockets {
  readonly #server: Server;
  readonly #accepted = new Set<Socket>();
  readonly #waiting = new Map<string, Socket>();
  readonly #limits: typeof LIMITS;

  private constructor(server: Server, limits: typeof LIMITS) {
    this.#server = server;
    this.#limits = limits;
    server.on("connection", (socket) => this.#accept(socket));
  }

  /**
   * Listens.
   *
   * @param path in a directory that only this user can enter
   * @returns undefined when that cannot be: then all goes over gRPC
   */
  static async listen(path: string, limits = LIMITS): Promise<LocalSockets | undefined> {
    if (Buffer.byteLength(path) > MOST_PATH_BYTES) return undefined;
    const server = createServer({ allowHalfOpen: true });
    listenPrivately(server);
    return new Promise((resolve) => {
      server.once("error", () => resolve(undefined));
      server.listen(path, () => {
        server.removeAllListeners("error").on("error", () => {});
        resolve(new LocalSockets(server, limits));
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
    if (this.#accepted.size >= this.#limits.most) return void socket.destroy();
    this.#accepted.add(socket);
    let ticket = Buffer.alloc(0);
    socket.setTimeout(this.#limits.waitMs, () => socket.destroy());
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

/** By what a call's batches go: a socket of the peer's, if the call names one. @returns undefined when that has ended */
export function streamOf<Q, R>(
  call: ServerDuplexStream<Q, R>,
  { request, response }: StreamDefinition<Q, R>,
  sockets: LocalSockets | undefined,
): ServerDuplexStream<Q, R> | LocalCall<R, Q> | undefined {
  const [ticket] = call.metadata.get(TICKET_KEY);
  if (ticket === undefined) return call;
  const end = (message: string) => cutOff(call, message);
  const socket = typeof ticket === "string" ? undefined : sockets?.take(ticket);
  if (socket === undefined) return void end("the socket that this stream names has ended");
  return new LocalCall(call, end, socket, { out: response, in: request });
}
