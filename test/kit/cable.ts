/** A TCP proxy whose connections a test cuts: what a network does to peers. */

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** Stands between peers and one address. */
export class Cable {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #pairs = new Map<Socket, Socket>();
  readonly #stranded = new Set<Socket>();
  #waiting: (() => void)[] = [];
  #lets = true;
  #passed = 0;
  /** Bytes that have gone to the server. */
  sent = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param to `host:port` */
  static async to(to: string): Promise<Cable> {
    const [host, port] = to.split(":");
    const server = createServer();
    const proxy = new Cable(server);
    server.on("connection", (near) => proxy.#pass(near, connect(Number(port), host)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  get address(): string {
    const at = this.#server.address();
    if (at === null || typeof at === "string") throw new Error("the proxy does not listen");
    return `127.0.0.1:${at.port}`;
  }

  /** Ends every connection, with what is under way on it. */
  cut(): void {
    this.#passed = 0;
    for (const socket of this.#open) {
      // Node.js cannot reset what is being shut down.
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  }

  /** From now on nobody gets through, or everybody does again. */
  set lets(lets: boolean) {
    this.#lets = lets;
    if (!lets) this.cut();
  }

  /**
   * Waits until so many bytes have come from the server over one connection, then leaves that one open with
   * nothing passing any more, and cuts all others: a reset that one end has not noticed.
   */
  async strand(bytes: number): Promise<void> {
    for (;;) {
      for (const [far, near] of this.#pairs) {
        if (far.bytesRead < bytes) continue;
        for (const socket of [far, near]) {
          socket.unpipe().removeAllListeners("data").pause();
          this.#open.delete(socket);
          this.#stranded.add(socket);
        }
        this.cut();
        return;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Resolves when so many bytes have come from the server since the last cut. */
  async passes(bytes: number): Promise<void> {
    while (this.#passed < bytes) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  async close(): Promise<void> {
    this.cut();
    for (const socket of this.#stranded) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #pass(near: Socket, far: Socket): void {
    const both = [near, far];
    for (const socket of both) {
      this.#open.add(socket);
      const end = () => {
        this.#open.delete(socket);
        for (const other of both) other.destroy();
      };
      socket.on("error", end);
      socket.on("close", end);
    }
    if (!this.#lets) {
      near.resetAndDestroy();
      return;
    }
    this.#pairs.set(far, near);
    far.on("close", () => this.#pairs.delete(far));
    near.pipe(far);
    far.pipe(near);
    near.on("data", (data) => {
      this.sent += data.byteLength;
    });
    far.on("data", (data) => {
      this.#passed += data.byteLength;
      for (const resolve of this.#waiting.splice(0)) resolve();
    });
  }
}
