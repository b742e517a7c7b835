/**
 * Reads what programs write to a FIFO, one program after another.
 *
 * A short program costs two plain reads after its end: a socket, which is what
 * lets the event loop wait for output, is made only for one that goes on.
 * The plain descriptor stays open throughout, so that nothing written is lost between the two.
 */

import { closeSync, constants, openSync, readSync } from "node:fs";
import { Socket } from "node:net";

const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;
const buffer = Buffer.allocUnsafeSlow(65_536);

/** The reading end of a FIFO. */
export class Fifo {
  readonly #path: string;
  readonly #fd: number;
  #socket: Socket | undefined;
  #closed = false;

  /** Opens an existing FIFO; does not wait for a writer. */
  constructor(path: string) {
    this.#path = path;
    this.#fd = openSync(path, OPEN_FLAGS);
  }

  /** Calls back with output as it comes, until `finish` or `close`. */
  follow(onOutput: (bytes: Uint8Array) => void): void {
    if (this.#closed || this.#socket !== undefined) return;
    // A descriptor of its own: one that has seen an earlier writer leave reports the end at once.
    const socket = new Socket({ fd: openSync(this.#path, OPEN_FLAGS), readable: true, writable: false });
    socket.on("data", onOutput);
    // A failed read is met again by `finish`, which throws it where somebody listens.
    socket.on("error", () => socket.destroy());
    this.#socket = socket;
  }

  /**
   * Reads what is left after the program's end.
   *
   * @returns whether no other process holds the writing end
   */
  finish(onOutput: (bytes: Uint8Array) => void): boolean {
    this.#socket?.destroy();
    this.#socket = undefined;
    for (;;) {
      let length: number;
      try {
        length = readSync(this.#fd, buffer);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EAGAIN") return false;
        throw error;
      }
      if (length === 0) return true;
      onOutput(Uint8Array.prototype.slice.call(buffer, 0, length));
    }
  }

  /** Reads and forgets what a process left behind still writes, so that it is not ended by its output. */
  discard(): void {
    this.follow(() => undefined);
    this.#socket?.unref();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket?.destroy();
    closeSync(this.#fd);
  }
}
