/** Starts a head that listens: the daemon's, and for programs that embed one which others connect to. */

import { formatAddress, parseSocketAddress } from "../../proto/address.js";
import { sharedRoot } from "../../proto/share/directory.js";
import { type DoorOptions, openDoor } from "../access/door.js";
import { SharedFiles } from "./blob/shared.js";
import { Head, type HeadOptions } from "./head.js";
import { silentLog } from "./log.js";

/** How a listening head is set up. */
export interface ListenOptions extends HeadOptions, DoorOptions {
  /** Where to listen: `host:port` (port 0: any that is free) or `unix:///path`. Default: 127.0.0.1:7700. */
  readonly listen?: readonly string[];
}

/** A head that listens. */
export interface ListeningHead {
  readonly head: Head;
  /** Where it listens, with real ports. */
  readonly addresses: readonly string[];
  /** Says goodbye to everybody, stops listening and frees everything. @param reason told to clients */
  close(reason?: string): Promise<void>;
}

/** Where a head listens unless told otherwise. */
export const DEFAULT_ADDRESS = "127.0.0.1:7700";

/**
 * Starts a head and listens.
 *
 * @throws ConfigError for an address that is none, or that other machines could reach though `insecure`; AuthError when
 *   the access directory cannot be used; ConnectionError for an address in use
 * @example
 * const { addresses, close } = await startHead({ listen: ["127.0.0.1:0"] });
 */
export async function startHead(options: ListenOptions = {}): Promise<ListeningHead> {
  const addresses = (options.listen ?? [DEFAULT_ADDRESS]).map((address) => parseSocketAddress(address));
  const door = await openDoor(options, addresses);
  const log = options.log ?? silentLog;
  if (options.insecure === true)
    log.warn(
      `INSECURE: whoever can connect to ${addresses.map(formatAddress).join(", ")} can run code as this user and its workers`,
    );
  // Loaded here: an embedded head needs no gRPC.
  const { serveGrpc } = await import("./grpc/server.js");
  const shared = SharedFiles.open(sharedRoot());
  const head = new Head({ ...options, blobs: { shared, ...options.blobs } });
  try {
    const server = await serveGrpc(head, addresses, { door, log });
    return { head, addresses: server.addresses, close: (reason) => closeBoth(head, server, reason) };
  } catch (error) {
    await head.close();
    throw error;
  }
}

async function closeBoth(head: Head, server: { close(): Promise<void> }, reason?: string): Promise<void> {
  try {
    await head.close(reason);
  } finally {
    await server.close();
  }
}
