/** Sessions as people name them: by number, or by the name that their program gave. */

import { ConfigError, GrainError } from "../../proto/errors.js";
import type { HeadStatus } from "../../proto/grain.js";

/** What is asked to find one. */
export interface KnowsSessions {
  status(): Promise<Pick<HeadStatus, "sessions">>;
}

const LARGEST = 2 ** 32 - 1;

/** A task, or a session. */
export type Target =
  | { readonly type: "task"; readonly session: number; readonly task: number }
  | { readonly type: "session"; readonly name: string };

/**
 * Reads what a command is to act on. Whatever looks like a task is one.
 *
 * @throws ConfigError when it is neither
 * @example
 * parseTarget("1.6")   // { type: "task", session: 1, task: 6 }
 * parseTarget("sweep") // { type: "session", name: "sweep" }
 */
export function parseTarget(text: string): Target {
  const name = text.trim();
  if (name === "")
    throw new ConfigError("A session or a task is to be named; `grain jobs` shows the sessions.");
  if (!/^[\d.]*\.[\d.]*$/.test(name)) return { type: "session", name };
  const match = /^(\d+)\.(\d+)$/.exec(name);
  const [session, task] = [Number(match?.[1]), Number(match?.[2])];
  if (isNumber(session) && isNumber(task)) return { type: "task", session, task };
  throw new ConfigError(
    `${JSON.stringify(text)} is not a task; give its session and its number, as in errors, e.g. 1.6.`,
  );
}

/**
 * The number of the session that is meant: of that number, else of that name.
 *
 * @throws GrainError when there is none, or several of the name
 */
export async function findSession(head: KnowsSessions, name: string): Promise<number> {
  const { sessions } = await head.status();
  const number = /^\d+$/.test(name.trim()) ? Number(name) : undefined;
  const found =
    sessions.filter(({ session }) => session === number).length > 0
      ? sessions.filter(({ session }) => session === number)
      : sessions.filter((session) => session.name === name.trim());
  const [first, ...others] = found;
  if (first === undefined) {
    throw new GrainError(
      `There is no session ${number ?? JSON.stringify(name)}, or this credential may not see it: \`grain jobs\` shows those that there are.`,
    );
  }
  if (others.length === 0) return first.session;
  const numbers = found.map(({ session }) => session).join(", ");
  throw new GrainError(
    `${found.length} sessions are named ${JSON.stringify(name)}: give the number of one (${numbers}).`,
  );
}

function isNumber(value: number): boolean {
  return value >= 1 && value <= LARGEST;
}
