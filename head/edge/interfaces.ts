/** Under which addresses a head that listens on all interfaces can be reached. */

import { type NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { formatAddress, parseSocketAddress, type SocketAddress } from "../../proto/address.js";

type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

const ALL_IPV4 = "0.0.0.0";
const ALL = "::";

/** Where a head listens that was told of an edge file only: everywhere, on any free port. */
export function anywhere(insecure: boolean, interfaces: Interfaces = networkInterfaces()): string {
  // Without encryption and credentials only this machine is let in.
  if (insecure) return "127.0.0.1:0";
  const hasIpv6 = Object.values(interfaces).some((infos) => infos?.some(({ family }) => family === "IPv6"));
  return hasIpv6 ? `[${ALL}]:0` : `${ALL_IPV4}:0`;
}

/**
 * What others are to try.
 *
 * @param bound where it listens, with real ports
 * @returns those of networks before those of this machine alone
 * @example
 * reachableAt(["0.0.0.0:7700"]) // ["10.1.0.7:7700", "192.168.0.7:7700", "127.0.0.1:7700"]
 */
export function reachableAt(
  bound: readonly string[],
  interfaces: Interfaces = networkInterfaces(),
): string[] {
  const found = bound.flatMap((text) => expand(parseSocketAddress(text), interfaces));
  return [...new Set(found)];
}

function expand(address: SocketAddress, interfaces: Interfaces): string[] {
  if (address.type === "unix" || (address.host !== ALL && address.host !== ALL_IPV4))
    return [formatAddress(address)];
  const infos = Object.values(interfaces)
    .flatMap((each) => each ?? [])
    // Addresses of one link only mean something together with the reader's interface.
    .filter(({ address: host }) => !host.toLowerCase().startsWith("fe80:"))
    .filter(({ family }) => family === "IPv4" || address.host === ALL);
  const rank = ({ internal, family }: NetworkInterfaceInfo) =>
    (internal ? 2 : 0) + (family === "IPv4" ? 0 : 1);
  return infos
    .sort((a, b) => rank(a) - rank(b))
    .map(({ address: host }) => formatAddress({ ...address, host }));
}
