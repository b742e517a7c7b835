/** Prints something again and again until Ctrl-C: on a terminal in place, elsewhere one below the other. */

import { setTimeout as pause } from "node:timers/promises";
import { InvalidArgumentError } from "commander";
import { parseDuration } from "../../proto/duration.js";
import { ConnectionError, messageOf } from "../../proto/errors.js";
import type { Output } from "./output.js";
import { cut } from "./table.js";

/** What is to be seen. */
export interface Watched {
  readonly intervalMs: number;
  /** On a terminal the new one takes the place of the one before. */
  readonly inPlace: boolean;
  /** How it is now. */
  look(): Promise<string>;
}

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

/** Nothing changes faster than people read. */
const SHORTEST_MS = 100;

/**
 * Reads how often to look.
 *
 * @throws InvalidArgumentError when it is no such duration
 */
export function readInterval(text: string): number {
  let ms: number;
  try {
    ms = parseDuration(text);
  } catch (error) {
    throw new InvalidArgumentError(messageOf(error));
  }
  if (ms < SHORTEST_MS) throw new InvalidArgumentError("Expected at least 100 ms, such as 5s.");
  return ms;
}

/**
 * Prints until SIGINT or SIGTERM. A head that does not answer any more is asked again.
 *
 * @throws what the first look throws, and later whatever is no ConnectionError
 */
export async function watch(out: Output, { intervalMs, inPlace, look }: Watched): Promise<void> {
  const ended = new AbortController();
  const end = () => ended.abort();
  const draw = inPlace && out.rows !== undefined ? inPlaceOf(out) : (text: string) => out.write(text);
  process.on("SIGINT", end).on("SIGTERM", end);
  if (inPlace && out.rows !== undefined) out.write(HIDE_CURSOR);
  try {
    let last = "";
    while (!ended.signal.aborted) {
      const seen = await Promise.race([lookAgain(look, last !== ""), whenAborted(ended.signal)]);
      if (seen === undefined) return;
      if ("text" in seen) last = seen.text;
      draw(
        "text" in seen
          ? seen.text
          : inPlace
            ? `${lost(seen.lost, out)}\n${last}`
            : `${lost(seen.lost, out)}\n`,
      );
      await pause(intervalMs, undefined, { signal: ended.signal }).catch(() => {});
    }
  } finally {
    process.off("SIGINT", end).off("SIGTERM", end);
    if (inPlace && out.rows !== undefined) out.write(SHOW_CURSOR);
  }
}

type Seen = { readonly text: string } | { readonly lost: string };

async function lookAgain(look: () => Promise<string>, patient: boolean): Promise<Seen> {
  try {
    return { text: await look() };
  } catch (error) {
    if (patient && error instanceof ConnectionError) return { lost: messageOf(error) };
    throw error;
  }
}

function whenAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

function lost(why: string, out: Output): string {
  return out.paint("bad", cut(`Asking again: ${why}`, out.width));
}

/** Draws over what it has drawn before. */
function inPlaceOf(out: Output): (text: string) => void {
  let drawn = 0;
  return (text) => {
    const lines = text.replace(/\n$/, "").split("\n");
    // A line that scrolls away could not be drawn over.
    const room = Math.max(1, (out.rows ?? 1) - 1);
    const shown = lines.length <= room ? lines : [...lines.slice(0, room - 1), out.paint("faint", "…")];
    const up = drawn === 0 ? "" : `\u001b[${drawn}A\r`;
    out.write(`${up}${shown.map((line) => `${line}${CLEAR_LINE}\n`).join("")}${CLEAR_BELOW}`);
    drawn = shown.length;
  };
}
