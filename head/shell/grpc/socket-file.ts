/** Files of unix sockets: a dead head's is removed, a live one's is left alone. */

import { chmod, lstat, rm } from "node:fs/promises";
import { connect } from "node:net";
import { ConfigError, ConnectionError } from "../../../proto/errors.js";

/**
 * Makes sure that a head can listen on this path.
 *
 * @throws ConnectionError when a program listens there; ConfigError when something else has this name
 */
export async function claimSocketFile(path: string): Promise<void> {
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

/** Lets only this user connect. */
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
