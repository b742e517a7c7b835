/** What this package says of itself in a handshake. */

import { hostname } from "node:os";
import type { Hello } from "./grain.js";

/** Version of the wire protocol. Raised when an older peer could misunderstand. */
export const PROTOCOL = 1;

/** Form of the bundles in which programs' code travels. Raised when an older worker could not run a newer one's. */
export const BUNDLE_FORMAT = 1;

/** Version of this package; equal to package.json's (a test compares them). */
export const VERSION = "0.1.0";

/** The handshake of this process. */
export function hello(): Hello {
  return {
    protocol: PROTOCOL,
    version: VERSION,
    node: process.version,
    host: hostname(),
    pid: process.pid,
    bundleFormat: BUNDLE_FORMAT,
  };
}
