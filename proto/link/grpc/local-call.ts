/**
 * A stream between two processes of one machine: a gRPC call that was authenticated as any other, and whose
 * batches go by a unix socket. The call carries nothing, and lives as long as the socket: who is cut off, or may not
 * make the call any more, loses both.
 *
 * Not its job: opening either (local-socket.ts and connect.ts; the head's shell).
 */

import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { END, FrameReader, frame } from "./frames.js";
import { type Coder, MAX_MESSAGE_BYTES, Malformed } from "./services.js";

/** What is needed of the gRPC call, on either side. */
export interface Lifeline {
  on(event: "data" | "end" | "cancelled" | "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  end(): void;
}

/** How batches are written, one way and the other. */
export interface Coders<Out, In> {
  readonly out: Coder<Out>;
  readonly in: Coder<In>;
}

/** When the socket is lost the call is as well, and tells why, within so long. */
const VERDICT_MS = 1_000;

/** Sends and receives batches as a gRPC call does, and has its events. */
export class LocalCall<Out, In> extends EventEmitter {
  readonly #lifeline: Lifeline;
  readonly #cutOff: (message: string) => void;
  readonly #socket: Socket;
  readonly #coders: Coders<Out, In>;
  readonly #frames = new FrameReader(MAX_MESSAGE_BYTES);
  #paused = true;
  /** The peer has ended its half. */
  #ended = false;
  /** Nothing more comes from the socket. */
  #dry = false;
  #over = false;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param cutOff ends the gRPC call at once
   * @param socket that does not end by itself when the peer's half has ended
   */
  constructor(
    lifeline: Lifeline,
    cutOff: (message: string) => void,
    socket: Socket,
    coders: Coders<Out, In>,
  ) {
    super();
    this.#lifeline = lifeline;
    this.#cutOff = cutOff;
    this.#socket = socket;
    this.#coders = coders;
    socket.pause();
    socket.on("data", (chunk: Buffer) => {
      this.#frames.add(chunk);
      this.#read();
    });
    socket.on("drain", () => this.emit("drain"));
    socket.on("end", () => {
      this.#dry = true;
      this.#read();
    });
    // "close" follows.
    socket.on("error", () => {});
    socket.on("close", () => this.#socketClosed());
    this.#follow(lifeline);
  }

  /** @returns false: "drain" tells when there is room */
  write(batch: Out): boolean {
    return this.#socket.write(frame(this.#coders.out, batch));
  }

  end(): void {
    if (!this.#socket.writableEnded) this.#socket.end(END);
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#socket.resume();
    this.#read();
  }

  /** Ends both at once. */
  abandon(message: string): void {
    this.#finish(() => this.#cutOff(message));
  }

  #read(): void {
    while (!this.#paused && !this.#over && !this.#ended) {
      const bytes = this.#frames.next();
      if (bytes === undefined) {
        // Lost: the last batch has a mark behind it.
        if (this.#dry) this.#socket.destroy();
        return;
      }
      if (bytes instanceof Malformed) return void this.emit("data", bytes);
      this.#ended = bytes.byteLength === 0;
      if (this.#ended) this.emit("end");
      else this.emit("data", this.#coders.in.decode(bytes));
    }
  }

  /** The call has ended. What had arrived on the socket by then is read first: the loop polls between two immediates. */
  #follow(lifeline: Lifeline): void {
    const then = (end: () => void) => setImmediate(() => setImmediate(() => this.#finish(end)));
    lifeline.on("data", () => {});
    lifeline.on("end", () => {});
    lifeline.on("error", (error) => then(() => this.emit("error", error)));
    lifeline.on("cancelled", () => then(() => this.emit("cancelled")));
    lifeline.on("close", () => then(() => this.emit("close")));
  }

  #socketClosed(): void {
    if (this.#over) return;
    if (this.#ended && this.#socket.writableFinished) {
      this.#over = true;
      this.#lifeline.end();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#cutOff("its socket was lost");
      this.#finish(() => this.emit("close"));
    }, VERDICT_MS);
  }

  #finish(end: () => void): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#socket.destroy();
    end();
  }
}
