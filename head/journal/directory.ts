/** Where a head keeps its journal unless told otherwise. */

import { homedir, hostname } from "node:os";
import { join, resolve } from "node:path";
import { formatAddress, parseAddress } from "../../proto/address.js";

/**
 * The journal's directory.
 *
 * @param flag what the command line says; false: no journal
 * @param address the first one the head listens on, or its edge file: two heads of one user do not share a journal
 * @param env XDG_STATE_HOME is read
 * @returns undefined: no journal. That is also so for any free port: the next head would have another
 * @example
 * journalDirectory(undefined, "127.0.0.1:7700", {}) // "/home/ada/.local/state/grain/journal/127.0.0.1_7700"
 */
export function journalDirectory(
  flag: string | boolean | undefined,
  address: string,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (typeof flag === "string") return resolve(flag);
  if (flag === false) return undefined;
  const parsed = parseAddress(address);
  if (parsed.type === "tcp" && parsed.port === 0) return undefined;
  const state = env.XDG_STATE_HOME || join(homedir(), ".local", "state");
  // A head of an edge file may be on any machine, and a home directory on several: each has its own.
  const place = parsed.type === "edge" ? `${hostname()} ${parsed.path}` : formatAddress(parsed);
  const name = place.replaceAll(/[^\w.-]+/g, "_");
  return join(state, "grain", "journal", name);
}
