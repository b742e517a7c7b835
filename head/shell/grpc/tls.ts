/** TLS of a head's listeners: version 1.3, certificates on both sides, renewed while it runs. */

import { constants } from "node:crypto";
import type { SecureContextOptions } from "node:tls";
import { ServerCredentials, type ServerInterceptor } from "@grpc/grpc-js";
import type { Keys } from "../../access/keys.js";

/** Who has not shown a certificate by then is disconnected. */
export const HANDSHAKE_MS = 10_000;

/** The fastest first: all of them are sound. */
const CIPHERS = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

/** Credentials of the listeners. */
export class TlsCredentials extends ServerCredentials {
  readonly #interceptors: ServerInterceptor[];

  /** @param guard sees every call first */
  constructor(keys: Keys, guard: ServerInterceptor, handshakeMs = HANDSHAKE_MS) {
    const options = { requestCert: true, rejectUnauthorized: true, handshakeTimeout: handshakeMs };
    super(options, contextOf(keys));
    this.#interceptors = [guard];
  }

  /** Newcomers see this from now on. */
  renew(keys: Keys): void {
    this.updateSecureContextOptions(contextOf(keys));
  }

  override _getInterceptors(): ServerInterceptor[] {
    return this.#interceptors;
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOf({ cert, key, ca }: Keys): SecureContextOptions {
  return {
    cert,
    key,
    ca,
    ciphers: CIPHERS,
    minVersion: "TLSv1.3",
    // Every connection shows its certificate anew: none is resumed with one that has been revoked since.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}
