/** Every command that there is. */

import { commandsOf } from "../../../client/cli/completion.js";
import type { CompletedCommand } from "../../../client/cli/completion-script.js";
import { commands } from "../../../client/cli/main.js";

/** Each without the program's name, e.g. "cache ls"; the program itself first, as "". */
export const COMMANDS: readonly (CompletedCommand & { readonly name: string })[] = commandsOf(
  commands(() => {}),
).map((command) => ({ ...command, name: command.path.split(" ").slice(1).join(" ") }));

/** Those that do something. */
export const LEAVES = COMMANDS.filter(
  ({ path }) => !COMMANDS.some((other) => other.path.startsWith(`${path} `)),
);
