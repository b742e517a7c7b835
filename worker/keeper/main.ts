/**
 * The process that holds what is set up once for a worker: `node dist/worker/keeper/main.js`, with a
 * channel to its worker. It tears everything down when it is told to, and when its worker has gone.
 *
 * Signals do not end it: who sends one to all processes of a job means the worker, which decides.
 * What its modules start carries a mark of this process, and is ended by whoever outlives it.
 */

import { messageOf } from "../../proto/errors.js";
import { MARK_VARIABLE, newMark, withMark } from "../process/marker.js";
import { acquireWatchdog } from "../process/watchdog.js";
import { Holdings } from "./holdings.js";
import { type FromKeeper, KEEPER_VARIABLE, type ToKeeper } from "./message.js";

delete process.env[KEEPER_VARIABLE];
// Before the mark, or it would end itself with the rest.
const releaseWatchdog = acquireWatchdog();
const mark = newMark();
process.env[MARK_VARIABLE] = withMark(process.env, mark)[MARK_VARIABLE];

const holdings = new Holdings({
  doing: (kind) => say({ type: "doing", kind }),
  broken: (message) => say({ type: "broken", message }),
  problem: (message) => say({ type: "problem", message }),
});
let teardownMs = 0;
let ending = false;
/** What was said last is on its way. */
let said: Promise<void> = Promise.resolve();

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU"] as const)
  process.on(signal, () => {});
process.on("message", (message: ToKeeper) => void take(message));
process.on("disconnect", () => {
  // Nobody is left who would end this process if it hung.
  setTimeout(() => process.exit(1), teardownMs).unref();
  void end();
});
process.on("uncaughtException", (error) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  if (!ending) say({ type: "broken", message: `an exception that nobody caught: ${messageOf(error)}` });
});

say({ type: "started", mark });

async function take(message: ToKeeper): Promise<void> {
  if (message.type === "tearDown") return end();
  teardownMs = message.teardownMs;
  try {
    say({ type: "ready", parts: await holdings.setUp(message) });
  } catch (error) {
    const stack = error instanceof Error && error.cause instanceof Error ? (error.cause.stack ?? "") : "";
    say({ type: "failed", message: messageOf(error), stack });
    await end();
  }
}

async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  await holdings.tearDown();
  // A worker that lives ends what is left itself, and waits for that.
  if (process.connected) releaseWatchdog();
  await said;
  process.exit(0);
}

function say(message: FromKeeper): void {
  if (!process.connected) return;
  said = new Promise((resolve) => {
    process.send?.(message, undefined, undefined, () => resolve());
  });
}
