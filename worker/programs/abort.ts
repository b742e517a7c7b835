/** Many waiters on one signal with one listener, because Node warns of a leak from the eleventh on. */

interface Waiters {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

const waiting = new WeakMap<AbortSignal, Waiters>();

/**
 * Calls back when a signal fires. It must not have fired.
 *
 * @returns undoes it
 * @example
 * const undo = onAbort(signal, () => program.kill());
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  let waiters = waiting.get(signal);
  if (waiters === undefined) {
    const callbacks = new Set<() => void>();
    waiters = {
      callbacks,
      listener: () => {
        waiting.delete(signal);
        for (const each of callbacks) each();
      },
    };
    waiting.set(signal, waiters);
    signal.addEventListener("abort", waiters.listener, { once: true });
  }
  const { callbacks, listener } = waiters;
  callbacks.add(callback);
  return () => {
    if (!callbacks.delete(callback) || callbacks.size > 0 || waiting.get(signal)?.listener !== listener)
      return;
    waiting.delete(signal);
    signal.removeEventListener("abort", listener);
  };
}
