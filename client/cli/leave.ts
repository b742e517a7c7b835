/** Ends this process also when something that never speaks keeps a socket open. */

/** For what is still to be written. */
const LINGER_MS = 200;

/** Ends the process a moment from now, with the exit code that it has then, unless it ends by itself before. */
export function leaveSoon(): void {
  setTimeout(() => process.exit(), LINGER_MS).unref();
}
