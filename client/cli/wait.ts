/** `grain wait`: waits until a session has ended. */

import { setTimeout as pause } from "node:timers/promises";
import { type Command, InvalidArgumentError } from "commander";
import { formatDuration, parseDuration } from "../../proto/duration.js";
import { ConnectionError, GrainError, messageOf } from "../../proto/errors.js";
import type { SessionInfo } from "../../proto/grain.js";
import { type AskOptions, askHead } from "./ask-head.js";
import { examples } from "./examples.js";
import { findSession, type KnowsSessions } from "./session-name.js";
import { ALOUD, type Voice } from "./submit-jobs.js";

/** Flags of `grain wait`. */
export interface WaitFlags extends AskOptions {
  /** Milliseconds. */
  readonly timeout?: number;
}

/** How often the head is asked. */
const ASK_MS = 1_000;

/** Adds the command. @param common adds the flags that name a head */
export function addWait(
  program: Command,
  common: (command: Command) => Command,
  choose: (act: () => Promise<number>) => void,
): void {
  common(program.command("wait"))
    .description("Waits until a session has ended: its program, or, of a detached one, all of its tasks.")
    .argument("<session>", "its number or name, as `grain jobs` shows it")
    .option("--timeout <duration>", "give up after so long, with exit code 1 (default: never)", readDuration)
    .option("--json", "what was seen of it last, as JSON")
    .addHelpText(
      "after",
      examples(
        ["grain wait sweep && ./plot.sh", "when the session of this name has ended"],
        ["grain wait 3 --timeout 1h", "for an hour at most"],
      ),
    )
    .action((name: string, flags: WaitFlags) => choose(() => wait(name, flags, ALOUD)));
}

function readDuration(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
}

/**
 * Waits, and says how the session was when it was seen last.
 *
 * @throws GrainError when there is none such, or it goes on for too long; ConnectionError when no head answers at first
 * @example
 * await wait("sweep", { timeout: 60_000 }, ALOUD);
 */
export async function wait(name: string, flags: WaitFlags, voice: Voice): Promise<number> {
  const startedAt = performance.now();
  const seen = await askHead(flags, async (head) =>
    untilEnded(head, await findSession(head, name), { timeoutMs: flags.timeout, voice }),
  );
  const { session, name: own, finished, failed } = seen;
  const waitedMs = Math.round(performance.now() - startedAt);
  const title = `Session ${session}${own === "" ? "" : ` "${own}"`}`;
  voice.print(
    flags.json === true
      ? `${JSON.stringify({ session, name: own, finished, failed, waitedMs })}\n`
      : `${title} has ended; seen last: ${finished} done, ${failed} failed.\n`,
  );
  return 0;
}

/** How to wait. */
export interface Patience {
  /** Undefined: for as long as it takes. */
  readonly timeoutMs: number | undefined;
  readonly voice: Pick<Voice, "warn">;
  /** Between two questions. Default: a second. */
  readonly askMs?: number;
}

/**
 * Asks until a session is not there any more. A head that does not answer is asked again: it may be on its way back.
 *
 * @returns the session as it was seen last
 * @throws GrainError when it is too late
 */
export async function untilEnded(
  head: KnowsSessions,
  session: number,
  { timeoutMs = Number.POSITIVE_INFINITY, voice, askMs = ASK_MS }: Patience,
): Promise<Pick<SessionInfo, "session" | "name" | "finished" | "failed">> {
  const startedAt = performance.now();
  let last = { session, name: "", finished: 0, failed: 0 };
  let isLost = false;
  for (;;) {
    try {
      const found = (await head.status()).sessions.find((each) => each.session === session);
      isLost = false;
      if (found === undefined) return last;
      last = found;
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      if (!isLost) voice.warn(`Asking again: ${messageOf(error)}`);
      isLost = true;
    }
    const leftMs = timeoutMs - (performance.now() - startedAt);
    if (leftMs <= 0) throw goesOn(session, timeoutMs);
    await pause(Math.min(askMs, leftMs));
  }
}

function goesOn(session: number, timeoutMs: number): GrainError {
  return new GrainError(
    `Session ${session} has not ended within ${formatDuration(timeoutMs)}: \`grain job ${session}\` shows how it stands.`,
  );
}
