/**
 * The services of grain.proto as grpc-js sees them: paths and (de)serialisers.
 *
 * The generated codec is handed to grpc-js directly; no descriptor is parsed at run time.
 */

import type { MethodDefinition } from "@grpc/grpc-js";
import protobuf, { type Writer } from "protobufjs/minimal.js";
import { messageOf } from "../../errors.js";
import {
  AccessAnswer,
  AccessQuery,
  BlobAnswer,
  BlobChunk,
  BlobQuery,
  BlobRef,
  CacheAnswer,
  CacheQuery,
  CancelAnswer,
  CancelQuery,
  ClientBatch,
  Empty,
  ExplainQuery,
  Explanation,
  HeadStatus,
  HeadToClientBatch,
  HeadToWorkerBatch,
  QuitAnswer,
  QuitRequest,
  ScaleRequest,
  ScaleStatus,
  SessionDetail,
  SessionExplanation,
  SessionQuery,
  ShareAnswer,
  ShareRequest,
  WorkerBatch,
} from "../../grain.js";

/** Writes and reads messages of one type. */
export interface Coder<T> {
  encode(message: T, writer?: Writer): Writer;
  decode(bytes: Uint8Array): T;
}

/** What comes in place of a batch when its bytes are none: grpc-js would end the call, and say nothing to its owner. */
export class Malformed {
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}

/** Reads a batch, or a {@link Malformed}: only links take these, and they look. */
function tolerant<T>({ encode, decode }: Coder<T>): Coder<T> {
  return {
    encode,
    decode(bytes) {
      try {
        return decode(bytes);
      } catch (error) {
        return new Malformed(messageOf(error)) as T;
      }
    },
  };
}

function method<Q, R>(
  path: string,
  request: Coder<Q>,
  response: Coder<R>,
  requestStream: boolean,
  responseStream: boolean,
): MethodDefinition<Q, R> {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: (value) => request.encode(value).finish() as Buffer,
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (value) => response.encode(value).finish() as Buffer,
    responseDeserialize: (bytes) => response.decode(bytes),
  };
}

/** A stream of batches, which may travel without gRPC. */
export interface StreamDefinition<Q, R> extends MethodDefinition<Q, R> {
  readonly request: Coder<Q>;
  readonly response: Coder<R>;
}

function stream<Q, R>(path: string, request: Coder<Q>, response: Coder<R>): StreamDefinition<Q, R> {
  const coders = { request: tolerant(request), response: tolerant(response) };
  return { ...method(path, coders.request, coders.response, true, true), ...coders };
}

/** The two long-lived streams. */
export const schedulingService = {
  session: stream("/grain.v1.Scheduling/Session", ClientBatch, HeadToClientBatch),
  work: stream("/grain.v1.Scheduling/Work", WorkerBatch, HeadToWorkerBatch),
};

/** Large values. */
export const blobsService = {
  missing: method("/grain.v1.Blobs/Missing", BlobQuery, BlobAnswer, false, false),
  put: method("/grain.v1.Blobs/Put", BlobChunk, Empty, true, false),
  get: method("/grain.v1.Blobs/Get", BlobRef, BlobChunk, false, true),
  share: method("/grain.v1.Blobs/Share", ShareRequest, ShareAnswer, true, true),
};

/** Administration. */
export const adminService = {
  status: method("/grain.v1.Admin/Status", Empty, HeadStatus, false, false),
  explain: method("/grain.v1.Admin/Explain", ExplainQuery, Explanation, false, false),
  explainSession: method("/grain.v1.Admin/ExplainSession", SessionQuery, SessionExplanation, false, false),
  session: method("/grain.v1.Admin/Session", SessionQuery, SessionDetail, false, false),
  cancel: method("/grain.v1.Admin/Cancel", CancelQuery, CancelAnswer, false, false),
  access: method("/grain.v1.Admin/Access", AccessQuery, AccessAnswer, false, false),
  cacheList: method("/grain.v1.Admin/CacheList", CacheQuery, CacheAnswer, false, false),
  cacheRemove: method("/grain.v1.Admin/CacheRemove", CacheQuery, CacheAnswer, false, false),
  quit: method("/grain.v1.Admin/Quit", QuitRequest, QuitAnswer, false, false),
  scale: method("/grain.v1.Admin/Scale", ScaleRequest, ScaleStatus, false, false),
  explainScale: method("/grain.v1.Admin/ExplainScale", Empty, ScaleStatus, false, false),
};

/** Of the standard health service: SERVING is 1. */
const HealthAnswer: Coder<{ readonly isServing: boolean }> = {
  encode: ({ isServing }) =>
    protobuf.Writer.create()
      .uint32(8)
      .int32(isServing ? 1 : 2),
  decode(bytes) {
    const reader = protobuf.Reader.create(bytes);
    let status = 0;
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === 8) status = reader.int32();
      else reader.skipType(tag & 7);
    }
    return { isServing: status === 1 };
  },
};

/** The standard health service; an empty question is for the whole head. */
export const healthService = {
  check: method("/grpc.health.v1.Health/Check", Empty, HealthAnswer, false, false),
};

/** Batches of the streams may exceed the usual 1 MiB by one message; more than this is refused. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
