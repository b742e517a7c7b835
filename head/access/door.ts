/** How a head lets people in: decided before it listens. */

import { chooseAccess } from "../../proto/access/place.js";
import { type Address, formatAddress, isLocal } from "../../proto/address.js";
import { ConfigError } from "../../proto/errors.js";
import { ensureDirectory } from "./directory.js";
import { Gate } from "./gate.js";
import { directoryKeys, type KeySource, type OwnCertificates, ownKeys } from "./keys.js";

/** What a head is told of it. */
export interface DoorOptions {
  /** The access directory; made at the first start. Default: GRAIN_ACCESS_DIR, or `grain/access` in the user's configuration. */
  readonly access?: string | undefined;
  /** Certificates of your own instead of those of the access directory. */
  readonly tls?: OwnCertificates | undefined;
  /** Neither encryption nor credentials: whoever can connect may do everything. Loopback and unix sockets only. */
  readonly insecure?: boolean | undefined;
  /** `insecure` on addresses that other machines reach. */
  readonly yesReally?: boolean | undefined;
}

/** How people come in. Unix sockets are guarded by the permissions of their files, and are open here. */
export type Door =
  | { readonly type: "open" }
  | { readonly type: "locked"; readonly keys: KeySource; readonly gate: Gate };

/**
 * Decides how people come in, and makes the access directory where one is needed and there is none.
 *
 * @throws ConfigError for what must not be, or cannot be read; AuthError when the access directory cannot be used
 */
export async function openDoor(options: DoorOptions, addresses: readonly Address[]): Promise<Door> {
  const { insecure = false, yesReally = false, tls } = options;
  if (insecure) {
    if (tls !== undefined)
      throw new ConfigError("--insecure and --tls-cert contradict each other; leave one of them out.");
    if (!yesReally) for (const address of addresses) refuseReachable(address);
    return { type: "open" };
  }
  if (addresses.every((address) => address.type === "unix")) return { type: "open" };
  const { place } = chooseAccess({ access: options.access });
  if (tls === undefined) await ensureDirectory(place);
  return {
    type: "locked",
    keys: tls === undefined ? directoryKeys(place) : ownKeys(tls),
    gate: new Gate(place),
  };
}

function refuseReachable(address: Address): void {
  if (isLocal(address)) return;
  throw new ConfigError(
    `--insecure: the head does not listen on ${formatAddress(address)} without encryption and credentials, because other machines ` +
      "could reach it and run whatever they like; leave out --insecure, or say --yes-really as well.",
  );
}
