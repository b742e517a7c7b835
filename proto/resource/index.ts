/** The resource algebra: what tasks ask for, what workers have, and what is in use. */

export * from "./amount.js";
export { canonicalDemand, canonicalRequest } from "./canonical.js";
export * from "./demand.js";
export { formatIds, parseIds } from "./ids.js";
export type { CoreLayout } from "./layout.js";
export * from "./ledger.js";
export * from "./parse-pool.js";
export { parseRequest } from "./parse-request.js";
export type { PlainResource, PlainWalltime } from "./plain.js";
export * from "./pool.js";
export * from "./resource.js";
