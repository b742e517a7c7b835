/** Opens connections to a head over gRPC: waits for it, opens the stream, and frees everything again. */

import { Client, type ClientDuplexStream, credentials, type MethodDefinition } from "@grpc/grpc-js";
import { formatAddress, parseAddress } from "../../address.js";
import { ConnectionError } from "../../errors.js";
import type {
  ClientMessage,
  Empty,
  Explanation,
  HeadStatus,
  HeadToClient,
  HeadToWorker,
  WorkerMessage,
} from "../../grain.js";
import type { Connection } from "../link.js";
import { GrpcBlobs } from "./blobs.js";
import { adminService, MAX_MESSAGE_BYTES, schedulingService } from "./services.js";
import { streamLink } from "./stream.js";

/** How long and how visibly to wait for a head. */
export interface ConnectOptions {
  /** Gives up when it fires; the promise rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told after each attempt that failed, with a sentence for a person. */
  readonly onRetry?: ((message: string) => void) | undefined;
  /** Gives up after so many milliseconds, but not before one attempt of a second; `Infinity` never. */
  readonly giveUpMs: number;
}

/** One attempt waits this long for the channel; so often, at first, is said that it was in vain. */
const ATTEMPT_MS = 1_000;
/** Later it is said at most so often. */
const QUIET_MS = 30_000;

/** A channel to a head, for administration. */
export interface AdminConnection {
  status(): Promise<HeadStatus>;
  /** Where task `session.task` is and, while it is queued, why it is not on a worker. */
  explain(session: number, task: number): Promise<Explanation>;
  close(): void;
}

/**
 * Connects a client program to a head.
 *
 * @param address as users write it, e.g. "127.0.0.1:7700"
 * @throws ConfigError for a bad address; ConnectionError when no head answered in time
 */
export function connectClient(
  address: string,
  options: ConnectOptions,
): Promise<Connection<ClientMessage, HeadToClient>> {
  return connect(address, options, (client) => {
    const call = open(client, schedulingService.session);
    return streamLink(call, {
      pack: (messages: ClientMessage[]) => ({ messages }),
      unpack: (batch) => batch.messages,
    });
  });
}

/** Connects a worker to a head; otherwise like {@link connectClient}. */
export async function connectWorker(
  address: string,
  options: ConnectOptions,
): Promise<Connection<WorkerMessage, HeadToWorker>> {
  const connection = await connect<WorkerMessage, HeadToWorker>(address, options, (client) => {
    const call = open(client, schedulingService.work);
    return streamLink(call, {
      pack: (messages: WorkerMessage[]) => ({ messages }),
      unpack: (batch) => batch.messages,
    });
  });
  // Its executors are told where to write before they run anything.
  await connection.blobs.share?.();
  return connection;
}

/** Connects a command that only asks and orders; otherwise like {@link connectClient}. */
export async function connectAdmin(address: string, options: ConnectOptions): Promise<AdminConnection> {
  const { client, shown } = await reach(address, options);
  return {
    status: () => askStatus(client, shown),
    explain: (session, task) =>
      ask(client, adminService.explain, { session, task }, `The head at ${shown} did not explain the task`),
    close: () => client.close(),
  };
}

function open<Q, R>(client: Client, method: MethodDefinition<Q, R>): ClientDuplexStream<Q, R> {
  return client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize);
}

async function connect<Out, In>(
  address: string,
  options: ConnectOptions,
  openLink: (client: Client) => Connection<Out, In>["link"],
): Promise<Connection<Out, In>> {
  const { client, target, shown } = await reach(address, options);
  const blobs = new GrpcBlobs(target, shown);
  const link = openLink(client);
  return {
    link,
    blobs,
    address: shown,
    status: () => askStatus(client, shown),
    async close() {
      link.close();
      blobs.close();
      client.close();
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
      else reject(new ConnectionError(`${failed}: ${error?.details ?? "no answer"}.`, { cause: error }));
    });
  });
}

interface Reached {
  readonly client: Client;
  readonly target: string;
  readonly shown: string;
}

/** Waits until a head accepts connections at the address. */
async function reach(address: string, options: ConnectOptions): Promise<Reached> {
  const parsed = parseAddress(address);
  const shown = formatAddress(parsed);
  const target = parsed.type === "unix" ? `unix:${parsed.path}` : `dns:${shown}`;
  options.signal?.throwIfAborted();
  const client = new Client(target, credentials.createInsecure(), {
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.min_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1_000,
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": 20_000,
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    "grpc.use_local_subchannel_pool": 1,
  });
  const giveUpMs = Math.max(options.giveUpMs, ATTEMPT_MS);
  const startedAt = performance.now();
  let sayAfterMs = 0;
  try {
    for (;;) {
      const leftMs = giveUpMs - (performance.now() - startedAt);
      if (await ready(client, Math.min(ATTEMPT_MS, Math.max(leftMs, 1)), options.signal))
        return { client, target, shown };
      options.signal?.throwIfAborted();
      const waitedMs = performance.now() - startedAt;
      if (waitedMs >= giveUpMs) throw unreachable(shown, giveUpMs);
      if (waitedMs < sayAfterMs) continue;
      sayAfterMs = waitedMs + Math.min(waitedMs, QUIET_MS);
      options.onRetry?.(`No head answers at ${shown} yet; still trying${remaining(giveUpMs - waitedMs)}.`);
    }
  } catch (error) {
    client.close();
    throw error;
  }
}

function remaining(ms: number): string {
  return Number.isFinite(ms) ? ` for ${Math.ceil(ms / 1000)} s` : "";
}

function unreachable(shown: string, giveUpMs: number): ConnectionError {
  const seconds = Math.round(giveUpMs / 100) / 10;
  return new ConnectionError(
    `No head answered at ${shown} within ${seconds} s. Start one with "grain-head --listen ${shown}", or correct the address.`,
  );
}

function ready(client: Client, withinMs: number, signal: AbortSignal | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const onAbort = () => resolve(false);
    signal?.addEventListener("abort", onAbort, { once: true });
    client.waitForReady(new Date(Date.now() + withinMs), (error) => {
      signal?.removeEventListener("abort", onAbort);
      resolve(error === undefined);
    });
  });
}
