/** The bare hop's service: bytes there and back. */

import type { MethodDefinition } from "@grpc/grpc-js";

export const HOP_WINDOW_BYTES = 16 * 1024 * 1024;

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
