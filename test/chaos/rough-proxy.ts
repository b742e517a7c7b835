/** A TCP proxy that behaves as badly as a network: it drops connections, swallows bytes, and is slow. */

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** Both halves of one connection. */
interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

/** Stands between one peer and one address. */
export class RoughProxy {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Bytes of these vanish, in both directions. */
  readonly #deaf = new Set<Pair>();
  #delayMs = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param to `host:port` */
  static async to(to: string): Promise<RoughProxy> {
    const [host, port] = to.split(":");
    const server = createServer({ allowHalfOpen: true });
    const proxy = new RoughProxy(server);
    server.on("connection", (near) =>
      proxy.#pass({ near, far: connect({ port: Number(port), host: host!, allowHalfOpen: true }) }),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  get address(): string {
    const at = this.#server.address();
    if (at === null || typeof at === "string") throw new Error("the proxy does not listen");
    return `127.0.0.1:${at.port}`;
  }

  /** Resets every connection, with what is under way on it. */
  drop(): void {
    for (const pair of [...this.#pairs]) reset(pair);
  }

  /** Neither side hears the other from now on, nor that it does not; after so long both are told. */
  halfOpen(forMs: number): void {
    const pairs = [...this.#pairs];
    for (const pair of pairs) this.#deaf.add(pair);
    this.#later(forMs, () => {
      for (const pair of pairs) reset(pair);
    });
  }

  /** Everything arrives so much later, in order, for so long. */
  delay(byMs: number, forMs: number): void {
    this.#delayMs = byMs;
    this.#later(forMs, () => {
      this.#delayMs = 0;
    });
  }

  /** Ends all faults: connections that swallow are reset. */
  heal(): void {
    this.#delayMs = 0;
    for (const pair of [...this.#deaf]) reset(pair);
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.drop();
    this.#server.close();
    await once(this.#server, "close");
  }

  #later(ms: number, then: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      then();
    }, ms);
    this.#timers.add(timer);
  }

  #pass(pair: Pair): void {
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      this.#deaf.delete(pair);
      pair.near.destroy();
      pair.far.destroy();
    };
    for (const socket of [pair.near, pair.far]) socket.on("error", end).on("close", end);
    this.#forward(pair, pair.near, pair.far);
    this.#forward(pair, pair.far, pair.near);
  }

  #forward(pair: Pair, from: Socket, to: Socket): void {
    /** In the order of their reading: also when the delay gets shorter nothing overtakes. */
    const waiting: { readonly dueMs: number; readonly data: Uint8Array | undefined }[] = [];
    let timed = false;
    const write = () => {
      timed = false;
      while (waiting.length > 0 && waiting[0]!.dueMs <= performance.now()) {
        const { data } = waiting.shift()!;
        if (this.#deaf.has(pair) || to.destroyed) continue;
        if (data === undefined) to.end();
        else if (!to.write(data)) {
          from.pause();
          to.once("drain", () => from.resume());
        }
      }
      if (waiting.length === 0) return;
      timed = true;
      this.#later(Math.ceil(waiting[0]!.dueMs - performance.now()), write);
    };
    const take = (data: Uint8Array | undefined) => {
      waiting.push({ dueMs: performance.now() + this.#delayMs, data });
      if (!timed) write();
    };
    from.on("data", take);
    from.on("end", () => take(undefined));
  }
}

function reset({ near, far }: Pair): void {
  for (const socket of [near, far]) {
    // Node.js cannot reset what is being shut down: it would keep the handle, and spin when the process ends.
    if (socket.writableEnded) socket.destroy();
    else socket.resetAndDestroy();
  }
}
