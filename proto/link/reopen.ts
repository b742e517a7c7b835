/** Opening a stream again after one was lost: attempts with pauses that grow, until it is too late. */

/** The pause after the first attempt that failed; each is twice as long as the one before… */
const FIRST_PAUSE_MS = 100;
/** …up to this, and shortened by chance, so that peers that were cut off together do not come back together. */
const LONGEST_PAUSE_MS = 5_000;
const LEAST_PART = 0.5;

/** How an attempt went. */
export type Attempt<T, E extends Error = Error> =
  | { readonly type: "done"; readonly value: T }
  /** Worth another attempt. */
  | { readonly type: "failed"; readonly reason: string }
  /** No attempt will ever do. */
  | { readonly type: "over"; readonly error: E };

/** Until when to try. */
export interface Patience {
  /** From now on. */
  readonly giveUpMs: number;
  /** Gives up when it fires. */
  readonly signal: AbortSignal;
}

/** How it went in the end. */
export type Outcome<T, E extends Error = Error> =
  | { readonly type: "done"; readonly value: T }
  | { readonly type: "over"; readonly error: E }
  /** Nothing came of it in time, or the signal fired. */
  | { readonly type: "gaveUp"; readonly reason: string };

/**
 * Attempts until one is done, all are over, or it is too late.
 *
 * @param attempt is to end soon when the signal fires
 * @param random from 0 to 1
 */
export async function persist<T, E extends Error = Error>(
  attempt: () => Promise<Attempt<T, E>>,
  { giveUpMs, signal }: Patience,
  random: () => number = Math.random,
): Promise<Outcome<T, E>> {
  const untilMs = performance.now() + giveUpMs;
  let pauseMs = FIRST_PAUSE_MS;
  let reason = "there was no time to try";
  while (!signal.aborted) {
    const tried = await attempt();
    if (tried.type !== "failed") return tried;
    reason = tried.reason;
    const waitMs = pauseMs * (LEAST_PART + (1 - LEAST_PART) * random());
    const leftMs = untilMs - performance.now();
    if (leftMs <= 0) break;
    await pause(Math.min(waitMs, leftMs), signal);
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }
  return { type: "gaveUp", reason };
}

/** Waits so long, or until the signal fires. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
  });
}
