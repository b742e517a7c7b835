/** Flags that many commands have. */

import type { Command } from "commander";

/** Adds the flag that names the configuration. */
export function configFlag(command: Command): Command {
  return command.option("-c, --config <file>", "the configuration (default: GRAIN_CONFIG, or ./grain.toml)");
}

/** Adds the flags of commands that talk to a head. */
export function headFlags(command: Command): Command {
  return configFlag(command)
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

/** Adds what every command has, to a program that is complete. */
export function addVerbose(command: Command): void {
  command.option("--verbose", "of what goes wrong, show also where in the code");
  for (const each of command.commands) addVerbose(each);
}
