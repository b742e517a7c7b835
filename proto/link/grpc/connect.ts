/** Opens connections to a head over gRPC: waits for it, opens the stream, and frees everything again. */

import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  type MethodDefinition,
  type ServiceError,
  status as Status,
} from "@grpc/grpc-js";
import type { Purpose } from "../../access/credential.js";
import { noCredential } from "../../access/explain.js";
import { type Access, chooseAccess } from "../../access/place.js";
import { type Address, formatAddress, parseAddress } from "../../address.js";
import { AuthError, ConnectionError, type GrainError } from "../../errors.js";
import type {
  ClientMessage,
  Empty,
  Explanation,
  HeadStatus,
  HeadToClient,
  HeadToWorker,
  QuitAnswer,
  QuitRequest,
  WorkerMessage,
} from "../../grain.js";
import type { Connection } from "../link.js";
import { PersistentBlobs } from "../persistent-blobs.js";
import { GrpcBlobs } from "./blobs.js";
import { answers, whyRefused, whyUnheard } from "./probe.js";
import { channelSecurity, type Security, secure } from "./security.js";
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
  /** Default: what the environment says. */
  readonly access?: Access | undefined;
}

/** One attempt waits this long for the channel; so often, at first, is said that it was in vain. */
const ATTEMPT_MS = 1_000;
/** For so long a large value is tried to be moved after the connection was lost in the middle of it. */
const BLOBS_GIVE_UP_MS = 60_000;
/** Later it is said at most so often. */
const QUIET_MS = 30_000;
/** A head that is there answers in that time whether it takes us. */
const ANSWER_MS = 10_000;

const CHANNEL_OPTIONS: ChannelOptions = {
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.min_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  "grpc.keepalive_time_ms": 20_000,
  "grpc.keepalive_timeout_ms": 20_000,
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  "grpc.use_local_subchannel_pool": 1,
};

/** A channel to a head, for administration. */
export interface AdminConnection {
  status(): Promise<HeadStatus>;
  /** Where task `session.task` is and, while it is queued, why it is not on a worker. */
  explain(session: number, task: number): Promise<Explanation>;
  /** Sends workers away. */
  quit(request: QuitRequest): Promise<QuitAnswer>;
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
  return connect(address, way, options, (client) => {
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
  const way: Way = { purpose: "worker", rpc: schedulingService.work.path };
  const connection = await connect<WorkerMessage, HeadToWorker>(address, way, options, (client) => {
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
  const way: Way = { purpose: "command", rpc: adminService.status.path };
  const { client, shown } = await reach(address, way, options);
  return {
    status: () => askStatus(client, shown),
    explain: (session, task) =>
      ask(client, adminService.explain, { session, task }, `The head at ${shown} did not explain the task`),
    quit: (request) =>
      ask(client, adminService.quit, request, `The head at ${shown} did not send workers away`),
    close: () => client.close(),
  };
}

function open<Q, R>(client: Client, method: MethodDefinition<Q, R>): ClientDuplexStream<Q, R> {
  return client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize);
}

async function connect<Out, In>(
  address: string,
  way: Way,
  options: ConnectOptions,
  openLink: (client: Client) => Connection<Out, In>["link"],
): Promise<Connection<Out, In>> {
  const { client, target, shown, credentials, channel } = await reach(address, way, options);
  const blobs = new PersistentBlobs(new GrpcBlobs(target, shown, credentials, channel), BLOBS_GIVE_UP_MS);
  const first = openLink(client);
  let link = first;
  return {
    link: first,
    async reopen(signal) {
      if (!(await ready(client, ATTEMPT_MS, signal)))
        throw new ConnectionError(`No head answers at ${shown}.`);
      signal.throwIfAborted();
      await blobs.share();
      signal.throwIfAborted();
      link = openLink(client);
      return link;
    },
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
      else reject(failure(failed, error));
    });
  });
}

function failure(failed: string, error: ServiceError | null): GrainError {
  const message = `${failed}: ${error?.details ?? "no answer"}.`;
  return isDenial(error) ? new AuthError(message) : new ConnectionError(message, { cause: error });
}

function isDenial(error: ServiceError | null): boolean {
  return error?.code === Status.UNAUTHENTICATED || error?.code === Status.PERMISSION_DENIED;
}

