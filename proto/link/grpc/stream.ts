/**
 * A link over one bidirectional gRPC stream, for either side of it.
 *
 * Not its job: opening the stream (connect.ts), accepting it (the head's shell).
 */

import type { ClientDuplexStream, ServerDuplexStream } from "@grpc/grpc-js";
import { reviewSettings } from "../../engine.js";
import type { Link, LinkEnd, LinkHandler } from "../link.js";
import { Outbox } from "../outbox.js";
import type { LocalCall } from "./local-call.js";
import { Malformed } from "./services.js";

/** How messages are put into a batch and taken out of one. */
export interface BatchCodec<Out, In, OutBatch, InBatch> {
  pack(messages: Out[]): OutBatch;
  unpack(batch: InBatch): In[];
}

type GrpcCall<OutBatch, InBatch> =
  | ClientDuplexStream<OutBatch, InBatch>
  | ServerDuplexStream<InBatch, OutBatch>;

/** What a link needs of any of them. */
interface Stream<OutBatch, InBatch> {
  on(event: "data", listener: (batch: InBatch) => void): unknown;
  on(event: "error", listener: (error: Error & { code?: number; details?: string }) => void): unknown;
  on(event: "end" | "cancelled" | "close" | "drain", listener: () => void): unknown;
  write(batch: OutBatch): boolean;
  end(): unknown;
  pause(): unknown;
  resume(): unknown;
}

type Message = { readonly body?: { readonly $case: string } | undefined };

const LOST: LinkEnd = { type: "broken", message: "the connection was lost" };

function wasCancelled(call: object): boolean {
  return "cancelled" in call && call.cancelled === true;
}

class StreamLink<Out extends Message, In, OutBatch, InBatch> implements Link<Out, In> {
  readonly #call: Stream<OutBatch, InBatch>;
  readonly #cutOff: (message: string) => void;
  readonly #codec: BatchCodec<Out, In, OutBatch, InBatch>;
  readonly #outbox = new Outbox<Out>();
  #handler: LinkHandler<In> | undefined;
  #state: "open" | "closing" | "ended" = "open";
  #end: LinkEnd | undefined;
  #flushDue = false;
  #blocked = false;
  #waiting: (() => void)[] = [];

  constructor(
    call: Stream<OutBatch, InBatch>,
    cutOff: (message: string) => void,
    codec: BatchCodec<Out, In, OutBatch, InBatch>,
  ) {
    this.#call = call;
    this.#cutOff = cutOff;
    this.#codec = codec;
    call.on("error", (error) => {
      // 3 and 13: the peer's bytes could not be decoded, or were too large.
      const malformed = error.code === 13 && /deserial|decod|parse/i.test(error.message);
      this.#finish({ type: malformed ? "malformed" : "broken", message: error.details || error.message });
    });
    // A cancelled call looks like an orderly end for a moment.
    call.on("end", () => setImmediate(() => this.#finish(wasCancelled(call) ? LOST : { type: "closed" })));
    call.on("cancelled", () => this.#finish(LOST));
    call.on("close", () => setImmediate(() => this.#finish(LOST)));
    call.on("drain", () => {
      this.#blocked = false;
      this.flush();
    });
  }

  get pendingBytes(): number {
    return this.#outbox.bytes;
  }

  drained(): Promise<void> {
    if (!this.#blocked || this.#state === "ended") return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  send(message: Out): void {
    if (this.#state !== "open") return;
    this.#outbox.push(message);
    if (this.#flushDue || this.#blocked) return;
    this.#flushDue = true;
    setImmediate(() => {
      if (this.#flushDue) this.flush();
    });
  }

  flush(): void {
    this.#flushDue = false;
    if (this.#state === "ended") return;
    while (!this.#blocked && !this.#outbox.empty) {
      this.#blocked = !this.#call.write(this.#codec.pack(this.#outbox.take()));
    }
    if (this.#blocked) return;
    this.#wake();
    if (this.#state === "closing") this.#call.end();
  }

  receive(handler: LinkHandler<In>): void {
    this.#handler = handler;
    if (this.#end !== undefined) {
      const end = this.#end;
      queueMicrotask(() => handler.ended(end));
      return;
    }
    this.#call.on("data", (batch: InBatch) => {
      if (this.#state === "ended") return;
      reviewSettings();
      if (batch instanceof Malformed) this.#abandon({ type: "malformed", message: batch.why });
      else handler.messages(this.#codec.unpack(batch));
    });
    this.#call.resume();
  }

  pause(paused: boolean): void {
    if (this.#state === "ended") return;
    if (paused) this.#call.pause();
    else this.#call.resume();
  }

  close(): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.flush();
  }

  destroy(message: string): void {
    if (this.#state !== "ended") this.#abandon({ type: "broken", message });
  }

  #abandon(end: LinkEnd & { readonly message: string }): void {
    this.#finish(end);
    this.#cutOff(end.message);
  }

  #finish(end: LinkEnd): void {
    if (this.#state === "ended") return;
    const wasClosing = this.#state === "closing";
    this.#state = "ended";
    this.#end = wasClosing ? { type: "closed" } : end;
    this.#outbox.clear();
    this.#wake();
    // The peer has ended its half: end ours, so that the stream is over on both sides.
    if (end.type === "closed" && !wasClosing) this.#call.end();
    this.#handler?.ended(this.#end);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** Ends a call at once. @param message what a server tells its client of it */
export function cutOff<OutBatch, InBatch>(call: GrpcCall<OutBatch, InBatch>, message: string): void {
  if ("cancel" in call) call.cancel();
  // How grpc-js wants a server to end a call with a status: ABORTED.
  else call.emit("error", Object.assign(new Error(message), { code: 10, details: message }));
}

/**
 * Makes a link of one end of a stream.
 *
 * @param call the stream, of a grpc-js client or server, or one that goes by a socket
 * @param codec how its batches hold messages
 */
export function streamLink<Out extends Message, In, OutBatch, InBatch>(
  call: GrpcCall<OutBatch, InBatch> | LocalCall<OutBatch, InBatch>,
  codec: BatchCodec<Out, In, OutBatch, InBatch>,
): Link<Out, In> {
  const end = (message: string) => {
    if ("abandon" in call) call.abandon(message);
    else cutOff(call, message);
  };
  return new StreamLink(call as Stream<OutBatch, InBatch>, end, codec);
}
