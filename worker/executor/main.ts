/**
 * The process that runs tasks: `node dist/worker/executor/main.js`, started by a
 * worker's pool with a pipe as file descriptor 3. Ends when that pipe ends.
 */

import { writeSync } from "node:fs";
import { createRequire } from "node:module";
import { format } from "node:util";
import { messageOf } from "../../proto/errors.js";
import { becomeExecutor } from "../../proto/host.js";
import { captureOutput } from "./capture.js";
import { running, type TaskContext } from "./context.js";
import type { ToExecutor } from "./message.js";
import { Parts } from "./parts.js";
import { Pipe } from "./pipe.js";
import { Registry } from "./registry.js";
import { Runner } from "./runner.js";

const PIPE_FD = 3;
const RAW_STDERR_FD = 2;
/** As a process has it that SIGTERM ended. */
const EXIT_TERMINATED = 143;

const pipe = new Pipe(PIPE_FD);
const registry = new Registry();

becomeExecutor({
  register: (definition) => registry.register(definition),
  currentTask: () => running.getStore(),
  stopHere: () => registry.stopHere(),
});

// Bundles find the package here instead of containing it: there is one `currentTask`, and nothing is shipped twice.
const [client, { createPrograms, disposePrograms }] = await Promise.all([
  import("grain-scheduler"),
  import("../programs/index.js"),
]);
const load = createRequire(import.meta.url);
Object.defineProperty(globalThis, Symbol.for("grain-scheduler"), {
  value: {
    ".": client,
    // Only programs that embed a head or a worker need these, so they are loaded when asked for.
    get "./worker"(): unknown {
      return load("grain-scheduler/worker");
    },
    get "./head"(): unknown {
      return load("grain-scheduler/head");
    },
  },
});

// From here on: what is the package's own would only start later by it, for every file's map is read with the file.
process.setSourceMapsEnabled(true);

let runner: Runner | undefined;
let parts: Parts | undefined;
/** What arrived while parts are being set up. */
let waiting: ToExecutor[] | undefined;
/** What ended this process, if it can be said, as a clause. */
let reason = "";
let culprit: TaskContext | undefined;

pipe.receive(
  (messages) => {
    for (const message of messages) {
      if (waiting === undefined || message.type === "exit") handle(message);
      else waiting.push(message);
    }
  },
  () => void disposePrograms().finally(() => process.exit(0)),
);

captureOutput((text, stderr) => {
  const only = runner?.only;
  print(running.getStore() ?? (only?.called ? only : undefined), text, stderr);
});

process.on("uncaughtException", (error) => failed(error, "an exception that nobody caught"));
process.on("unhandledRejection", (error) => failed(error, "a promise rejection that nobody handled"));
process.on("exit", () => {
  const context = culprit ?? running.getStore() ?? runner?.only;
  const ref = context === undefined || context.ended ? (runner?.only?.ref ?? 0) : context.ref;
  pipe.send({ type: "dying", ref, reason });
  pipe.flushAtExit();
});

pipe.send({ type: "ready" });
pipe.flush();

function handle(message: ToExecutor): void {
  if (message.type === "setup") {
    parts = new Parts(message);
    runner = new Runner(pipe, registry, { setup: message, parts, createPrograms, print });
    if (parts.isPerExecutor) void equip(parts);
    return;
  }
  if (runner === undefined) throw new Error("The agent did not introduce itself.");
  switch (message.type) {
    case "plan":
      return runner.define(message);
    case "run":
      return runner.add(message);
    case "abort":
      return runner.abort(message.ref, message.timedOut);
    case "drop":
      return runner.drop(message.refs);
    case "forget":
      return runner.forget(message.plans);
    case "exit":
      void leave();
      return;
    default:
      message satisfies never;
  }
}

/** Sets the parts up; what arrives meanwhile is taken after that. */
async function equip(own: Parts): Promise<void> {
  waiting = [];
  process.on("SIGTERM", () => void leave(EXIT_TERMINATED));
  try {
    await own.setUp();
  } catch (error) {
    const stack = error instanceof Error && error.cause instanceof Error ? (error.cause.stack ?? "") : "";
    pipe.send({ type: "unequipped", message: messageOf(error), stack });
    pipe.flush();
    return leave(1);
  }
  pipe.send({ type: "equipped" });
  pipe.flush();
  const messages = waiting;
  waiting = undefined;
  for (const message of messages) handle(message);
}

async function leave(code = 0): Promise<void> {
  await Promise.allSettled([parts?.tearDown(), disposePrograms()]);
  process.exit(code);
}

function print(context: TaskContext | undefined, text: Uint8Array, stderr: boolean): void {
  const ref = context === undefined || context.ended ? 0 : context.ref;
  pipe.send({ type: "printed", ref, stderr, text: Buffer.from(text) });
  // At once, as a process's own output would go: the task may compute for hours after this line.
  pipe.flush();
  pipe.waitForRoom();
}

/** Something went wrong outside of any task's call: the task that it belongs to fails with this process. */
function failed(error: unknown, what: string): void {
  const owner = running.getStore();
  if (owner?.ended) {
    // Left behind by a task that has had its result; who runs now is not to blame.
    writeSync(RAW_STDERR_FD, `${what}, after ${owner.name} (task ${owner.id}) had ended: ${format(error)}\n`);
    return;
  }
  culprit = owner ?? runner?.only;
  reason = `${what}: ${messageOf(error)}`;
  try {
    writeSync(RAW_STDERR_FD, `${format(error)}\n`);
  } catch {
    // The agent has the message; the stack is all that is lost.
  }
  process.exit(1);
}
