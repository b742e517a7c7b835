/** Moves blobs over the Blobs service, in chunks, on a connection of their own. */

import { once } from "node:events";
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientWritableStream,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { ConnectionError } from "../../errors.js";
import type { BlobAnswer, BlobChunk, BlobQuery, BlobRef, Empty } from "../../grain.js";
import { digestLike } from "../../hash.js";
import { sharedRoot } from "../../share/directory.js";
import type { ValueFiles } from "../link.js";
import type { BreakableBlobs } from "../persistent-blobs.js";
import { persist } from "../reopen.js";
import { blobsService, MAX_MESSAGE_BYTES } from "./services.js";
import { GrpcFiles } from "./share.js";

const CHUNK_BYTES = 1024 * 1024;
/** For so long it tries to share files with a head again; later it does when a value is to be moved. */
const SHARE_AGAIN_MS = 60_000;

/**
 * Values that go to the head and values that come from it have a connection each. Node.js does not read
 * from an HTTP/2 connection while a write to it is under way: two ends that both wait until the other
 * reads, as they do once the buffers between them are full, would wait for ever.
 */
type Direction = "up" | "down";

const DOWN_WINDOW_BYTES = 16 * CHUNK_BYTES;

interface Cancellable {
  cancel(): void;
}

/** A blob transport over channels of its own, opened on first use: bulk never waits in front of batches. */
export class GrpcBlobs implements BreakableBlobs {
  #target: string;
  #address: string;
  #credentials: ChannelCredentials;
  #options: ChannelOptions;
  readonly #root: string | undefined;
  readonly #clients = new Map<Direction, Client>();
  #sharing: Promise<GrpcFiles | undefined> | undefined;
  /** The directory that was had last: a head may give it back. */
  #name = "";
  /** Their stream may be over. */
  #files: GrpcFiles | undefined;
  readonly #closed = new AbortController();
  readonly #underWay = new Set<Cancellable>();

  /** @param root where shared directories of this machine are; undefined: values are not shared */
  constructor(
    target: string,
    address: string,
    credentials: ChannelCredentials,
    options: ChannelOptions,
    root: string | undefined = sharedRoot(),
  ) {
    this.#target = target;
    this.#address = address;
    this.#credentials = credentials;
    this.#options = options;
    this.#root = root;
  }

