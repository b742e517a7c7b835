/** Flags of every command that talks to a head. */

import type { Command } from "commander";

/** Adds them. */
export function headFlags(command: Command): Command {
  return command
    .option("-c, --config <file>", "the configuration (default: GRAIN_CONFIG, or ./grain.toml)")
    .option(
      "--address <address>",
      "the head, e.g. cluster:7700 (default: GRAIN_ADDRESS, or the configuration's)",
    )
    .option(
      "--access <path>",
      "credentials: a directory, or a file (default: GRAIN_ACCESS_DIR, the configuration's, or ~/.config/grain/access)",
    )
    .option("--insecure", "without TLS, for a head that was started so")
    .option("--yes-really", "--insecure to another machine as well")
    .exitOverride();
}
