/**
 * The executor's end of the pipe: reads frames as they come, writes batches.
 *
 * Writing is synchronous as long as the pipe takes it, so that what a process has
 * to say is out before it can die, and so that frames are never cut by a death
 * between two halves: what the pipe did not take is kept here, in order.
 */

import { writeSync } from "node:fs";
import { Socket } from "node:net";
import { bytesOf, encodeFrame, FrameReader } from "./frames.js";
import type { FromExecutor, ToExecutor } from "./message.js";

/** Results are sent when so many bytes have gathered. */
const FLUSH_BYTES = 64 * 1024;
/** Results that nobody waits for are sent together, at most so late: telling of each costs more than a short task. */
const GATHER_MS = 10;
/** A task that prints waits for the agent when so much has not been taken. */
const BLOCK_BYTES = 1024 * 1024;
/** The pipe was full: it is tried again in the next turns for so long, since the agent usually reads at once … */
const EAGER_MS = 2;
/** … and then after this. */
const RETRY_MS = 1;
/** How long a dying process tries to say what it has to say. */
const LAST_WORDS_MS = 2_000;

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Finished tasks that have not been sent. */
interface Column {
  refs: number[];
  sizes: number[];
  runUs: number[];
  parts: Uint8Array[];
}

/** The pipe to the agent. */
export class Pipe {
  readonly #fd: number;
  #messages: FromExecutor[] = [];
  #finished: Column = emptyColumn();
  #bytes = 0;
  #flushDue = false;
  #gathering: NodeJS.Timeout | undefined;
  /** Frames that the pipe did not take; the first may be cut. */
  #backlog: Buffer[] = [];
  #backlogBytes = 0;
  #retryDue = false;
  /** When the pipe last took something. */
  #progressAtMs = 0;
  #broken = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Starts reading. `ended` is called when the agent has gone. */
  receive(handle: (messages: ToExecutor[]) => void, ended: () => void): void {
    const reader = new FrameReader<ToExecutor>();
    const socket = new Socket({ fd: this.#fd, readable: true, writable: true });
    socket.on("data", (chunk: Buffer) => handle(reader.push(chunk)));
    socket.on("end", ended);
    socket.on("error", ended);
  }

  /** Queues a message; all of one event-loop turn travel together. */
  send(message: FromExecutor): void {
    this.#closeColumn();
    this.#messages.push(message);
    if (message.type === "printed") this.#bytes += message.text.byteLength;
    this.#scheduleFlush();
  }

  /** Queues a result, for the caller to `flush` or `flushSoon`. */
  finished(ref: number, value: Uint8Array, runUs: number): void {
    const { refs, sizes, runUs: times, parts } = this.#finished;
    refs.push(ref);
    sizes.push(value.byteLength);
    times.push(runUs);
    if (value.byteLength > 0) parts.push(value);
    this.#bytes += value.byteLength;
    if (this.#bytes >= FLUSH_BYTES) this.flush();
  }

  /** Sees to it that what is queued is sent. @param canWait whether this process has enough to do until the agent has heard of it */
  flushSoon(canWait: boolean): void {
    if (this.#messages.length === 0 && this.#finished.refs.length === 0) return;
    if (canWait) this.#gathering ??= setTimeout(() => this.flush(), GATHER_MS);
    else this.#scheduleFlush();
  }

  /** Sends what is queued now instead of at the end of the turn. */
  flush(): void {
    if (this.#gathering !== undefined) clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.#closeColumn();
    if (this.#messages.length === 0) return;
    const frame = encodeFrame(this.#messages);
    this.#messages = [];
    this.#bytes = 0;
    this.#backlog.push(frame);
    this.#backlogBytes += frame.byteLength;
    this.#write();
  }

  /** Lets a task that prints without pause wait until the agent has taken enough of it. */
  waitForRoom(): void {
    while (this.#backlogBytes > BLOCK_BYTES && !this.#broken) {
      Atomics.wait(sleeper, 0, 0, RETRY_MS);
      this.#write();
    }
  }

  /** Sends everything before the process ends. */
  flushAtExit(): void {
    const until = performance.now() + LAST_WORDS_MS;
    this.flush();
    while (this.#backlog.length > 0 && !this.#broken && performance.now() < until) {
      Atomics.wait(sleeper, 0, 0, RETRY_MS);
      this.#write();
    }
  }

  #scheduleFlush(): void {
    if (this.#bytes >= FLUSH_BYTES) {
      this.flush();
      return;
    }
    if (this.#flushDue) return;
    this.#flushDue = true;
    setImmediate(() => {
      this.#flushDue = false;
      this.flush();
    });
  }

  #closeColumn(): void {
    const { refs, sizes, runUs, parts } = this.#finished;
    if (refs.length === 0) return;
    this.#messages.push({ type: "finished", refs, sizes, runUs, values: bytesOf(parts) });
    this.#finished = emptyColumn();
  }

  #write(): void {
    while (this.#backlog.length > 0 && !this.#broken) {
      const frame = this.#backlog[0]!;
      let written: number;
      try {
        written = writeSync(this.#fd, frame);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EAGAIN") this.#retryLater();
        else this.#broken = true;
        return;
      }
      this.#progressAtMs = performance.now();
      this.#backlogBytes -= written;
      if (written < frame.byteLength) this.#backlog[0] = frame.subarray(written);
      else this.#backlog.shift();
    }
  }

  #retryLater(): void {
    if (this.#retryDue) return;
    this.#retryDue = true;
    const retry = () => {
      this.#retryDue = false;
      this.#write();
    };
    if (performance.now() - this.#progressAtMs < EAGER_MS) setImmediate(retry);
    else setTimeout(retry, RETRY_MS);
  }
}

function emptyColumn(): Column {
  return { refs: [], sizes: [], runUs: [], parts: [] };
}