  /**
   * From now on there is another connection, to the head here. What is under way over the one before is
   * cut off: a connection that was reset may look alive for as long as its keepalive takes.
   */
  move(target: string, address: string, credentials: ChannelCredentials, options: ChannelOptions): void {
    this.#target = target;
    this.#address = address;
    this.#credentials = credentials;
    this.#options = options;
    this.#files?.abandon();
    this.#sharing = undefined;
    this.#closeClients();
    for (const call of [...this.#underWay]) call.cancel();
  }

  get files(): ValueFiles | undefined {
    return this.#files?.over === false ? this.#files : undefined;
  }

  /** Where the head takes connections of this machine, if it shares a directory with it. */
  async socketPath(): Promise<string | undefined> {
    await this.share();
    return this.#files?.over === false ? this.#files.socketPath : undefined;
  }

  async share(): Promise<ValueFiles | undefined> {
    if (this.#root === undefined || this.#closed.signal.aborted) return undefined;
    if (this.#files?.over === true) {
      // The stream that it was found out by was lost: another may be had. One, however many ask.
      this.#name = this.#files.name;
      this.#files = undefined;
      this.#sharing = undefined;
    }
    this.#sharing ??= this.#openFiles(this.#root);
    const sharing = this.#sharing;
    const files = await sharing;
    // The head is somewhere else by now: nobody would end this stream.
    if (sharing !== this.#sharing) files?.abandon();
    else if (files !== undefined) this.#files = files;
    else if (this.#name !== "") this.#sharing = undefined;
    return this.files;
  }

  async #openFiles(root: string): Promise<GrpcFiles | undefined> {
    const opening = GrpcFiles.open(this.#open("up"), root, this.#name, () => void this.#shareAgain());
    const ended = this.#during(opening);
    try {
      return await opening.files;
    } finally {
      ended();
    }
  }

  /** A call is under way. @returns to be called at its end */
  #during(call: Cancellable): () => void {
    this.#underWay.add(call);
    return () => this.#underWay.delete(call);
  }

  /** The stream was lost: while the directory is kept for this process, it is taken up again. */
  async #shareAgain(): Promise<void> {
    const { signal } = this.#closed;
    await persist(
      async () => {
        if ((await this.share()) !== undefined || signal.aborted) return { type: "done", value: undefined };
        return { type: "failed", reason: "the head shares no files" };
      },
      { giveUpMs: SHARE_AGAIN_MS, signal },
    );
  }

  missing(hashes: readonly string[]): Promise<string[]> {
    const { path, requestSerialize, responseDeserialize } = blobsService.missing;
    return new Promise((resolve, reject) => {
      const call = this.#open("up").makeUnaryRequest<BlobQuery, BlobAnswer>(
        path,
        requestSerialize,
        responseDeserialize,
        { hashes: [...hashes] },
        (error, answer) => {
          ended();
          if (error) reject(this.#explain("asking for blobs", error));
          else resolve(answer?.missing ?? []);
        },
      );
      const ended = this.#during(call);
    });
  }

  async put(ref: BlobRef, parts: readonly Uint8Array[] | AsyncIterable<Uint8Array>): Promise<void> {
    const { path, requestSerialize, responseDeserialize } = blobsService.put;
    const ended = new AbortController();
    let fail!: (error: unknown) => void;
    const answered = new Promise<void>((resolve, reject) => {
      fail = reject;
      const answer = (error: ServiceError | null) => {
        left();
        ended.abort();
        if (error === null) resolve();
        else reject(this.#explain(`sending ${ref.hash}`, error));
      };
      const call = this.#open("up").makeClientStreamRequest<BlobChunk, Empty>(
        path,
        requestSerialize,
        responseDeserialize,
        answer,
      );
      const left = this.#during(call);
      send(call, ref, parts, ended.signal).catch((error) => {
        fail(error);
        call.cancel();
      });
    });
    await answered;
  }

  async get(ref: BlobRef): Promise<Uint8Array> {
    const { path, requestSerialize, responseDeserialize } = blobsService.get;
    const call = this.#open("down").makeServerStreamRequest<BlobRef, BlobChunk>(
      path,
      requestSerialize,
      responseDeserialize,
      ref,
    );
    const left = this.#during(call);
    let bytes = new Uint8Array(ref.byteLength);
    let filled = 0;
    try {
      for await (const chunk of call as AsyncIterable<BlobChunk>) {
        // Who knows a blob by its name only learns its length from the first chunk.
        if (filled === 0 && ref.byteLength === 0) bytes = new Uint8Array(chunk.ref?.byteLength ?? 0);
        if (filled + chunk.data.byteLength > bytes.byteLength)
          throw new Error("more bytes arrived than it has");
        bytes.set(chunk.data, filled);
        filled += chunk.data.byteLength;
      }
    } catch (error) {
      call.cancel();
      throw this.#explain(`fetching ${ref.hash}`, error as ServiceError);
    } finally {
      left();
    }
    const digest = digestLike(ref.hash);
    digest.update(bytes);
    if (filled !== bytes.byteLength || digest.name() !== ref.hash) {
      throw new ConnectionError(
        `The value ${ref.hash} arrived damaged from ${this.#address}: ${filled} of ${bytes.byteLength} bytes.`,
      );
    }
    return bytes;
  }

  wasCutOff(error: unknown): boolean {
    const { code, details } = ((error as Error).cause ?? {}) as Partial<ServiceError>;
    if (code === status.UNAVAILABLE || code === status.CANCELLED || code === status.ABORTED) return true;
    // A connection that is reset in mid-message is told as an internal error.
    return code === status.INTERNAL && /RST_STREAM|ECONNRESET|socket/i.test(details ?? "");
  }

  close(): void {
    this.#closed.abort();
    this.#files?.close();
    void this.#sharing?.then((files) => files?.close());
    this.#closeClients();
  }

  #closeClients(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }

  #open(direction: Direction): Client {
    let client = this.#clients.get(direction);
    if (client === undefined) {
      client = new Client(this.#target, this.#credentials, {
        ...this.#options,
        "grpc.use_local_subchannel_pool": 1,
        "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
        "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
        ...(direction === "down" ? { "grpc-node.flow_control_window": DOWN_WINDOW_BYTES } : {}),
      });
      this.#clients.set(direction, client);
    }
    return client;
  }

  #explain(doing: string, error: ServiceError): ConnectionError {
    return new ConnectionError(
      `The head at ${this.#address} failed while ${doing}: ${error.details || error.message}`,
      {
        cause: error,
      },
    );
  }
}

/** Sends a value; stops when the head does not want the rest. */
async function send(
  call: ClientWritableStream<BlobChunk>,
  ref: BlobRef,
  parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  // Its failure is the answer's.
  call.on("error", () => {});
  let first: BlobRef | undefined = ref;
  for await (const part of parts) {
    for (let start = 0; start < part.byteLength; start += CHUNK_BYTES) {
      if (signal.aborted) return;
      const more = call.write({ ref: first, data: part.subarray(start, start + CHUNK_BYTES) });
      first = undefined;
      if (!more && !(await drained(call, signal))) return;
    }
  }
  if (first !== undefined) call.write({ ref, data: new Uint8Array(0) });
  call.end();
}

/** Resolves to false when the call has ended. */
async function drained(call: ClientWritableStream<BlobChunk>, signal: AbortSignal): Promise<boolean> {
  try {
    await once(call, "drain", { signal });
    return true;
  } catch {
    return false;
  }
}
