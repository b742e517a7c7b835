/** Opens connections to a head over gRPC: waits for it, opens the stream, and frees everything again. */

import { type Client, Metadata, type MethodDefinition } from "@grpc/grpc-js";
import type {
  CacheAnswer,
  CancelAnswer,
  CancelQuery,
  ClientMessage,
  Empty,
  Explanation,
  HeadStatus,
  HeadToClient,
  HeadToWorker,
  QuitAnswer,
  QuitRequest,
  ScaleRequest,
  ScaleStatus,
  SessionDetail,
  SessionExplanation,
  WorkerMessage,
} from "../../grain.js";
import type { Connection } from "../link.js";
import { PersistentBlobs } from "../persistent-blobs.js";
import { GrpcBlobs } from "./blobs.js";
import { LocalCall } from "./local-call.js";
import { openLocal, TICKET_KEY } from "./local-socket.js";
import { type ConnectOptions, failure, Search, type Way } from "./reach.js";
import { adminService, healthService, type StreamDefinition, schedulingService } from "./services.js";
import { cutOff, streamLink } from "./stream.js";

export type { ConnectOptions } from "./reach.js";

/** For so long a large value is tried to be moved after the connection was lost in the middle of it. */
const BLOBS_GIVE_UP_MS = 60_000;

/** A channel to a head, for administration. */
export interface AdminConnection {
  status(): Promise<HeadStatus>;
  /** Where task `session.task` is and, while it is queued, why it is not on a worker. */
  explain(session: number, task: number): Promise<Explanation>;
  /** Where the longest waiting task of each demand of a session is, and why it is not on a worker. */
  explainSession(session: number): Promise<SessionExplanation>;
  /** One session in detail. */
  session(session: number): Promise<SessionDetail>;
  /** Ends tasks of a program that is not the caller's own process. */
  cancel(query: CancelQuery): Promise<CancelAnswer>;
  /** Stored results of functions, or with ids, like this; empty: all. */
  listResults(pattern: string): Promise<CacheAnswer>;
  /** Removes those. @returns which there were */
  removeResults(pattern: string): Promise<CacheAnswer>;
  /** Sends workers away. */
  quit(request: QuitRequest): Promise<QuitAnswer>;
  /** Whether the head takes newcomers. */
  isServing(): Promise<boolean>;
  /** Says how many workers the head is to keep. */
  scale(request: ScaleRequest): Promise<ScaleStatus>;
  /** How that stands. */
  explainScale(): Promise<ScaleStatus>;
  close(): void;
}

/**
 * Connects a client program to a head.
 *
 * @param address as users write it, e.g. "127.0.0.1:7700"
 * @throws ConfigError for a bad address; AuthError when the head does not take the credentials; ConnectionError
 *   when no head answered in time
 */
export function connectClient(
  address: string,
  options: ConnectOptions,
): Promise<Connection<ClientMessage, HeadToClient>> {
  const way: Way = { purpose: "client", rpc: schedulingService.session.path };
  return connect(address, way, options, async (client, socketPath) => {
    const call = await open(client, schedulingService.session, socketPath);
    return streamLink(call, {
      pack: (messages: ClientMessage[]) => ({ messages }),
      unpack: (batch) => batch.messages,
    });
  });
}

/** Connects a worker to a head; otherwise like {@link connectClient}. */
export function connectWorker(
  address: string,
  options: ConnectOptions,
): Promise<Connection<WorkerMessage, HeadToWorker>> {
  const way: Way = { purpose: "worker", rpc: schedulingService.work.path };
  return connect<WorkerMessage, HeadToWorker>(address, way, options, async (client, socketPath) => {
    const call = await open(client, schedulingService.work, socketPath);
    return streamLink(call, {
      pack: (messages: WorkerMessage[]) => ({ messages }),
      unpack: (batch) => batch.messages,
    });
  });
}

