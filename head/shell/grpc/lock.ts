/**
 * What keeps a served head locked while it runs: looks once a second for new certificates and for
 * revocations, and cuts off who is not welcome any more.
 */

import type { Http2Server, Http2Session } from "node:http2";
import type { TLSSocket } from "node:tls";
import { messageOf } from "../../../proto/errors.js";
import type { Door } from "../../access/door.js";
import type { PeerName } from "../../access/gate.js";
import type { HeadLog } from "../log.js";
import { guard } from "./guard.js";
import { limitNewcomers, NEWCOMER_LIMITS, type NewcomerLimits } from "./newcomers.js";
import { nameIn } from "./peer.js";
import { HANDSHAKE_MS, TlsCredentials } from "./tls.js";

const LOOK_MS = 1_000;
const GOODBYE_MS = 2_000;
/** Who was turned away or cut off by its own fault is said at most so often: a log is not for others to fill. */
const QUIET_MS = 1_000;

/** What is different in tests. */
export interface LockOptions {
  readonly handshakeMs?: number;
  readonly newcomers?: NewcomerLimits;
  /** A clock that never goes back, in milliseconds. */
  readonly nowMs?: () => number;
}

/** The lock of one served head. */
export class Lock {
  readonly credentials: TlsCredentials;
  readonly #door: Door & { type: "locked" };
  readonly #log: HeadLog;
  readonly #newcomers: NewcomerLimits & { readonly handshakeMs: number };
  readonly #nowMs: () => number;
  readonly #connected = new Map<Http2Session, PeerName>();
  readonly #timer: NodeJS.Timeout;
  readonly #cutOff: (() => void)[] = [];
  #stamp: string;
  #saidAt = Number.NEGATIVE_INFINITY;
  #unsaid = 0;

  /** @throws AuthError, ConfigError when the certificates cannot be used */
  constructor(door: Door & { type: "locked" }, log: HeadLog, options: LockOptions = {}) {
    this.#door = door;
    this.#log = log;
    const { handshakeMs = HANDSHAKE_MS, newcomers = NEWCOMER_LIMITS } = options;
    this.#newcomers = { ...newcomers, handshakeMs };
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#stamp = door.keys.stamp();
    this.credentials = new TlsCredentials(door.keys.read(), guard(door.gate), handshakeMs);
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  /** Guards a server that is about to listen. */
  watch(http2Server: Http2Server): void {
    const refused = (address: string, why: string) =>
      this.#say(`turned away a connection from ${address}: ${why}`);
    this.#cutOff.push(limitNewcomers(http2Server, this.#newcomers, refused));
    http2Server.on("sessionError", (error: Error, session: Http2Session) => {
      // What its network did is no fault of a peer's.
      if (!("code" in error && /^ERR_HTTP2_/.test(String(error.code)))) return;
      const peer = this.#connected.get(session);
      this.#say(
        `cut off a ${peer?.unit ?? "peer"} (credential ${peer?.id}): it broke HTTP/2: ${error.message}`,
      );
    });
    http2Server.on("session", (session: Http2Session) => {
      const peer = nameIn((session.socket as TLSSocket).getPeerCertificate());
      if (peer === undefined) return session.destroy();
      if (this.#door.gate.problemWith(peer) !== undefined) return this.#letAsk(session);
      this.#connected.set(session, peer);
      session.once("close", () => this.#connected.delete(session));
    });
  }

  /** Looks now. */
  look(): void {
    this.#door.gate.refresh();
    this.#renew();
    for (const [session, peer] of this.#connected) {
      const problem = this.#door.gate.problemWith(peer);
      if (problem === undefined) continue;
      this.#log.warn(`cut off a ${peer.unit ?? "peer"}: ${problem.message}`);
      session.destroy();
    }
  }

  /** Stops watching, and cuts off who is still there. */
  close(): void {
    clearInterval(this.#timer);
    for (const cutOff of this.#cutOff) cutOff();
  }

  /** Who comes with a credential that is valid no more gets the reason as answer to its calls, and then has to go. */
  #letAsk(session: Http2Session): void {
    const timer = setTimeout(() => session.destroy(), GOODBYE_MS).unref();
    session.once("close", () => clearTimeout(timer));
  }

  #renew(): void {
    try {
      const stamp = this.#door.keys.stamp();
      if (stamp === this.#stamp) return;
      this.#stamp = stamp;
      this.credentials.renew(this.#door.keys.read());
      this.#log.info("the head's certificate was renewed");
    } catch (error) {
      this.#log.warn(`the head's new certificate cannot be used, the one before stays: ${messageOf(error)}`);
    }
  }

  #say(line: string): void {
    const now = this.#nowMs();
    if (now - this.#saidAt < QUIET_MS) {
      this.#unsaid += 1;
      return;
    }
    const more = this.#unsaid === 0 ? "" : ` (and ${this.#unsaid} others since the last such line)`;
    this.#log.warn(`${line}${more}`);
    this.#saidAt = now;
    this.#unsaid = 0;
  }
}
