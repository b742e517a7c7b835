/**
 * Ctrl-C while runs are active: the first cancels them, the second leaves at once.
 * The process has one listener for all runs, and none when no run is active.
 */

const cancels = new Set<() => void>();
let interrupted = false;

/** The exit code of a program that SIGINT has ended, as shells have it. */
const INTERRUPTED_EXIT_CODE = 130;

function onSignal(): void {
  if (interrupted) process.exit(INTERRUPTED_EXIT_CODE);
  interrupted = true;
  if (process.stderr.isTTY)
    process.stderr.write("\ngrain: cancelling; press Ctrl-C again to leave at once\n");
  for (const cancel of [...cancels]) cancel();
}

/**
 * Calls back at the first interrupt.
 *
 * @returns takes the callback back
 */
export function onInterrupt(cancel: () => void): () => void {
  if (cancels.size === 0) {
    interrupted = false;
    process.on("SIGINT", onSignal);
  }
  // A callback of its own for each run, even if two give the same function.
  const entry = () => cancel();
  cancels.add(entry);
  return () => {
    if (!cancels.delete(entry)) return;
    if (cancels.size === 0) process.removeListener("SIGINT", onSignal);
  };
}
