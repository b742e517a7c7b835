/** Names of blobs and bundles: by their content. */

import { createHash } from "node:crypto";
import type { BlobRef } from "./grain.js";

/**
 * Names bytes by their content.
 *
 * @param parts the bytes, in order
 * @returns a reference with `hash` ("sha256-" and 64 hexadecimal digits) and the total length
 * @example
 * refOf([new Uint8Array([1, 2, 3])]).byteLength // 3
 */
export function refOf(parts: readonly Uint8Array[]): BlobRef {
  const hash = createHash("sha256");
  let byteLength = 0;
  for (const part of parts) {
    hash.update(part);
    byteLength += part.byteLength;
  }
  return { hash: `sha256-${hash.digest("hex")}`, byteLength };
}

/** Whether a text is the name of a blob. */
export function isHash(text: string): boolean {
  return /^sha256-[0-9a-f]{64}$/.test(text);
}
