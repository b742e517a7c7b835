/** Moves blobs over the Blobs service, in chunks, on a connection of their own. */

import { type ChannelCredentials, type ChannelOptions, Client, type ServiceError } from "@grpc/grpc-js";
import { ConnectionError } from "../../errors.js";
import type { BlobAnswer, BlobChunk, BlobQuery, BlobRef, Empty } from "../../grain.js";
import { refOf } from "../../hash.js";
import type { BlobTransport } from "../link.js";
import { blobsService, MAX_MESSAGE_BYTES } from "./services.js";

const CHUNK_BYTES = 1024 * 1024;

/** A blob transport over its own channel, opened on first use: bulk never waits in front of batches. */
export class GrpcBlobs implements BlobTransport {
  readonly #target: string;
  readonly #address: string;
  readonly #credentials: ChannelCredentials;
  readonly #options: ChannelOptions;
  #client: Client | undefined;

  constructor(target: string, address: string, credentials: ChannelCredentials, options: ChannelOptions) {
    this.#target = target;
    this.#address = address;
    this.#credentials = credentials;
    this.#options = options;
  }

  missing(hashes: readonly string[]): Promise<string[]> {
    const { path, requestSerialize, responseDeserialize } = blobsService.missing;
    return new Promise((resolve, reject) => {
      this.#open().makeUnaryRequest<BlobQuery, BlobAnswer>(
        path,
        requestSerialize,
        responseDeserialize,
        { hashes: [...hashes] },
        (error, answer) =>
          error ? reject(this.#explain("asking for blobs", error)) : resolve(answer?.missing ?? []),
      );
    });
  }

  async put(ref: BlobRef, parts: readonly Uint8Array[]): Promise<void> {
    const { path, requestSerialize, responseDeserialize } = blobsService.put;
    await new Promise<void>((resolve, reject) => {
      const call = this.#open().makeClientStreamRequest<BlobChunk, Empty>(
        path,
        requestSerialize,
        responseDeserialize,
        (error) => (error ? reject(this.#explain(`sending ${ref.hash}`, error)) : resolve()),
      );
      const chunks = chunksOf(ref, parts);
      const pump = () => {
        for (let next = chunks.next(); !next.done; next = chunks.next()) {
          if (!call.write(next.value)) return;
        }
        call.removeListener("drain", pump);
        call.end();
      };
      call.on("drain", pump);
      call.on("error", () => call.removeListener("drain", pump));
      pump();
    });
  }

  async get(ref: BlobRef): Promise<Uint8Array> {
    const { path, requestSerialize, responseDeserialize } = blobsService.get;
    const call = this.#open().makeServerStreamRequest<BlobRef, BlobChunk>(
      path,
      requestSerialize,
      responseDeserialize,
      ref,
    );
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
    }
    if (filled !== bytes.byteLength || refOf([bytes]).hash !== ref.hash) {
      throw new ConnectionError(
        `The value ${ref.hash} arrived damaged from ${this.#address}: ${filled} of ${bytes.byteLength} bytes.`,
      );
    }
    return bytes;
  }

  close(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  #open(): Client {
    this.#client ??= new Client(this.#target, this.#credentials, {
      ...this.#options,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
      "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
      "grpc-node.flow_control_window": 16 * CHUNK_BYTES,
    });
    return this.#client;
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

function* chunksOf(ref: BlobRef, parts: readonly Uint8Array[]): Generator<BlobChunk> {
  let first = true;
  for (const part of parts) {
    for (let start = 0; start < part.byteLength; start += CHUNK_BYTES) {
      yield { ref: first ? ref : undefined, data: part.subarray(start, start + CHUNK_BYTES) };
      first = false;
    }
  }
  if (first) yield { ref, data: new Uint8Array(0) };
}
