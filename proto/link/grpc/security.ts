/**
 * TLS of this side's connections: what is shown to the head, and how the head is recognised.
 *
 * Not its job: finding out why a connection fails (probe.ts).
 */

import { isIP, type Socket } from "node:net";
import { checkServerIdentity, createSecureContext, type PeerCertificate, type SecureContext } from "node:tls";
import { ChannelCredentials, type ChannelOptions } from "@grpc/grpc-js";
import { type Credential, findCredential, type Purpose } from "../../access/credential.js";
import type { Access } from "../../access/place.js";
import { HEAD_UNIT, ORGANISATION } from "../../access/role.js";
import { formatAddress, isLocal, type SocketAddress } from "../../address.js";
import { AuthError, ConfigError } from "../../errors.js";
import { noticeReset } from "./reset.js";

/** As heads allow. */
const HANDSHAKE_MS = 10_000;

/** How a connection is secured. */
export type Security =
  /** Unix sockets, and heads that were started so. */
  | { readonly type: "plain" }
  /** It needs TLS, and there is no credential yet. */
  | { readonly type: "missing" }
  | Secured;

/** With TLS. */
export interface Secured {
  readonly type: "tls";
  readonly credential: Credential;
  readonly secureContext: SecureContext;
  readonly servername: string;
  /** Whether the certificate that TLS has verified is a head's; undefined when it is. */
  readonly checkHead: (_host: string, certificate: PeerCertificate) => Error | undefined;
}

/**
 * Finds out how to secure a connection.
 *
 * @throws AuthError when there is a credential that cannot be used; ConfigError when this side was told to do without where that must not be
 */
export function secure(address: SocketAddress, access: Access, purpose: Purpose): Security {
  if (address.type === "unix") return { type: "plain" };
  if (access.insecure !== "no") {
    if (access.insecure === "here" && !isLocal(address))
      throw new ConfigError(
        `--insecure: ${formatAddress(address)} is on another machine, and anybody on the way could read and change everything; ` +
          "leave out --insecure, or say --yes-really as well (GRAIN_INSECURE=yes-really).",
      );
    return { type: "plain" };
  }
  const credential = findCredential(access.place, purpose);
  if (credential === undefined) return { type: "missing" };
  const { host } = address;
  return {
    type: "tls",
    credential,
    secureContext: contextOf(credential),
    // TLS allows no numbers here, and warns.
    servername: isIP(host) === 0 ? host : "head.grain",
    checkHead: (_name, certificate) => checkHead(host, certificate),
  };
}

function contextOf(credential: Credential): SecureContext {
  const { file, certificate: cert, key, authorities: ca } = credential;
  try {
    return createSecureContext({ cert, key, ca, minVersion: "TLSv1.3" });
  } catch {
    // What OpenSSL says of it helps nobody.
    throw new AuthError(
      `${file} holds a damaged key, or one that is not its certificate's; have a new credential made with "grain access new".`,
    );
  }
}

/**
 * A head's own authority issues for one head, wherever it listens, so the certificate's name says enough.
 * Others issue for many machines: what they signed must be for this host.
 */
function checkHead(host: string, certificate: PeerCertificate): Error | undefined {
  const { O, OU } = certificate.subject;
  if (O !== ORGANISATION) return checkServerIdentity(host, certificate);
  return OU === HEAD_UNIT ? undefined : new Error(`its certificate is that of a ${OU}, not of a head`);
}

/** As grpc-js takes it. `abandon` ends handshakes that are under way. */
export function channelSecurity(security: Exclude<Security, { type: "missing" }>): {
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
  readonly abandon: () => void;
} {
  if (security.type === "plain")
    return { credentials: ChannelCredentials.createInsecure(), options: {}, abandon: () => {} };
  const { secureContext, checkHead: checkServer, servername } = security;
  const credentials = ChannelCredentials.createFromSecureContext(secureContext, {
    checkServerIdentity: checkServer,
  });
  const abandon = limitHandshakes(credentials);
  return { credentials, options: { "grpc.ssl_target_name_override": servername }, abandon };
}

/**
 * Bounds the time of handshakes: grpc-js waits for ever for a peer that never answers, also when its channel has been closed.
 *
 * @returns ends those that are under way, and lets none follow
 */
function limitHandshakes(credentials: ChannelCredentials): () => void {
  const underWay = new Set<Socket>();
  let isOver = false;
  const create = credentials._createSecureConnector.bind(credentials);
  credentials._createSecureConnector = (...args) => {
    const connector = create(...args);
    return {
      // It comes before a socket is opened: grpc-js tries once more after its channel was closed.
      waitForReady: () => (isOver ? Promise.reject(new Error("given up")) : connector.waitForReady()),
      getCallCredentials: () => connector.getCallCredentials(),
      destroy: () => connector.destroy(),
      async connect(socket) {
        const timer = setTimeout(() => socket.destroy(), HANDSHAKE_MS);
        noticeReset(socket);
        underWay.add(socket);
        try {
          return await Promise.race([connector.connect(socket), closing(socket)]);
        } finally {
          clearTimeout(timer);
          underWay.delete(socket);
        }
      },
    };
  };
  return () => {
    isOver = true;
    for (const socket of underWay) socket.destroy();
  };
}

function closing(socket: Socket): Promise<never> {
  return new Promise((_, reject) => {
    socket.once("close", () => reject(new Error("the connection was closed during its handshake")));
  });
}