/** Connects a command that only asks and orders; otherwise like {@link connectClient}. */
export async function connectAdmin(address: string, options: ConnectOptions): Promise<AdminConnection> {
  const way: Way = { purpose: "command", rpc: adminService.status.path };
  const { client, shown } = await new Search(address, way, options.access).reach(options);
  return {
    status: () => askStatus(client, shown),
    explain: (session, task) =>
      ask(client, adminService.explain, { session, task }, `The head at ${shown} did not explain the task`),
    explainSession: (session) =>
      ask(
        client,
        adminService.explainSession,
        { session },
        `The head at ${shown} did not explain the session`,
      ),
    session: (session) =>
      ask(client, adminService.session, { session }, `The head at ${shown} did not show the session`),
    cancel: (query) =>
      ask(client, adminService.cancel, query, `The head at ${shown} did not cancel anything`),
    listResults: (pattern) =>
      ask(client, adminService.cacheList, { pattern }, `The head at ${shown} did not list stored results`),
    removeResults: (pattern) =>
      ask(
        client,
        adminService.cacheRemove,
        { pattern },
        `The head at ${shown} did not remove stored results`,
      ),
    quit: (request) =>
      ask(client, adminService.quit, request, `The head at ${shown} did not send workers away`),
    isServing: async () => {
      const failed = `The head at ${shown} did not say how it is`;
      return (await ask(client, healthService.check, {}, failed)).isServing;
    },
    scale: (request) =>
      ask(client, adminService.scale, request, `The head at ${shown} did not change the number of workers`),
    explainScale: () =>
      ask(client, adminService.explainScale, {}, `The head at ${shown} did not tell of its swarm`),
    close: () => client.close(),
  };
}

/** Opens a stream; by a socket where the head takes those. */
async function open<Q, R>(client: Client, method: StreamDefinition<Q, R>, socketPath: string | undefined) {
  const { path, requestSerialize, responseDeserialize, request, response } = method;
  const metadata = new Metadata();
  const local = socketPath === undefined ? undefined : await openLocal(socketPath);
  if (local !== undefined) metadata.set(TICKET_KEY, local.ticket);
  const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
  if (local === undefined) return call;
  const end = (message: string) => cutOff(call, message);
  return new LocalCall(call, end, local.socket, { out: request, in: response });
}

async function connect<Out, In>(
  address: string,
  way: Way,
  options: ConnectOptions,
  openLink: (client: Client, socketPath: string | undefined) => Promise<Connection<Out, In>["link"]>,
): Promise<Connection<Out, In>> {
  const search = new Search(address, way, options.access);
  let reached = await search.reach(options);
  const { target, shown, credentials, channel } = reached;
  const transport = new GrpcBlobs(target, shown, credentials, channel);
  const blobs = new PersistentBlobs(transport, BLOBS_GIVE_UP_MS);
  const first = await openLink(reached.client, await transport.socketPath());
  let link = first;
  let closed = false;
  return {
    link: first,
    async reopen(signal) {
      const next = await search.again(reached, signal);
      if (next !== reached) {
        if (closed) next.client.close();
        signal.throwIfAborted();
        // Another head has taken over the edge file, or the same one is reached by another way.
        reached.client.close();
        reached = next;
      }
      transport.move(next.target, next.shown, next.credentials, next.channel);
      signal.throwIfAborted();
      const socketPath = await transport.socketPath();
      signal.throwIfAborted();
      const opened = await openLink(reached.client, socketPath);
      if (signal.aborted) opened.destroy("nobody waits for it");
      signal.throwIfAborted();
      link = opened;
      return link;
    },
    blobs,
    get address() {
      return reached.shown;
    },
    status: () => askStatus(reached.client, reached.shown),
    async close() {
      closed = true;
      link.close();
      blobs.close();
      reached.client.close();
    },
  };
}

function askStatus(client: Client, shown: string): Promise<HeadStatus> {
  const request: Empty = {};
  return ask(client, adminService.status, request, `The head at ${shown} did not give its status`);
}

/** @param failed said when there is no answer, before the reason */
function ask<Q, R>(client: Client, method: MethodDefinition<Q, R>, request: Q, failed: string): Promise<R> {
  const { path, requestSerialize, responseDeserialize } = method;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest<Q, R>(path, requestSerialize, responseDeserialize, request, (error, answer) => {
      if (error === null && answer !== undefined) resolve(answer);
      else reject(failure(failed, error));
    });
  });
}
