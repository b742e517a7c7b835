/** Serves a head over gRPC: streams, blobs, administration, health and reflection. */

import { createServer } from "node:net";
import { dirname } from "node:path";
import {
  logVerbosity,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  setLogVerbosity,
} from "@grpc/grpc-js";
import { type Address, formatAddress, isLocal } from "../../../proto/address.js";
import { ConfigError, ConnectionError, messageOf } from "../../../proto/errors.js";
import type {
  ClientBatch,
  Empty,
  ExplainQuery,
  Explanation,
  HeadStatus,
  HeadToClient,
  HeadToClientBatch,
  HeadToWorker,
  HeadToWorkerBatch,
  WorkerBatch,
} from "../../../proto/grain.js";
import {
  adminService,
  blobsService,
  MAX_MESSAGE_BYTES,
  schedulingService,
} from "../../../proto/link/grpc/services.js";
import { streamLink } from "../../../proto/link/grpc/stream.js";
import type { Head } from "../head.js";
import { blobsHandlers } from "./blobs.js";
import { Health } from "./health.js";
import { addReflection } from "./reflection.js";
import { Shares } from "./share.js";
import { claimSocketFile, protectSocketFile } from "./socket-file.js";
import { widenWindows } from "./windows.js";

/**
 * How much a peer may send ahead. Measured with uploads of 256 MiB on two cores: HTTP/2's own
 * 64 KiB give 220 MiB/s, 512 KiB 310 MiB/s; 2 MiB and more are slower again, and what arrives in
 * one turn then takes long enough to delay others.
 */
const WINDOW_BYTES = 512 * 1024;

/**
 * A peer that answers no ping for so long is gone. Long, because a client's
 * process cannot answer while its program computes.
 */
const KEEPALIVE_MS = 60_000;
const KEEPALIVE_TIMEOUT_MS = 120_000;

/** A head that is being served. */
export interface HeadServer {
  /** Where it listens, with the ports that were chosen for port 0. */
  readonly addresses: string[];
  /** Ends what is still connected and stops listening. Close the head first: it says goodbye. */
  close(): Promise<void>;
}

/**
 * Serves a head over gRPC.
 *
 * @param head what is served
 * @param addresses where to listen; only loopback addresses and unix sockets, since nobody is authenticated yet
 * @throws ConfigError for an address that others could reach; ConnectionError for one that is in use
 * @example
 * const server = await serveGrpc(new Head(), [parseAddress("127.0.0.1:0")]);
 * server.addresses; // ["127.0.0.1:40123"]
 */
export async function serveGrpc(head: Head, addresses: readonly Address[]): Promise<HeadServer> {
  for (const address of addresses) refuseReachable(address);
  const server = new Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.so_reuseport": 0,
    "grpc.enable_channelz": 0,
  });
  widenWindows(server, WINDOW_BYTES);
  const health = new Health();
  const shares = new Shares(head.blobs);
  addServices(server, head, health, shares);
  const bound: string[] = [];
  try {
    for (const address of addresses) bound.push(await listen(server, address));
  } catch (error) {
    await shutDown(server);
    throw error;
  }
  let closing: Promise<void> | undefined;
  return {
    addresses: bound,
    close() {
      health.stop();
      shares.close();
      closing ??= shutDown(server);
      return closing;
    },
  };
}

function addServices(server: Server, head: Head, health: Health, shares: Shares): void {
  server.addService(schedulingService, {
    session(call: ServerDuplexStream<ClientBatch, HeadToClientBatch>) {
      head.acceptClient(
        streamLink(call, {
          pack: (messages: HeadToClient[]): HeadToClientBatch => ({ messages }),
          unpack: (batch: ClientBatch) => batch.messages,
        }),
      );
    },
    work(call: ServerDuplexStream<WorkerBatch, HeadToWorkerBatch>) {
      head.acceptWorker(
        streamLink(call, {
          pack: (messages: HeadToWorker[]): HeadToWorkerBatch => ({ messages }),
          unpack: (batch: WorkerBatch) => batch.messages,
        }),
      );
    },
  });
  server.addService(blobsService, { ...blobsHandlers(head.blobs), share: shares.handle });
  server.addService(adminService, {
    status(_call: ServerUnaryCall<Empty, HeadStatus>, answer: sendUnaryData<HeadStatus>) {
      answer(null, head.status());
    },
    explain(call: ServerUnaryCall<ExplainQuery, Explanation>, answer: sendUnaryData<Explanation>) {
      answer(null, head.explain(call.request.session, call.request.task));
    },
  });
  health.addTo(server);
  addReflection(server);
}

/**
 * Says early what is wrong with addresses.
 *
 * @throws ConfigError for one that other machines could reach; ConnectionError for one in use
 */
export async function refuseUnusable(addresses: readonly Address[]): Promise<void> {
  for (const address of addresses) {
    refuseReachable(address);
    if (address.type === "unix") await claimSocketFile(address.path);
    else await refuseTaken(address);
  }
}

async function refuseTaken(address: Extract<Address, { type: "tcp" }>): Promise<void> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once("error", (error) => reject(explain(address, error)));
    probe.listen({ host: address.host, port: address.port }, () => probe.close(() => resolve()));
  });
}

function refuseReachable(address: Address): void {
  if (isLocal(address)) return;
  throw new ConfigError(
    `The head does not listen on ${formatAddress(address)}: other machines could reach it, and nobody is authenticated yet; ` +
      "listen on 127.0.0.1 or on a unix socket, and reach it from elsewhere through an ssh tunnel.",
  );
}

async function listen(server: Server, address: Address): Promise<string> {
  if (address.type === "unix") {
    await claimSocketFile(address.path);
    await bind(server, `unix:${address.path}`, address);
    await protectSocketFile(address.path);
    return formatAddress(address);
  }
  const port = await bind(server, formatAddress(address), address);
  return formatAddress({ ...address, port });
}

function bind(server: Server, target: string, address: Address): Promise<number> {
  // grpc-js would print the failure that is thrown here.
  setLogVerbosity(logVerbosity.NONE);
  return new Promise((resolve, reject) => {
    server.bindAsync(target, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(explain(address, error));
    });
  });
}

function explain(address: Address, error: Error): ConnectionError {
  const where = formatAddress(address);
  if (/EADDRINUSE/.test(error.message)) {
    return new ConnectionError(
      `${where} is in use by another program: it may be a head that runs already; use that one, stop it, or choose another address with --listen.`,
      { cause: error },
    );
  }
  if (/EACCES|EPERM/.test(error.message)) {
    return new ConnectionError(
      address.type === "unix"
        ? `This user may not make a socket in ${dirname(address.path)}; choose another path with --listen.`
        : `This user may not listen on ${where}; choose another address with --listen, with a port from 1024.`,
      { cause: error },
    );
  }
  return new ConnectionError(`The head cannot listen on ${where}: ${messageOf(error)}.`, { cause: error });
}

/** What is still connected is cut off: goodbyes have been said by the head. */
function shutDown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.tryShutdown(() => resolve());
    server.forceShutdown();
  });
}
