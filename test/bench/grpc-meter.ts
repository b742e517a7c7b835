/**
 * A proxy that counts what passes between gRPC peers: bytes on the wire, and gRPC messages, which
 * it finds by HTTP/2's frame headers and gRPC's length prefixes. It understands nothing else.
 */

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

const PREFACE_BYTES = 24;
const FRAME_HEADER_BYTES = 9;
const MESSAGE_HEADER_BYTES = 5;
const DATA = 0;

/** What passed in one direction. */
export class Traffic {
  bytes = 0;
  /** gRPC messages: batches, on the long-lived streams. */
  messages = 0;
}

/** Finds the messages of one direction of one connection. */
class FrameCounter {
  readonly #traffic: Traffic;
  #rest: Buffer = Buffer.alloc(0);
  #skip: number;
  /** Of each stream: bytes of the message that has begun, and a header that is cut. */
  readonly #streams = new Map<number, { left: number; header: Buffer }>();

  constructor(traffic: Traffic, fromClient: boolean) {
    this.#traffic = traffic;
    this.#skip = fromClient ? PREFACE_BYTES : 0;
  }

  push(chunk: Buffer): void {
    this.#traffic.bytes += chunk.byteLength;
    let data = this.#rest.byteLength === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const skipped = Math.min(this.#skip, data.byteLength);
    this.#skip -= skipped;
    data = data.subarray(skipped);
    for (;;) {
      if (data.byteLength < FRAME_HEADER_BYTES) break;
      const end = FRAME_HEADER_BYTES + data.readUIntBE(0, 3);
      if (data.byteLength < end) break;
      if (data[3] === DATA) this.#data(data.readUInt32BE(5), data.subarray(FRAME_HEADER_BYTES, end));
      data = data.subarray(end);
    }
    this.#rest = data;
  }

  #data(stream: number, payload: Buffer): void {
    const state = this.#streams.get(stream) ?? { left: 0, header: Buffer.alloc(0) };
    this.#streams.set(stream, state);
    let rest = payload;
    while (rest.byteLength > 0) {
      if (state.left > 0) {
        const taken = Math.min(state.left, rest.byteLength);
        state.left -= taken;
        rest = rest.subarray(taken);
        continue;
      }
      const missing = MESSAGE_HEADER_BYTES - state.header.byteLength;
      state.header = Buffer.concat([state.header, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      if (state.header.byteLength < MESSAGE_HEADER_BYTES) return;
      this.#traffic.messages += 1;
      state.left = state.header.readUInt32BE(1);
      state.header = Buffer.alloc(0);
    }
  }
}

/** Stands between a head and those who connect to `address` instead. */
export class GrpcMeter {
  readonly toHead = new Traffic();
  readonly fromHead = new Traffic();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(head: string) {
    const [host, port] = head.split(":");
    this.#server = createServer((peer) => {
      const upstream = connect(Number(port), host!);
      this.#join(peer, upstream, new FrameCounter(this.toHead, true));
      this.#join(upstream, peer, new FrameCounter(this.fromHead, false));
    });
  }

  static async before(head: string): Promise<GrpcMeter> {
    const meter = new GrpcMeter(head);
    meter.#server.listen(0, "127.0.0.1");
    await once(meter.#server, "listening");
    return meter;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(from: Socket, to: Socket, counter: FrameCounter): void {
    this.#sockets.add(from);
    from.on("data", (chunk: Buffer) => {
      counter.push(chunk);
      to.write(chunk);
    });
    from.on("end", () => to.end());
    from.on("error", () => to.destroy());
    from.on("close", () => this.#sockets.delete(from));
  }
}
