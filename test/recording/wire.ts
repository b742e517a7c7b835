/** Calls as bytes: what a recording keeps, and what is played again. */

import { Client, credentials, type ServerDuplexStream } from "@grpc/grpc-js";

/** Calls that are recorded, by their paths. Files in shared memory are not: they are of one machine. */
export const PATHS = [
  "/grain.v1.Scheduling/Session",
  "/grain.v1.Scheduling/Work",
  "/grain.v1.Blobs/Missing",
  "/grain.v1.Blobs/Put",
  "/grain.v1.Blobs/Get",
] as const;

/** One thing that happened, in the order in which it did. */
export interface Entry {
  /** Numbers the calls. */
  readonly call: number;
  readonly path: string;
  readonly from: "peer" | "head";
  /** One message, in base64; absent: that side ended the call. */
  readonly bytes?: string;
}

/** A call of which both directions are bytes. On the wire calls of all kinds look like this. */
export type RawCall = ServerDuplexStream<Buffer, Buffer>;

/** Bytes as they are. */
export const asIs = (bytes: Buffer): Buffer => bytes;

/** Makes calls of bytes. @param target as gRPC names it */
export function rawClient(target: string): Client {
  return new Client(target, credentials.createInsecure());
}

/** Opens one. */
export function openRaw(client: Client, path: string) {
  return client.makeBidiStreamRequest<Buffer, Buffer>(path, asIs, asIs);
}
