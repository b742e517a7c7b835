/** `grain explain`: where a task is and, while it waits, why. */

import { ConfigError } from "../../proto/errors.js";
import { type AskOptions, askHead } from "./ask-head.js";

/** Flags of `grain explain`. */
export type ExplainOptions = AskOptions;

const LARGEST = 2 ** 32 - 1;

/**
 * Asks a head about a task and prints what it says.
 *
 * @param name the task's, as in errors: "1.6"
 * @throws ConfigError when it is no task's name, or no head is named; ConnectionError when the head does not answer
 * @example
 * await explain("1.6", { address: "cluster:7700" }, (text) => process.stdout.write(text));
 */
export async function explain(
  name: string,
  options: ExplainOptions,
  print: (text: string) => void,
): Promise<number> {
  const { session, task } = parseTask(name);
  const explanation = await askHead(options, (head) => head.explain(session, task));
  print(options.json === true ? `${JSON.stringify(explanation, undefined, 2)}\n` : `${explanation.text}\n`);
  return 0;
}

/**
 * Reads a task's name.
 *
 * @throws ConfigError when it is none
 * @example
 * parseTask("1.6") // { session: 1, task: 6 }
 */
export function parseTask(name: string): { session: number; task: number } {
  const match = /^(\d+)\.(\d+)$/.exec(name.trim());
  const [session, task] = [Number(match?.[1]), Number(match?.[2])];
  if (isNumber(session) && isNumber(task)) return { session, task };
  throw new ConfigError(
    `${JSON.stringify(name)} is not a task; give its session and its number, as in errors, e.g. 1.6.`,
  );
}

function isNumber(value: number): boolean {
  return value >= 1 && value <= LARGEST;
}
