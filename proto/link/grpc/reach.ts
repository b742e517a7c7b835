/** Finds a head and waits for it: one address, or those that an edge file names. */

import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ServiceError,
  status as Status,
} from "@grpc/grpc-js";
import type { Purpose } from "../../access/credential.js";
import { noCredential } from "../../access/explain.js";
import { type Access, chooseAccess } from "../../access/place.js";
import { type Address, formatAddress, parseAddress, type SocketAddress } from "../../address.js";
import { EdgeFinder, type Sighting } from "../../edge/finder.js";
import { RENEW_MS } from "../../edge/record.js";
import { AuthError, ConnectionError, type GrainError } from "../../errors.js";
import { unknownName } from "./name.js";
import { answers, whyRefused, whyUnheard } from "./probe.js";
import { firstOf } from "./race.js";
import { channelSecurity, type Security, secure } from "./security.js";
import { adminService, MAX_MESSAGE_BYTES } from "./services.js";

/** How long and how visibly to wait for a head. */
export interface ConnectOptions {
  /** Gives up when it fires; the promise rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Told after each attempt that failed, with a sentence for a person. */
  readonly onRetry?: ((message: string) => void) | undefined;
  /** Told after each look at an edge file of which no head seems to live. What it throws ends the waiting. */
  readonly onNoHead?: (() => void) | undefined;
  /** Gives up after so many milliseconds, but not before one attempt of a second; `Infinity` never. */
  readonly giveUpMs: number;
  /** Default: what the environment says. */
  readonly access?: Access | undefined;
}

/** One attempt waits this long for the channel; so often, at first, is said that it was in vain. */
export const ATTEMPT_MS = 1_000;
/** Where nobody listens an attempt takes no time. */
const AGAIN_MS = 100;
/** An edge file without a head is looked at so often. */
const LOOK_MS = 250;
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

/** What a connection is for. */
export interface Way {
  readonly purpose: Purpose;
  /** The call that is to follow: whether it is allowed is asked first. */
  readonly rpc: string;
}

/** A head that takes us, with a channel to it. */
export interface Reached {
  readonly client: Client;
  readonly target: string;
  /** Where it is, for people. */
  readonly shown: string;
  readonly credentials: ChannelCredentials;
  readonly channel: ChannelOptions;
  /** Ends handshakes that are under way. */
  readonly abandon: () => void;
}

/** Looks for one head. */
export class Search {
  readonly #parsed: Address;
  readonly #access: Access;
  readonly #finder: EdgeFinder | undefined;
  readonly #way: Way;
  /** As users write it. */
  readonly shown: string;
  /** Of which head of an edge file the last one was that was reached. */
  #head: string | undefined;
  /** What was said last at the addresses of a head of which it is not known whether it lives. */
  #refusal: AuthError | undefined;

