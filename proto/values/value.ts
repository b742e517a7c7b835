/** Arguments and results as bytes: what the rest of the package uses of this folder, beside error.ts. */

export { decodeArgs, decodeValue } from "./decode.js";
export { encodeArgs, encodeValue } from "./encode.js";
export { type Encoded, INLINE_LIMIT_BYTES, joinParts, MAX_VALUE_BYTES } from "./encoded.js";
