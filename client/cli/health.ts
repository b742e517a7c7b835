/** `grain health`: whether the head takes newcomers, for probes and scripts. */

import type { Command } from "commander";
import { type AskOptions, askHead } from "./ask-head.js";
import { examples } from "./examples.js";

const FAILURE = 1;

/** Adds the command. @param common adds the flags that name a head */
export function addHealth(
  program: Command,
  common: (command: Command) => Command,
  choose: (act: () => Promise<number>) => void,
): void {
  common(program.command("health"))
    .description("Asks the head's health service whether it takes newcomers; exit code 1 when not.")
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      examples(
        ["grain health", "prints: serving"],
        ["grain health --address 127.0.0.1:7700", "as a probe inside of the head's pod"],
      ),
    )
    .action((options: AskOptions) => choose(() => health(options, (text) => process.stdout.write(text))));
}

/**
 * Asks.
 *
 * @throws ConfigError when no head is named; AuthError when it does not let us in; ConnectionError when it does not answer
 * @example
 * await health({ address: "127.0.0.1:7700" }, console.log); // 0
 */
export async function health(options: AskOptions, print: (text: string) => void): Promise<number> {
  const isServing = await askHead(options, (head) => head.isServing());
  const status = isServing ? "serving" : "not serving";
  print(options.json === true ? `${JSON.stringify({ status })}\n` : `${status}\n`);
  return isServing ? 0 : FAILURE;
}
