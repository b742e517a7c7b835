/** Tries several ways to one head side by side, each a little after the one before: the first that works is taken. */

/** As browsers do it: enough for the best way to be taken when it works. */
const STAGGER_MS = 250;

/** How the ways are tried. */
export interface Race<T, R> {
  /** Resolves to undefined when this way leads nowhere, and soon when the signal fires. */
  readonly attempt: (way: T, signal: AbortSignal) => Promise<R | undefined>;
  /** Frees what was reached too late. */
  readonly dispose: (reached: R) => void;
  readonly signal?: AbortSignal | undefined;
  readonly staggerMs?: number;
}

/**
 * Tries all, the next one when those before have taken too long or have failed.
 *
 * @param ways the best first
 * @returns what was reached first; undefined when no way led anywhere
 * @throws the first error, when nothing was reached and one of the ways had one
 */
export function firstOf<T, R>(ways: readonly T[], race: Race<T, R>): Promise<R | undefined> {
  const { attempt, dispose, signal, staggerMs = STAGGER_MS } = race;
  const over = new AbortController();
  return new Promise((resolve, reject) => {
    let next = 0;
    let underWay = 0;
    let isSettled = false;
    let failure: { readonly error: unknown } | undefined;
    let timer: NodeJS.Timeout | undefined;
    const settle = (finish: () => void) => {
      isSettled = true;
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      over.abort();
      finish();
    };
    const abort = () => over.abort();
    const ended = (reached: R | undefined, error?: { readonly error: unknown }) => {
      underWay -= 1;
      if (isSettled) {
        if (reached !== undefined) dispose(reached);
        return;
      }
      failure ??= error;
      if (reached !== undefined) return settle(() => resolve(reached));
      if (underWay === 0) startNext();
    };
    const startNext = () => {
      clearTimeout(timer);
      if (next === ways.length || over.signal.aborted) {
        if (underWay > 0) return;
        return settle(() => (failure === undefined ? resolve(undefined) : reject(failure.error)));
      }
      const way = ways[next]!;
      next += 1;
      underWay += 1;
      timer = setTimeout(startNext, staggerMs);
      attempt(way, over.signal).then(
        (reached) => ended(reached),
        (error: unknown) => ended(undefined, { error }),
      );
    };
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) abort();
    startNext();
  });
}