  /** @throws ConfigError for a bad address */
  constructor(address: string, way: Way, access: Access = chooseAccess()) {
    this.#parsed = parseAddress(address);
    this.#access = access;
    this.#way = way;
    this.shown = formatAddress(this.#parsed);
    if (this.#parsed.type === "edge") this.#finder = new EdgeFinder(this.#parsed.path, access);
  }

  /**
   * Waits until a head accepts connections, and takes us for what we want to be.
   *
   * @throws AuthError when it does not; ConnectionError when it is too late
   */
  async reach(options: ConnectOptions): Promise<Reached> {
    options.signal?.throwIfAborted();
    const giveUpMs = Math.max(options.giveUpMs, ATTEMPT_MS);
    const startedAt = performance.now();
    let sayAfterMs = ATTEMPT_MS;
    for (;;) {
      const leftMs = giveUpMs - (performance.now() - startedAt);
      const withinMs = Math.min(ATTEMPT_MS, Math.max(leftMs, 1));
      const { reached, verdict } = await this.#once(withinMs, options.signal);
      if (reached !== undefined) return reached;
      options.signal?.throwIfAborted();
      const waitedMs = performance.now() - startedAt;
      if (isGone(verdict, waitedMs)) options.onNoHead?.();
      if (waitedMs >= giveUpMs) throw await this.#unreachable(giveUpMs, verdict);
      if (waitedMs >= sayAfterMs) {
        sayAfterMs = waitedMs + Math.min(waitedMs, QUIET_MS);
        options.onRetry?.(
          `No head answers at ${this.shown} yet; still trying${remaining(giveUpMs - waitedMs)}.`,
        );
      }
      await pause(AGAIN_MS, options.signal);
    }
  }

  /**
   * Takes up a connection again that was lost: by the same channel, or to the head that the edge file names now.
   *
   * @throws ConnectionError when no head answers
   */
  async again(last: Reached, signal: AbortSignal): Promise<Reached> {
    if (this.#finder === undefined) {
      if (await ready(last.client, ATTEMPT_MS, signal)) return last;
    } else {
      const sighting = await this.#finder.look();
      const isSame = sighting.head === this.#head && sighting.verdict !== "ended";
      if (isSame && (await ready(last.client, ATTEMPT_MS, signal))) return last;
      signal.throwIfAborted();
      const { reached } = await this.#follow(sighting, ATTEMPT_MS, signal);
      if (reached !== undefined) return reached;
    }
    throw new ConnectionError(`No head answers at ${this.shown}.`);
  }

  async #once(withinMs: number, signal: AbortSignal | undefined): Promise<Found> {
    if (this.#finder === undefined && this.#parsed.type !== "edge") {
      return {
        reached: await tryOne(this.#parsed, this.#access, this.#way, withinMs, signal),
        verdict: "unknown",
      };
    }
    const sighting = await this.#finder!.look();
    if (sighting.addresses.length > 0) return this.#follow(sighting, withinMs, signal);
    await pause(Math.min(withinMs, LOOK_MS), signal);
    return { reached: undefined, verdict: sighting.verdict };
  }

  async #follow(sighting: Sighting, withinMs: number, signal: AbortSignal | undefined): Promise<Found> {
    const { addresses, access, head, verdict } = sighting;
    this.#refusal = undefined;
    try {
      const reached = await firstOf(addresses, {
        attempt: (address, given) => tryOne(address, access, this.#way, withinMs, given),
        dispose: close,
        signal,
      });
      if (reached !== undefined) this.#head = head;
      return { reached, verdict };
    } catch (error) {
      // Of a head that may be dead another program may have the port by now.
      if (verdict === "alive" || !(error instanceof AuthError)) throw error;
      this.#refusal = error;
      return { reached: undefined, verdict };
    }
  }

  async #unreachable(giveUpMs: number, verdict: Sighting["verdict"]): Promise<GrainError> {
    if (this.#refusal !== undefined) return this.#refusal;
    const seconds = Math.round(giveUpMs / 100) / 10;
    const { shown } = this;
    const unknown = await unknownName(this.#parsed);
    if (unknown !== undefined)
      return new ConnectionError(
        `No head answered at ${shown} within ${seconds} s. ${unknown}: correct it, or give the IP address of the head's machine.`,
      );
    const why =
      this.#finder !== undefined && (verdict === "alive" || verdict === "unknown")
        ? "The file names one, which cannot be reached from this machine: see on which addresses it listens (its log), and what is between"
        : `Start one with "grain-head --listen ${shown}", or correct the address`;
    return new ConnectionError(`No head answered at ${shown} within ${seconds} s. ${why}.`);
  }
}

/**
 * Whether a head should be started. A head that is started looks again, for as long as the lease: it is not waited for
 * twice. Who lives would have said so in that time, and then the one that was started ends.
 */
function isGone(verdict: Sighting["verdict"], waitedMs: number): boolean {
  return verdict === "unknown" ? waitedMs > 2 * RENEW_MS : verdict !== "alive";
}

interface Found {
  readonly reached: Reached | undefined;
  readonly verdict: Sighting["verdict"];
}

/** Credentials are read again each time: a head's first start makes them, and they may be renewed. */
async function tryOne(
  address: SocketAddress,
  access: Access,
  way: Way,
  withinMs: number,
  signal: AbortSignal | undefined,
): Promise<Reached | undefined> {
  const security = secure(address, access, way.purpose);
  return security.type === "missing"
    ? waitForCredential(address, access, way, withinMs, signal)
    : attempt(address, security, way, withinMs, signal);
}

/** @throws AuthError when a head answers, and there is still nothing to show it */
async function waitForCredential(
  address: SocketAddress,
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
  address: SocketAddress,
  security: Exclude<Security, { type: "missing" }>,
  { rpc }: Way,
  withinMs: number,
  signal: AbortSignal | undefined,
): Promise<Reached | undefined> {
  const shown = formatAddress(address);
  const target = address.type === "unix" ? `unix:${address.path}` : `dns:${shown}`;
  if (address.type === "tcp" && !(await answers(address, withinMs, signal))) return undefined;
  const { credentials, options, abandon } = channelSecurity(security);
  const channel = { ...CHANNEL_OPTIONS, ...options };
  const client = new Client(target, credentials, channel);
  let taken = false;
  try {
    if (await ready(client, withinMs, signal)) {
      taken = security.type === "plain" || (await isTaken(client, rpc, shown));
      return taken ? { client, target, shown, credentials, channel, abandon } : undefined;
    }
    if (signal?.aborted === true || address.type === "unix") return undefined;
    const problem = await (security.type === "tls"
      ? whyRefused(address, security, shown)
      : whyUnheard(address, shown));
    if (problem !== undefined) throw problem;
    return undefined;
  } finally {
    if (!taken) close({ client, abandon });
  }
}

/** A channel that is closed leaves a handshake that is never answered as it is, and the process with it. */
function close({ client, abandon }: Pick<Reached, "client" | "abandon">): void {
  client.close();
  abandon();
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

/** Whether a channel has a connection, within so long. */
export function ready(client: Client, withinMs: number, signal: AbortSignal | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const onAbort = () => resolve(false);
    signal?.addEventListener("abort", onAbort, { once: true });
    client.waitForReady(new Date(Date.now() + withinMs), (error) => {
      signal?.removeEventListener("abort", onAbort);
      resolve(error === undefined);
    });
  });
}

/** A call that was not answered as hoped, as an error. */
export function failure(failed: string, error: ServiceError | null): GrainError {
  const message = `${failed}: ${error?.details ?? "no answer"}.`;
  return isDenial(error) ? new AuthError(message) : new ConnectionError(message, { cause: error });
}

function isDenial(error: ServiceError | null): boolean {
  return error?.code === Status.UNAUTHENTICATED || error?.code === Status.PERMISSION_DENIED;
}
