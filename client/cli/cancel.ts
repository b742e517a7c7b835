/** `grain cancel`: ends a task, or all tasks of a session. */

import { hostname, userInfo } from "node:os";
import type { Command } from "commander";
import { GrainError } from "../../proto/errors.js";
import { type AskOptions, askHead } from "./ask-head.js";
import { examples } from "./examples.js";
import { findSession, parseTarget } from "./session-name.js";

type Print = (text: string) => void;

/** Adds the command. @param common adds the flags that name a head */
export function addCancel(
  program: Command,
  common: (command: Command) => Command,
  choose: (act: () => Promise<number>) => void,
): void {
  common(program.command("cancel"))
    .description("Ends a task, or all tasks of a session; its program hears who wanted it.")
    .argument(
      "<session|task>",
      "a session's number or name, as `grain jobs` shows it, or a task: SESSION.TASK",
    )
    .option("--json", "as JSON")
    .addHelpText(
      "after",
      examples(
        ["grain cancel 3", "all tasks of session 3 that have not ended"],
        ["grain cancel sweep", "of the session of this name"],
        ["grain cancel 3.17", "one task"],
      ),
    )
    .action((name: string, options: AskOptions) =>
      choose(() => cancel(name, options, (text) => process.stdout.write(text))),
    );
}

/**
 * Cancels and says how many. Those that ran are gone when their workers have ended them.
 *
 * @throws GrainError when there is no such session or task; ConfigError when the name could be none
 */
export async function cancel(name: string, options: AskOptions, print: Print): Promise<number> {
  const target = parseTarget(name);
  const { session, task, answer } = await askHead(options, async (head) => {
    const session = target.type === "task" ? target.session : await findSession(head, target.name);
    const task = target.type === "task" ? target.task : undefined;
    return { session, task, answer: await head.cancel({ session, task, by: whoAmI() }) };
  });
  const what = task === undefined ? `Session ${session}` : `Task ${session}.${task}`;
  if (!answer.known) throw new GrainError(`${what} is not known: it has ended, or there was none such.`);
  if (options.json === true)
    print(`${JSON.stringify({ session, task: task ?? null, cancelled: answer.tasks })}\n`);
  else print(said(what, task, answer.tasks));
  return 0;
}

function said(what: string, task: number | undefined, tasks: number): string {
  if (task !== undefined) return `${what} is cancelled.\n`;
  if (tasks === 0) return `${what} has no tasks that have not ended.\n`;
  return `${what}: ${tasks} task${tasks === 1 ? " is" : "s are"} cancelled.\n`;
}

/** As the program is told. */
function whoAmI(): string {
  let name: string;
  try {
    name = userInfo().username;
  } catch {
    // A user without an entry, as in containers.
    name = `user ${process.getuid?.() ?? "?"}`;
  }
  return `${name}@${hostname()}`;
}
