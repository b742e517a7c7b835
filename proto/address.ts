/** Where a head listens: `host:port`, `tcp://host:port`, `unix:///path`. */

import { isAbsolute } from "node:path";
import { ConfigError } from "./errors.js";

/** A parsed address. */
export type Address =
  | { readonly type: "tcp"; readonly host: string; readonly port: number }
  | { readonly type: "unix"; readonly path: string };

const FORMS = 'expected "host:port", "tcp://host:port" or "unix:///path"';

/**
 * Reads an address.
 *
 * @param text `host:port` (IPv6 in brackets), `tcp://host:port` or `unix:///absolute/path`
 * @throws ConfigError that names the text and what was expected
 * @example
 * parseAddress("127.0.0.1:7700") // { type: "tcp", host: "127.0.0.1", port: 7700 }
 */
export function parseAddress(text: string): Address {
  const trimmed = text.trim();
  if (trimmed.startsWith("unix:")) {
    const path = trimmed.replace(/^unix:(\/\/)?/, "");
    if (!isAbsolute(path) || path.endsWith("/")) {
      throw new ConfigError(
        `The address "${text}" names no socket: a unix address needs an absolute path, such as unix:///run/grain.sock.`,
      );
    }
    if (Buffer.byteLength(path) > 107) {
      throw new ConfigError(
        `The socket path of "${text}" is longer than the 107 bytes the system allows; choose a shorter one.`,
      );
    }
    return { type: "unix", path };
  }
  const rest = trimmed.startsWith("tcp://") ? trimmed.slice("tcp://".length) : trimmed;
  if (rest.includes("://")) throw new ConfigError(`The address "${text}" has an unknown scheme; ${FORMS}.`);
  const match = /^(\[[0-9A-Fa-f:.%]+\]|[^\s:/[\]]+):(\d+)$/.exec(rest);
  if (match === null) throw new ConfigError(`"${text}" is not an address; ${FORMS}.`);
  const port = Number(match[2]);
  if (port > 65_535) throw new ConfigError(`The address "${text}" has port ${port}; ports go up to 65535.`);
  return { type: "tcp", host: match[1]!.replace(/^\[|\]$/g, ""), port };
}

/** Writes an address as users do: `host:port` or `unix:///path`. */
export function formatAddress(address: Address): string {
  if (address.type === "unix") return `unix://${address.path}`;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

/** Whether nobody but this machine can reach it. */
export function isLocal(address: Address): boolean {
  if (address.type === "unix") return true;
  return address.host === "localhost" || address.host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(address.host);
}
