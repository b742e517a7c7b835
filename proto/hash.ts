/**
 * Names of blobs, which say what their bytes must be: bundles have the SHA-256 of
 * theirs, the same for everybody; values a tag under a random key of whoever named
 * them, ten times faster to compute. The key is part of the name, so that everybody
 * can check the bytes, and names of different keys never meet by accident.
 */

import { createCipheriv, createHash, randomBytes } from "node:crypto";
import type { BlobRef } from "./grain.js";

const SHA256 = /^sha256-[0-9a-f]{64}$/;
const GMAC = /^gmac-([0-9a-f]{32})-[0-9a-f]{32}$/;
/** The key is used for nothing else, and the tag no secret: it needs no nonce. */
const NONCE = Buffer.alloc(12);
/** Computed in pieces that stay in the processor's cache. */
const PIECE_BYTES = 256 * 1024;

/** Computes the name of bytes that come in pieces. */
export interface Digest {
  update(bytes: Uint8Array): void;
  /** The name of all bytes. Call once, at the end. */
  name(): string;
}

/**
 * Names bytes by their content.
 *
 * @param parts the bytes, in order
 * @returns a reference with `hash` ("sha256-" and 64 hexadecimal digits) and the total length
 * @example
 * refOf([new Uint8Array([1, 2, 3])]).byteLength // 3
 */
export function refOf(parts: readonly Uint8Array[]): BlobRef {
  return named(sha256(), parts);
}

/** Makes a key for the names of values: one for each process or session that names some. */
export function newValueKey(): string {
  return randomBytes(16).toString("hex");
}

/**
 * Names a value: equal bytes under one key have one name, others another.
 *
 * @param key made by `newValueKey`
 * @param parts the bytes, in order
 */
export function valueRefOf(key: string, parts: readonly Uint8Array[]): BlobRef {
  return named(gmac(key), parts);
}

/** Computes what {@link valueRefOf} does, of bytes that come in pieces. */
export function newValueDigest(key: string): Digest {
  return gmac(key);
}

/** Whether a text is the name of a bundle. */
export function isHash(text: string): boolean {
  return SHA256.test(text);
}

/** Whether a text is the name of a blob, bundle or value. It can be the name of a file. */
export function isBlobName(text: string): boolean {
  return SHA256.test(text) || GMAC.test(text);
}

/**
 * Computes names of the same kind as this one: bytes are those of a blob when it comes out again.
 *
 * @param name one that `isBlobName` accepts
 */
export function digestLike(name: string): Digest {
  const key = GMAC.exec(name)?.[1];
  return key === undefined ? sha256() : gmac(key);
}

function named(digest: Digest, parts: readonly Uint8Array[]): BlobRef {
  let byteLength = 0;
  for (const part of parts) {
    digest.update(part);
    byteLength += part.byteLength;
  }
  return { hash: digest.name(), byteLength };
}

function sha256(): Digest {
  const hash = createHash("sha256");
  return { update: (bytes) => void hash.update(bytes), name: () => `sha256-${hash.digest("hex")}` };
}

function gmac(key: string): Digest {
  const cipher = createCipheriv("aes-128-gcm", Buffer.from(key, "hex"), NONCE);
  return {
    update(bytes) {
      for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES)
        cipher.setAAD(bytes.subarray(at, at + PIECE_BYTES));
    },
    name() {
      cipher.final();
      return `gmac-${key}-${cipher.getAuthTag().toString("hex")}`;
    },
  };
}
