/** What the bare relay's three processes speak: calls and results in batches, one batch for each turn of the event loop. */

import { Client, credentials, type MethodDefinition } from "@grpc/grpc-js";
import protobuf from "protobufjs";

export interface Call {
  id: number;
  function: number;
  args: Uint8Array;
}

export interface Result {
  id: number;
  value: Uint8Array;
}

export interface Batch {
  calls?: Call[];
  results?: Result[];
}

const BATCH = protobuf
  .parse(
    `syntax = "proto3";
    message Call { uint32 id = 1; uint32 function = 2; bytes args = 3; }
    message Result { uint32 id = 1; bytes value = 2; }
    message Batch { repeated Call calls = 1; repeated Result results = 2; }`,
  )
  .root.lookupType("Batch");

const serialize = (batch: Batch) => BATCH.encode(batch).finish() as Buffer;
const deserialize = (bytes: Buffer) => BATCH.decode(bytes) as Batch;

function method(path: string): MethodDefinition<Batch, Batch> {
  return {
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  };
}

export const relayService = { client: method("/bench.Relay/Client"), worker: method("/bench.Relay/Worker") };

/** More than any batch weighs. */
export const UNLIMITED = {
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
};

const ITEMS_A_BATCH = 10_000;

/** Gathers what is to be sent within a turn. */
export class Gathering<T> {
  #items: T[] = [];

  constructor(private readonly write: (items: T[]) => void) {}

  push(item: T): void {
    this.#items.push(item);
    if (this.#items.length === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const items = this.#items;
    this.#items = [];
    for (let from = 0; from < items.length; from += ITEMS_A_BATCH) {
      this.write(items.slice(from, from + ITEMS_A_BATCH));
    }
  }
}

/** Opens one of the relay's streams. */
export function openStream(address: string, kind: "client" | "worker") {
  const client = new Client(address, credentials.createInsecure(), UNLIMITED);
  const { path, requestSerialize, responseDeserialize } = relayService[kind];
  return client.makeBidiStreamRequest<Batch, Batch>(path, requestSerialize, responseDeserialize);
}
