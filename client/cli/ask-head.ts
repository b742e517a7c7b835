/** What every command that asks a head has in common: which head, and the connection to it. */

import type { Command } from "commander";
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

/** Adds the flags that say which configuration and which head. */
export function headFlags(command: Command): Command {
  return command
    .option("-c, --config <file>", "the configuration (default: GRAIN_CONFIG, or ./grain.toml)")
    .option(
      "--address <address>",
      "the head, e.g. cluster:7700 (default: GRAIN_ADDRESS, or the configuration's)",
    )
    .option(
      "--access <path>",
      "credentials: a directory, or a file (default: GRAIN_ACCESS_DIR, or ~/.config/grain/access)",
    )
    .option("--insecure", "without TLS, for a head that was started so")
    .option("--yes-really", "--insecure to another machine as well")
    .exitOverride();
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
    { address: options.address, configFile: options.config },
    { env: process.env, cwd: process.cwd() },
  );
  if (head.type === "embedded")
    throw new ConfigError(
      "No head is named. Give its address with --address, GRAIN_ADDRESS, or `address` in grain.toml.",
    );
  const connection = await connectAdmin(head.address, {
    giveUpMs: GIVE_UP_MS,
    access: chooseAccess(options),
  });
  try {
    return await ask(connection);
  } finally {
    connection.close();
  }
}
