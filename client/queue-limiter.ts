/** `queueLimiter`: bounds how many calls are submitted and not yet ended, so that a long loop does not run ahead. */

import pLimit from "p-limit";
import type { Completion } from "./completion.js";
import { type DelayedFn, isDelayedFn } from "./delayed/function.js";
import { hideThenOnce, nodeOf } from "./delayed/surface.js";

/** Submits calls, so many at once. */
export interface QueueLimiter {
  /**
   * The function with its calls waiting for a slot.
   *
   * @throws TypeError when it is not a delayed function
   */
  <A extends unknown[], R>(fn: DelayedFn<A, R>): (...args: A) => Promise<R>;
  /** Waits until everything that was submitted has ended, well or not; then nothing more can be. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Makes a limiter: `await ql(fn)(x)` waits for one of `n` slots, submits, and gives the `Delayed`
 * of the call, not its value. The slot is free again when the call has ended.
 *
 * TypeScript takes whatever `await` gives for a value, so `r` has the type of the value although it is
 * still a `Delayed`: `await r` and `await each(list)` have the right types; `delayedVal(r)` is the
 * same `Delayed` with its own type, for operators and members. To pass it through an async function,
 * wrap it, as `return { r }`: returning it awaits it, like any thenable.
 *
 * @param n at most so many at once; a whole number of 1 or more
 * @throws TypeError when `n` is no such number
 * @example
 * await using ql = queueLimiter(10);
 * const points = [];
 * for (const d of grid) points.push(await ql(energy)(d));
 * console.log(await each(points));
 */
export function queueLimiter(n: number): QueueLimiter {
  if (!Number.isSafeInteger(n) || n < 1)
    throw new TypeError(`queueLimiter takes a whole number of 1 or more slots, not ${String(n)}.`);
  const limit = pLimit(n);
  const open = new Set<Promise<void>>();
  let closing: Promise<void> | undefined;

  const limited =
    <A extends unknown[], R>(fn: DelayedFn<A, R>) =>
    (...args: A): Promise<R> => {
      if (closing !== undefined)
        return Promise.reject(new Error("this queueLimiter is closed; make another one."));
      return new Promise((resolve, reject) => {
        const slot = limit(async () => {
          const completion = submitInto(fn, args, resolve, reject);
          if (completion !== undefined) await new Promise<void>((free) => completion.whenEnded(free));
        });
        open.add(slot);
        void slot.then(() => open.delete(slot));
      });
    };

  async function drain(): Promise<void> {
    // Calls may have been waiting for slots, one after the other.
    while (open.size > 0) await Promise.all(open);
  }

  const queueLimited = <A extends unknown[], R>(fn: DelayedFn<A, R>): ((...args: A) => Promise<R>) => {
    const isDelayedFunction: boolean = isDelayedFn(fn);
    if (!isDelayedFunction)
      throw new TypeError("a queueLimiter takes a delayed function; wrap it, as ql(delayed(fn))(x).");
    return limited(fn);
  };
  const close = (): Promise<void> => {
    closing ??= drain();
    return closing;
  };
  return Object.assign(queueLimited, { close, [Symbol.asyncDispose]: close });
}

/** Submits the call and resolves with its Delayed. p-limit keeps the context of the caller, so the call is made in the caller's run. */
function submitInto<A extends unknown[], R>(
  fn: DelayedFn<A, R>,
  args: A,
  resolve: (value: R) => void,
  reject: (error: unknown) => void,
): Completion | undefined {
  try {
    const delayed = fn(...args);
    const completion = nodeOf(delayed)?.left as Completion;
    // Resolving looks `then` up once, to find out whether to wait; now it is not to.
    hideThenOnce(delayed);
    resolve(delayed as unknown as R);
    return completion;
  } catch (error) {
    reject(error);
    return undefined;
  }
}
