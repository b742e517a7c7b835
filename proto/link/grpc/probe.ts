/**
 * Finds out why no connection comes about: grpc-js says only that there is none. A handshake of
 * our own is tried, and its end tells whose fault it is.
 */

import { connect as connectTcp } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { encrypted, foreignHead, notEncrypted, turnedAway } from "../../access/explain.js";
import type { TcpAddress } from "../../address.js";
import type { AuthError } from "../../errors.js";
import type { Secured } from "./security.js";

const PROBE_MS = 1_000;

/** What OpenSSL calls certificates that it does not trust. */
const UNTRUSTED =
  /^(?:SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_\w+|CERT_\w+|INVALID_PURPOSE|INVALID_CA|ERR_TLS_CERT_ALTNAME_INVALID)$/;
const NO_TLS = /^(?:EPROTO|ERR_SSL_\w+)$/;

/** Whether anything listens at an address. A socket of our own can be given up, unlike those of grpc-js. */
export function answers(
  { host, port }: TcpAddress,
  withinMs = PROBE_MS,
  signal?: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host, port, timeout: Math.max(withinMs, 1) });
    const abort = () => end(false);
    const end = (answered: boolean) => {
      signal?.removeEventListener("abort", abort);
      socket.destroy();
      resolve(answered);
    };
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) abort();
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
    socket.once("timeout", () => end(false));
  });
}

/** What is wrong with the credentials; undefined when nothing is, or nobody answers. */
export async function whyRefused(
  address: TcpAddress,
  secured: Secured,
  shown: string,
): Promise<AuthError | undefined> {
  const first = await shake(address, secured, shown);
  if (first !== "hung up") return first;
  // A head that is just ending hangs up as well, but does not answer again.
  const second = await shake(address, secured, shown);
  return second === "hung up" ? turnedAway(secured.credential, shown) : second;
}

/** Whether what does not answer without TLS does so with it. */
export function whyUnheard(address: TcpAddress, shown: string): Promise<AuthError | undefined> {
  return new Promise((resolve) => {
    // Nothing is sent over it.
    const socket = connectTls({ ...address, rejectUnauthorized: false, timeout: PROBE_MS });
    const end = (verdict: AuthError | undefined) => {
      socket.destroy();
      resolve(verdict);
    };
    socket.once("secureConnect", () => end(encrypted(shown)));
    socket.on("error", () => end(undefined));
    socket.once("timeout", () => end(undefined));
  });
}

function shake(
  { host, port }: TcpAddress,
  { secureContext, servername, checkHead, credential }: Secured,
  shown: string,
): Promise<AuthError | "hung up" | undefined> {
  return new Promise((resolve) => {
    const socket: TLSSocket = connectTls({
      host,
      port,
      secureContext,
      servername,
      checkServerIdentity: checkHead,
      ALPNProtocols: ["h2"],
      timeout: PROBE_MS,
    });
    let secured = false;
    const end = (verdict: AuthError | "hung up" | undefined) => {
      socket.destroy();
      resolve(verdict);
    };
    socket.once("secureConnect", () => {
      secured = true;
    });
    // A head that takes us speaks first.
    socket.once("data", () => end(undefined));
    socket.once("timeout", () => end(undefined));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (secured) return end("hung up");
      const code = error.code ?? "";
      if (NO_TLS.test(code)) return end(notEncrypted(shown));
      const untrusted = UNTRUSTED.test(code) || (code === "" && /certificate/.test(error.message));
      end(untrusted ? foreignHead(credential, shown, error.message) : undefined);
    });
    socket.once("close", () => end(secured ? "hung up" : undefined));
  });
}
