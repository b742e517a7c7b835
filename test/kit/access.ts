/** Access directories of tests: never the user's own. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Purpose } from "../../proto/access/credential.js";
import { chooseAccess } from "../../proto/access/place.js";
import { parseSocketAddress } from "../../proto/address.js";
import { channelSecurity, secure } from "../../proto/link/grpc/security.js";

/** Before all tests, for all their processes: heads make it at their first start. */
export default function setup(): () => void {
  const directory = mkdtempSync(join(tmpdir(), "grain-test-access-"));
  process.env.GRAIN_ACCESS_DIR = join(directory, "access");
  return () => rmSync(directory, { recursive: true, force: true });
}

/** What plain grpc-js needs to connect to a head of this test. */
export function channelTo(address: string, purpose: Purpose = "command", place?: string) {
  const security = secure(parseSocketAddress(address), chooseAccess({ access: place }), purpose);
  if (security.type === "missing") throw new Error("there is no credential: start a head first");
  return channelSecurity(security);
}
