/** Serves a head over gRPC: streams, blobs, administration, health and reflection. */

import { createServer } from "node:net";
import { dirname } from "node:path";
import {
  logVerbosity,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  setLogVerbosity,
} from "@grpc/grpc-js";
import { formatAddress, type SocketAddress, type TcpAddress } from "../../../proto/address.js";
import { ConnectionError, messageOf } from "../../../proto/errors.js";
import type {
  ClientBatch,
  HeadToClient,
  HeadToClientBatch,
  HeadToWorker,
  HeadToWorkerBatch,
  WorkerBatch,
} from "../../../proto/grain.js";
import { noticeReset } from "../../../proto/link/grpc/reset.js";
import {
  adminService,
  blobsService,
  MAX_MESSAGE_BYTES,
  schedulingService,
} from "../../../proto/link/grpc/services.js";
import { streamLink } from "../../../proto/link/grpc/stream.js";
import type { Door } from "../../access/door.js";
import type { Swarm } from "../../scale/swarm.js";
import type { Head } from "../head.js";
import type { HeadLog } from "../log.js";
import { adminHandlers } from "./admin.js";
import { blobsHandlers } from "./blobs.js";
import { Health } from "./health.js";
import { onHttp2Server } from "./http2-servers.js";
import { LocalSockets, streamOf } from "./local-sockets.js";
import { Lock, type LockOptions } from "./lock.js";
import { callerOf } from "./peer.js";
import { addReflection } from "./reflection.js";
import { Shares } from "./share.js";
import { claimSocketFile, listenPrivately, protectSocketFile } from "./socket-file.js";
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

/** How people come in. */
export interface Security {
  readonly door: Door;
  readonly log: HeadLog;
  readonly lock?: LockOptions;
  /** Keeps numbers of workers. Default: nobody does. */
  readonly swarm?: Swarm | undefined;
}

/**
 * Serves a head over gRPC.
 *
 * @param head what is served
 * @param addresses where to listen
 * @param security how people come in, on addresses that are no unix sockets
 * @throws AuthError, ConfigError for certificates that cannot be used; ConnectionError for an address that is in use
 * @example
 * const server = await serveGrpc(new Head(), [parseAddress("127.0.0.1:0")], { door: { type: "open" }, log });
 * server.addresses; // ["127.0.0.1:40123"]
 */
export async function serveGrpc(
  head: Head,
  addresses: readonly SocketAddress[],
  { door, log, lock: lockOptions, swarm }: Security,
): Promise<HeadServer> {
  const lock = door.type === "locked" ? new Lock(door, log, lockOptions) : undefined;
  const server = new Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.so_reuseport": 0,
    "grpc.enable_channelz": 0,
  });
  onHttp2Server(server, (http2Server) => {
    widenWindows(http2Server, WINDOW_BYTES);
    http2Server.on("connection", noticeReset);
    listenPrivately(http2Server);
    // Those of unix sockets speak no TLS.
    if ("setSecureContext" in http2Server) lock?.watch(http2Server);
  });
  const health = new Health();
  const shares = new Shares(head.blobs, head.longestAbsenceMs);
  const { shared } = head.blobs;
  const sockets = shared === undefined ? undefined : await LocalSockets.listen(shared.socketPath);
  addServices(server, head, { health, shares, sockets, admin: adminHandlers(head, door, swarm) });
  const bound: string[] = [];
  try {
    for (const address of addresses) bound.push(await listen(server, address, lock?.credentials));
  } catch (error) {
    sockets?.close();
    await shutDown(server, lock);
    throw error;
  }
  let closing: Promise<void> | undefined;
  return {
    addresses: bound,
    close() {
      health.stop();
      shares.close();
      sockets?.close();
      closing ??= shutDown(server, lock);
      return closing;
    },
  };
}

interface Services {
  readonly health: Health;
  readonly shares: Shares;
  readonly sockets: LocalSockets | undefined;
  readonly admin: ReturnType<typeof adminHandlers>;
}

function addServices(server: Server, head: Head, { health, shares, sockets, admin }: Services): void {
  const { session, work } = schedulingService;
  server.addService(schedulingService, {
    session(call: ServerDuplexStream<ClientBatch, HeadToClientBatch>) {
      const stream = streamOf(call, session, sockets);
      if (stream === undefined) return;
      head.acceptClient(
        streamLink(stream, {
          pack: (messages: HeadToClient[]): HeadToClientBatch => ({ messages }),
          unpack: (batch: ClientBatch) => batch.messages,
        }),
        callerOf(call)?.id,
      );
    },
    work(call: ServerDuplexStream<WorkerBatch, HeadToWorkerBatch>) {
      const stream = streamOf(call, work, sockets);
      if (stream === undefined) return;
      head.acceptWorker(
        streamLink(stream, {
          pack: (messages: HeadToWorker[]): HeadToWorkerBatch => ({ messages }),
          unpack: (batch: WorkerBatch) => batch.messages,
        }),
      );
    },
  });
  server.addService(blobsService, { ...blobsHandlers(head.blobs), share: shares.handle });
  server.addService(adminService, admin);
  health.addTo(server);
  addReflection(server);
}

/**
 * Says early which of these addresses cannot be had.
 *
 * @throws ConnectionError
 */
export async function refuseTaken(addresses: readonly SocketAddress[]): Promise<void> {
  for (const address of addresses) {
    if (address.type === "unix") await claimSocketFile(address.path);
    else await probe(address);
  }
}

async function probe(address: TcpAddress): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(explain(address, error)));
    server.listen({ host: address.host, port: address.port }, () => server.close(() => resolve()));
  });
}

/** @param credentials of TLS; undefined: without */
async function listen(
  server: Server,
  address: SocketAddress,
  credentials: ServerCredentials | undefined,
): Promise<string> {
  if (address.type === "unix") {
    await claimSocketFile(address.path);
    await bind(server, `unix:${address.path}`, address, ServerCredentials.createInsecure());
    await protectSocketFile(address.path);
    return formatAddress(address);
  }
  const port = await bind(
    server,
    formatAddress(address),
    address,
    credentials ?? ServerCredentials.createInsecure(),
  );
  return formatAddress({ ...address, port });
}

function bind(
  server: Server,
  target: string,
  address: SocketAddress,
  credentials: ServerCredentials,
): Promise<number> {
  // grpc-js would print the failure that is thrown here.
  setLogVerbosity(logVerbosity.NONE);
  return new Promise((resolve, reject) => {
    server.bindAsync(target, credentials, (error, port) => {
      if (error === null) resolve(port);
      else reject(explain(address, error));
    });
  });
}

function explain(address: SocketAddress, error: Error): ConnectionError {
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
function shutDown(server: Server, lock: Lock | undefined): Promise<void> {
  return new Promise((resolve) => {
    server.tryShutdown(() => resolve());
    server.forceShutdown();
    setImmediate(() => lock?.close());
  });
}
