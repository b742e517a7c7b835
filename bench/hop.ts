/** The bare hop's service: bytes there and back. */

import type { MethodDefinition } from "@grpc/grpc-js";

/**
 * As much as loopback takes without a reader: Node.js does not read while it writes, so two ends with larger windows
 * that send bulk at the same time now and then wait for each other for ever.
 */
export const HOP_WINDOW_BYTES = 1024 * 1024;

const asIs = (bytes: Buffer) => bytes;

const echo: MethodDefinition<Buffer, Buffer> = {
  path: "/bench.Hop/Echo",
  requestStream: true,
  responseStream: true,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
};

export const echoService = { echo };