/** What a connection is for. */
interface Way {
  readonly purpose: Purpose;
  /** The call that is to follow: whether it is allowed is asked first. */
  readonly rpc: string;
}

interface Reached {
  readonly client: Client;
  readonly target: string;
  readonly shown: string;
  readonly credentials: ChannelCredentials;
  readonly channel: ChannelOptions;
}

/** Waits until a head accepts connections at the address, and takes us for what we want to be. */
async function reach(address: string, way: Way, options: ConnectOptions): Promise<Reached> {
  const parsed = parseAddress(address);
  const shown = formatAddress(parsed);
  options.signal?.throwIfAborted();
  const access = options.access ?? chooseAccess();
  const giveUpMs = Math.max(options.giveUpMs, ATTEMPT_MS);
  const startedAt = performance.now();
  let sayAfterMs = 0;
  for (;;) {
    const leftMs = giveUpMs - (performance.now() - startedAt);
    const withinMs = Math.min(ATTEMPT_MS, Math.max(leftMs, 1));
    // Read again each time: a head's first start makes them, and they may be renewed.
    const security = secure(parsed, access, way.purpose);
    const reached =
      security.type === "missing"
        ? await waitForCredential(parsed, access, way, withinMs, options.signal)
        : await attempt(parsed, security, way, withinMs, options.signal);
    if (reached !== undefined) return reached;
    options.signal?.throwIfAborted();
    const waitedMs = performance.now() - startedAt;
    if (waitedMs >= giveUpMs) throw unreachable(shown, giveUpMs);
    if (waitedMs < sayAfterMs) continue;
    sayAfterMs = waitedMs + Math.min(waitedMs, QUIET_MS);
    options.onRetry?.(`No head answers at ${shown} yet; still trying${remaining(giveUpMs - waitedMs)}.`);
  }
}

/** @throws AuthError when a head answers, and there is still nothing to show it */
async function waitForCredential(
  address: Address,
  access: Access,
  { purpose }: Way,
  withinMs: number,
  signal: AbortSignal | undefined,
): Promise<undefined> {
  if (address.type === "tcp" && (await answers(address))) {
    // A head makes credentials before it listens.
    if (secure(address, access, purpose).type !== "missing") return;
    throw noCredential(access.place, purpose, formatAddress(address));
  }
  await pause(withinMs, signal);
}

/** @throws AuthError when the head does not take us; undefined: it does not answer */
async function attempt(
  address: Address,
  security: Exclude<Security, { type: "missing" }>,
  { rpc }: Way,
  withinMs: number,
  signal: AbortSignal | undefined,
): Promise<Reached | undefined> {
  const shown = formatAddress(address);
  const target = address.type === "unix" ? `unix:${address.path}` : `dns:${shown}`;
  const { credentials, options: channel } = channelSecurity(security);
  const client = new Client(target, credentials, { ...CHANNEL_OPTIONS, ...channel });
  let taken = false;
  try {
    if (await ready(client, withinMs, signal)) {
      taken = security.type === "plain" || (await isTaken(client, rpc, shown));
      return taken ? { client, target, shown, credentials, channel } : undefined;
    }
    if (signal?.aborted === true || address.type === "unix") return undefined;
    const problem = await (security.type === "tls"
      ? whyRefused(address, security, shown)
      : whyUnheard(address, shown));
    if (problem !== undefined) throw problem;
    return undefined;
  } finally {
    if (!taken) client.close();
  }
}

/**
 * Asks whether the head takes our credential for what is to follow.
 *
 * @returns false when it went away meanwhile
 * @throws AuthError with the head's reason
 */
function isTaken(client: Client, rpc: string, shown: string): Promise<boolean> {
  const { path, requestSerialize, responseDeserialize } = adminService.access;
  const deadline = Date.now() + ANSWER_MS;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { rpc }, { deadline }, (error) => {
      if (isDenial(error)) reject(failure(`The head at ${shown} refused this connection`, error));
      // An older head does not know the question.
      else resolve(error === null || error.code === Status.UNIMPLEMENTED);
    });
  });
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end, { once: true });
    if (signal?.aborted === true) end();
  });
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
