/** Who is at the other end of a connection, by the certificate that TLS has verified. */

import type { PeerCertificate } from "node:tls";
import { isRole } from "../../../proto/access/role.js";
import type { Caller, PeerName } from "../../access/gate.js";

/** What of a call, or of a connection, names its peer. */
interface Authenticated {
  getAuthContext(): { readonly sslPeerCertificate?: PeerCertificate };
}

/** What a certificate says. Undefined when there is none. */
export function nameIn(certificate: PeerCertificate | undefined): PeerName | undefined {
  if (certificate?.raw === undefined) return undefined;
  const { CN, OU } = certificate.subject as { CN?: unknown; OU?: unknown };
  return {
    // A subject that has several is nobody's.
    id: typeof CN === "string" ? CN : "",
    unit: typeof OU === "string" ? OU : undefined,
    expiresAtMs: Date.parse(certificate.valid_to),
  };
}

/** Who makes a call; undefined on listeners that ask for no certificate. */
export function peerOf(call: Authenticated): PeerName | undefined {
  return nameIn(call.getAuthContext().sslPeerCertificate);
}

/** A caller that the guard has let in; undefined on listeners that ask for no certificate. */
export function callerOf(call: Authenticated): Caller | undefined {
  const peer = peerOf(call);
  if (peer === undefined) return undefined;
  // The guard lets in nobody without a role; should one ever come so far, it is the least of all.
  return { id: peer.id, role: isRole(peer.unit) ? peer.unit : "client" };
}
