/** Where a head listens: `host:port`, `tcp://host:port`, `unix:///path`; or the file that says where: `edge:///path`. */

import { isAbsolute } from "node:path";
import { ConfigError } from "./errors.js";

/** A host and a port. */
export interface TcpAddress {
  readonly type: "tcp";
  readonly host: string;
  readonly port: number;
}

/** A unix socket. */
export interface UnixAddress {
  readonly type: "unix";
  readonly path: string;
}

/** A file on a shared file system in which the head says where it listens. */
export interface EdgeAddress {
  readonly type: "edge";
  readonly path: string;
}

/** What can be connected to, and listened on. */
export type SocketAddress = TcpAddress | UnixAddress;

/** A parsed address. */
export type Address = SocketAddress | EdgeAddress;

const FORMS = 'expected "host:port", "tcp://host:port", "unix:///path" or "edge:///path"';

/**
 * Reads an address.
 *
 * @param text `host:port` (IPv6 in brackets), `tcp://host:port`, `unix:///absolute/path` or `edge:///absolute/path`
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
  if (trimmed.startsWith("edge:")) return { type: "edge", path: edgePath(text, trimmed) };
  const rest = trimmed.startsWith("tcp://") ? trimmed.slice("tcp://".length) : trimmed;
  if (rest.includes("://")) throw new ConfigError(`The address "${text}" has an unknown scheme; ${FORMS}.`);
  const match = /^(\[[0-9A-Fa-f:.%]+\]|[^\s:/[\]]+):(\d+)$/.exec(rest);
  if (match === null) throw new ConfigError(`"${text}" is not an address; ${FORMS}.`);
  const port = Number(match[2]);
  if (port > 65_535) throw new ConfigError(`The address "${text}" has port ${port}; ports go up to 65535.`);
  return { type: "tcp", host: match[1]!.replace(/^\[|\]$/g, ""), port };
}

function edgePath(text: string, trimmed: string): string {
  const path = trimmed.replace(/^edge:(\/\/)?/, "");
  if (isAbsolute(path) && !path.endsWith("/")) return path;
  throw new ConfigError(
    `The address "${text}" names no file: an edge address needs an absolute path, such as edge:///shared/grain.edge.`,
  );
}

/**
 * Reads an address that can be connected to as it is.
 *
 * @throws ConfigError also for an edge file
 */
export function parseSocketAddress(text: string): SocketAddress {
  const address = parseAddress(text);
  if (address.type !== "edge") return address;
  throw new ConfigError(`"${text}" names a file and not a socket; give host:port or unix:///path.`);
}

/** Writes an address as users do: `host:port`, `unix:///path` or `edge:///path`. */
export function formatAddress(address: Address): string {
  if (address.type !== "tcp") return `${address.type}://${address.path}`;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}

/** Whether nobody but this machine can reach it. */
export function isLocal(address: Address): boolean {
  if (address.type === "unix") return true;
  if (address.type === "edge") return false;
  return address.host === "localhost" || address.host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(address.host);
}
