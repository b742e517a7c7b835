/** What every command that asks a head has in common: which head, and the connection to it. */

import { type AccessFlags, chooseAccess } from "../../proto/access/place.js";
import { ConfigError } from "../../proto/errors.js";
import { type AdminConnection, connectAdmin } from "../../proto/link/grpc/connect.js";
import { chooseHead } from "../config.js";

/** Flags of such commands. */
export interface AskOptions extends AccessFlags {
  readonly json?: boolean;
  readonly config?: string;
  readonly address?: string;
}

/** A head on the same network answers within milliseconds. */
const GIVE_UP_MS = 3_000;

/**
 * Connects to the head that the flags, the environment or the configuration name, and asks it.
 *
 * @throws ConfigError when no head is named; AuthError when it does not let us in; ConnectionError when it does not answer
 * @example
 * await askHead({ address: "cluster:7700" }, (head) => head.status());
 */
export async function askHead<T>(
  options: AskOptions,
  ask: (head: AdminConnection) => Promise<T>,
): Promise<T> {
  const head = await chooseHead(
    { address: options.address, configFile: options.config, command: true },
    { env: process.env, cwd: process.cwd() },
  );
  if (head.type === "embedded")
    throw new ConfigError(
      "No head is named. Give its address with --address, GRAIN_ADDRESS, or `address` in grain.toml.",
    );
  const connection = await connectAdmin(head.address, {
    giveUpMs: GIVE_UP_MS,
    access: chooseAccess(options, process.env, head.access),
  });
  try {
    return await ask(connection);
  } finally {
    connection.close();
  }
}
