/** Files of unix sockets: a dead head's is removed, a live one's is left alone. */

import { chmod, lstat, rm, stat } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { dirname } from "node:path";
import { isMainThread } from "node:worker_threads";
import { ConfigError, ConnectionError } from "../../../proto/errors.js";

/** Execution is of no use to a socket. */
const OTHERS = 0o177;

/**
 * Makes sure that a head can listen on this path.
 *
 * @throws ConnectionError when a program listens there; ConfigError when something else has this name, or its directory is missing
 */
export async function claimSocketFile(path: string): Promise<void> {
  await checkDirectory(path);
  const file = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new ConfigError(`The socket ${path} cannot be looked at: ${error.message}.`, { cause: error });
  });
  if (file === undefined) return;
  if (!file.isSocket()) {
    throw new ConfigError(
      `${path} exists and is not a socket; choose another path to listen on, or remove it.`,
    );
  }
  if (await answers(path)) {
    throw new ConnectionError(
      `unix://${path} is in use by another program: stop it, or listen on another path.`,
    );
  }
  await rm(path, { force: true });
}

/** Listening itself would fail with EACCES, as if it were a matter of permissions. */
async function checkDirectory(path: string): Promise<void> {
  const directory = dirname(path);
  const found = await stat(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw new ConfigError(
      `The directory ${directory} of the socket ${path} cannot be looked at: ${error.message}; choose another path to listen on.`,
      { cause: error },
    );
  });
  if (found?.isDirectory()) return;
  throw new ConfigError(
    found === undefined
      ? `The directory ${directory} of the socket ${path} does not exist: make it (mkdir -p ${directory}), or choose another path to listen on.`
      : `${directory}, where the socket ${path} is to be, is not a directory; choose another path to listen on.`,
  );
}

/**
 * Makes the sockets on which a server will listen this user's only, from the moment on at which there is a file.
 * Node makes it within `listen`, so that no other file is made with this mask. Threads have no mask of their own:
 * there the file is closed as soon as it is there.
 */
export function listenPrivately(server: Server): void {
  const listen = server.listen;
  server.listen = function listenMasked(this: Server, ...args: unknown[]) {
    const before = isMainThread ? process.umask(OTHERS) : undefined;
    try {
      return (listen as (...given: unknown[]) => Server).apply(this, args);
    } finally {
      if (before !== undefined) process.umask(before);
    }
  } as Server["listen"];
}

/** Lets only this user connect, whatever the file system made of the mask. */
export async function protectSocketFile(path: string): Promise<void> {
  await chmod(path, 0o600);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) =>
      resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT"),
    );
  });
}
