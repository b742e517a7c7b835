/** `grain explain`: where a task is and, while it waits, why; of a session, its longest waiting tasks. */

import type { Command } from "commander";
import { GrainError } from "../../proto/errors.js";
import type { Explanation } from "../../proto/grain.js";
import { type AskOptions, askHead } from "./ask-head.js";
import { examples } from "./examples.js";
import { findSession, parseTarget } from "./session-name.js";

/** Flags of `grain explain`. */
export type ExplainOptions = AskOptions;

/** Adds the command. @param common adds the flags that name a head */
export function addExplain(
  program: Command,
  common: (command: Command) => Command,
  choose: (act: () => Promise<number>) => void,
): void {
  common(program.command("explain"))
    .description("Says where a task is and, while it waits, why; of a session, for each demand that waits.")
    .argument("<task|session>", "SESSION.TASK, as in errors, e.g. 1.6; or a session's number or name")
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      examples(
        ["grain explain 1.6", "task 6 of session 1"],
        ["grain explain sweep", "what the session waits for"],
      ),
    )
    .action((name: string, options: ExplainOptions) =>
      choose(() => explain(name, options, (text) => process.stdout.write(text))),
    );
}

/**
 * Asks a head about a task, or a session, and prints what it says.
 *
 * @param name a task's, as in errors ("1.6"), or a session's number or name
 * @throws ConfigError when it is no name, or no head is named; GrainError when there is no such session; ConnectionError
 *   when the head does not answer
 * @example
 * await explain("1.6", { address: "cluster:7700" }, (text) => process.stdout.write(text));
 */
export async function explain(
  name: string,
  options: ExplainOptions,
  print: (text: string) => void,
): Promise<number> {
  const target = parseTarget(name);
  if (target.type === "task") {
    const explanation = await askHead(options, (head) => head.explain(target.session, target.task));
    print(options.json === true ? json(explanation) : `${explanation.text}\n`);
    return 0;
  }
  const { session, tasks, known } = await askHead(options, async (head) => {
    const session = await findSession(head, target.name);
    return { session, ...(await head.explainSession(session)) };
  });
  if (!known)
    throw new GrainError(
      `Session ${session} has ended meanwhile: \`grain jobs\` shows those that there are.`,
    );
  print(options.json === true ? json(tasks) : showExplanations(session, tasks));
  return 0;
}

/** The longest waiting task of each demand, for people. */
export function showExplanations(session: number, tasks: readonly Explanation[]): string {
  if (tasks.length === 0) return `Nothing of session ${session} waits for a worker.\n`;
  return tasks.map(({ text }) => `${text}\n`).join("\n");
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
