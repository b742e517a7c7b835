/**
 * What a head keeps of a client's token: enough to know it again, and too little to come back with.
 * Tokens are random, so one round of SHA-256 hides them.
 */

import { createHash, timingSafeEqual } from "node:crypto";
import type { OpenSession } from "../../proto/grain.js";

const FINGERPRINT_BYTES = 32;

/** What is kept of a token that a client has sent. */
export function fingerprintOf(token: Uint8Array): Uint8Array {
  return createHash("sha256").update(token).digest();
}

/** Whether a token is the one of which this was kept. */
export function isTokenOf(fingerprint: Uint8Array, token: Uint8Array): boolean {
  return timingSafeEqual(fingerprint, fingerprintOf(token));
}

/** A client's first message, as it may be kept. */
export function withoutToken(open: OpenSession): OpenSession {
  return open.token === undefined ? open : { ...open, token: fingerprintOf(open.token) };
}

/** The same from a journal; the first ones held tokens as they were. */
export function fromJournal(open: OpenSession): OpenSession {
  return open.token?.byteLength === FINGERPRINT_BYTES ? open : withoutToken(open);
}
